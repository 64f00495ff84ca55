//! Who may register under which name.

use fulcrum_e2e::{App, Line, Output, text_of};
use serde_json::Value;

#[track_caller]
fn stranger(app: &App, args: &[&str]) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/stranger.cjs");
    let address = app.grpc();
    let args = [&[script, &address][..], args].concat();
    let output: Output = app.program("node", &args).output().exits(0);
    output.json()
}

#[track_caller]
fn fails_with_both_names(fixture: &str) {
    let app = App::new().domain("users", fixture);
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .says(&["users", "somebody-else"]);
    let users = app.see("users");
    assert_eq!(users["phase"], "failed", "{users}");
    let reason = text_of(&users, "reason");
    assert!(
        reason.contains("users") && reason.contains("somebody-else"),
        "{reason}"
    );
    assert_eq!(app.times("users", "spawned"), 1, "no retry can help");
    app.down();
}

#[test]
fn a_wrong_name_fails_at_once_with_both_names() {
    fails_with_both_names("calls-itself-otherwise");
}

#[test]
fn a_wrong_name_without_a_token_does_too() {
    fails_with_both_names("calls-itself-otherwise-by-hand");
}

#[test]
fn a_stranger_never_displaces_a_live_domain() {
    let app = App::new().domain("users", "steady");
    app.up();
    let told = stranger(&app, &["users"]);
    assert_eq!(told["code"], 6, "ALREADY_EXISTS: {told}");
    assert!(text_of(&told, "text").contains("users"), "{told}");
    let told = stranger(&app, &["users", "not-the-token"]);
    assert_eq!(told["code"], 16, "UNAUTHENTICATED: {told}");
    let call = [
        "domains",
        "call",
        "users",
        "text_echo_request",
        r#"{"text":"still me"}"#,
    ];
    let answer = app.run(&call).exits(0).json();
    assert_eq!(answer["pid"].as_u64(), app.see("users")["pid"].as_u64());
    assert_eq!(
        app.times("users", "registered"),
        1,
        "it had to register again"
    );
    let warned = app
        .logs("users")
        .into_iter()
        .any(|line| line.message.contains("refused"));
    assert!(warned, "nobody was told");
    app.down();
}

/// In `dev` a name that nobody holds may be taken from outside, as by a domain in a debugger.
#[test]
fn a_stranger_may_have_a_free_name_in_dev() {
    let app = App::new().domain("users", "steady");
    app.up();
    let told = stranger(&app, &["elsewhere"]);
    assert_eq!(told["registered"]["type"], "register_success", "{told}");
    let payload: Value =
        serde_json::from_str(told["registered"]["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload["status"], "registered");
    app.down();
}

/// A token is for one life: the next one has another, and the old is worth nothing.
#[test]
fn the_token_of_an_earlier_life_is_refused() {
    let app = App::new().domain("users", "prints-environment");
    app.up();
    let tokens = || -> Vec<String> {
        let lines = app.logs("users").into_iter();
        let token = |line: Line| {
            Some(
                line.message
                    .strip_prefix("FULCRUM_DOMAIN_TOKEN=")?
                    .to_owned(),
            )
        };
        lines.filter_map(token).collect()
    };
    app.run(&["domains", "restart", "users"]).exits(0);
    let tokens = tokens();
    assert_eq!(tokens.len(), 2);
    assert_ne!(tokens[0], tokens[1]);
    app.run(&["domains", "stop", "users"]).exits(0);
    for token in &tokens {
        let told = stranger(&app, &["users", token]);
        assert_eq!(told["code"], 16, "UNAUTHENTICATED: {told}");
    }
    app.down();
}
