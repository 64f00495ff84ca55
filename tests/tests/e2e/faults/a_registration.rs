//! Section A: which process may register, when, and under which name.

use fulcrum_e2e::raw::{self, Wire};
use fulcrum_e2e::{App, LIMIT, Line, Output, measurement, not_applicable, text_of, wait_until};
use serde_json::Value;

#[track_caller]
fn register_from_outside(app: &App, args: &[&str]) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/register.cjs");
    let address = app.grpc();
    let args = [&[script, &address][..], args].concat();
    let output: Output = app.program("node", &args).output().exits(0);
    output.json()
}

#[track_caller]
fn assert_fails_with_both_names(fixture: &str) {
    let app = App::new().domain("users", fixture);
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .stderr_contains(&["users", "other-name"]);
    let users = app.status("users");
    assert_eq!(users["phase"], "failed", "{users}");
    let reason = text_of(&users, "reason");
    assert!(
        reason.contains("users") && reason.contains("other-name"),
        "{reason}"
    );
    assert_eq!(app.event_count("users", "spawned"), 1, "it was retried");
    app.down();
}

#[test]
fn a06_a_wrong_name_fails_at_once_with_both_names() {
    assert_fails_with_both_names("registers-wrong-name");
}

#[test]
fn a06_a_wrong_name_without_a_token_fails_at_once_with_both_names() {
    assert_fails_with_both_names("registers-wrong-name-by-hand");
}

#[test]
fn a09_an_unmanaged_process_never_displaces_a_running_domain() {
    let app = App::new().domain("users", "steady");
    app.start();
    let response = register_from_outside(&app, &["users"]);
    assert_eq!(response["code"], 6, "ALREADY_EXISTS: {response}");
    assert!(text_of(&response, "text").contains("users"), "{response}");
    let response = register_from_outside(&app, &["users", "not-the-token"]);
    assert_eq!(response["code"], 16, "UNAUTHENTICATED: {response}");
    let call = [
        "domains",
        "call",
        "users",
        "text_echo_request",
        r#"{"text":"still me"}"#,
    ];
    let answer = app.run(&call).exits(0).json();
    assert_eq!(answer["pid"].as_u64(), app.status("users")["pid"].as_u64());
    assert_eq!(
        app.event_count("users", "registered"),
        1,
        "it registered again"
    );
    let warned = app
        .logs("users")
        .into_iter()
        .any(|line| line.message.contains("rejected"));
    assert!(warned, "no warning was logged");
    app.down();
}

/// In `dev` a process that Fulcrum did not start may register a free name, as a domain in a
/// debugger does.
#[test]
fn a09_an_unmanaged_process_may_register_a_free_name_in_dev() {
    let app = App::new().domain("users", "steady");
    app.start();
    let response = register_from_outside(&app, &["elsewhere"]);
    assert_eq!(
        response["registered"]["type"], "register_success",
        "{response}"
    );
    let payload: Value =
        serde_json::from_str(response["registered"]["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload["status"], "registered");
    app.down();
}

/// A token is valid for one generation: the next one has another.
#[test]
fn a08_the_token_of_an_earlier_generation_is_rejected() {
    let app = App::new().domain("users", "prints-environment");
    app.start();
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
        let response = register_from_outside(&app, &["users", token]);
        assert_eq!(response["code"], 16, "UNAUTHENTICATED: {response}");
    }
    app.down();
}

/// The events about rejected registrations of `name`.
fn rejections(app: &App, name: &str) -> Vec<Value> {
    let events = app.events().into_iter();
    let is_rejection = |event: &Value| match event.get("type") {
        Some(kind) => kind == "registration_refused",
        None => text_of(event, "reason").starts_with("a registration from"),
    };
    events
        .filter(|event| event["domain"] == name && is_rejection(event))
        .collect()
}

/// A generation that is being stopped registers before it exits: it must not be accepted.
fn register_late(after: &str) {
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("other", &[])
        .stub_domain_with(
            "users",
            &["--register-after", after, "--ignore-term"],
            "{start_timeout: 500ms, stop: {grace: 2s}, restart: never}",
        );
    app.run(&["dev", "--detach"]).exits(0);
    wait_until("it is rejected", LIMIT, || {
        (app.event_count("users", "rejected 9") > 0).then_some(())
    });
    app.wait_for("users", "has failed", |users| users["phase"] == "failed");
    assert_eq!(app.event_count("users", "registered"), 0);
    let events = rejections(&app, "users");
    assert!(
        events
            .iter()
            .any(|event| text_of(event, "reason").contains("being stopped")),
        "{events:?}"
    );
    assert_eq!(app.status("other")["restarts"], 0);
    app.down();
}

#[test]
fn a05_a_registration_after_the_start_timeout_is_rejected() {
    register_late("1s");
}

/// Around the start timeout there are two outcomes: the domain is ready in its first generation, or
/// it is rejected and has failed. A generation that was given up is never reported as ready.
#[test]
fn a05_around_the_start_timeout_a_domain_is_ready_or_failed() {
    let app = (0..12).fold(App::new().with_short_timeouts(), |app, n| {
        let after = format!("{}ms", 440 + 10 * n);
        app.stub_domain_with(
            &format!("d{n:02}"),
            &["--register-after", &after, "--ignore-term"],
            "{start_timeout: 500ms, stop: {grace: 300ms}, restart: never}",
        )
    });
    app.run(&["dev", "--detach"]).exits(0);
    let (mut ready, mut failed) = (0, 0);
    for n in 0..12 {
        let name = format!("d{n:02}");
        let domain = app.wait_for(&name, "is ready or failed", |domain| {
            domain["phase"] == "failed" || domain["ready"] == true
        });
        assert_eq!(domain["generation"], 1, "{domain}");
        if domain["ready"] == true {
            ready += 1;
        } else {
            failed += 1;
            // Registered in time and then given up, or rejected: but not both ready and failed.
            assert_eq!(domain["pid"], Value::Null, "{domain}");
        }
    }
    measurement(
        "A5",
        &format!("within 60 ms of the timeout: {ready} ready, {failed} given up, none both"),
    );
    app.down();
}

/// A process of another domain uses the victim's name: the victim is not affected, and the offender
/// is named with its pid.
#[test]
fn a06_another_domains_name_is_denied_and_the_offender_is_named() {
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("victim", &[])
        // They ignore SIGTERM until they have read the rejection, since the stop follows at once.
        .stub_domain("offender", &["--name", "victim", "--ignore-term"])
        .stub_domain(
            "sneak",
            &["--name", "victim", "--no-token", "--ignore-term"],
        );
    app.run(&["dev", "--detach", "--wait", "--only", "victim"])
        .exits(0);
    let victim = app.leader("victim");
    for (count, offender) in ["offender", "sneak"].into_iter().enumerate() {
        app.run(&["domains", "start", offender])
            .exits(1)
            .stderr_contains(&[offender, "victim"]);
        assert_eq!(
            app.event_count(offender, "rejected 7"),
            1,
            "PERMISSION_DENIED"
        );
        let pid = app
            .activity_log()
            .into_iter()
            .find(|entry| entry.domain == offender);
        let pid = pid.expect("it was spawned").pid.to_string();
        let events = rejections(&app, "victim");
        assert_eq!(events.len(), count + 1, "{events:?}");
        let reason = text_of(&events[count], "reason");
        assert!(
            reason.contains(&pid) && reason.contains(offender),
            "{reason}"
        );
        let line = app
            .logs("victim")
            .into_iter()
            .find(|line| line.message.contains(&pid));
        assert!(line.is_some(), "the log does not name the process");
    }
    assert_eq!(app.leader("victim"), victim);
    assert_eq!(app.event_count("victim", "registered"), 1);
    app.down();
}

/// Of two streams of one process the newer one is used; there is one domain, and no restart.
#[test]
fn a07_two_streams_of_one_process_are_one_domain() {
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("users", &["--streams", "2"]);
    app.start();
    let users = app.leader("users");
    let both = || app.event_count("users", "registered");
    wait_until("both registered", LIMIT, || (both() >= 2).then_some(()));
    let beating = |users: &Value| users["heartbeat_age_ms"].is_u64();
    app.wait_for("users", "sends heartbeats", beating);
    app.run(&["domains", "call", "users", "echo_request", "{}"])
        .exits(0);
    assert_eq!(app.leader("users"), users);
    assert_eq!(app.status("users")["restarts"], 0);
    assert_eq!(app.event_count("users", "spawned"), 1);
    app.down();
}

#[test]
fn a09_a_thousand_guessed_tokens_are_rejected() {
    let app = App::app_under_attack();
    let address = app.grpc();
    let accepted = app.survives("A9", || {
        (0..1000)
            .filter(|_| {
                let token: String = raw::random(16)
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                let mut wire = Wire::connect(&address).expect("the port is open");
                wire.register("users", Some(&token)).is_ok()
            })
            .count()
    });
    assert_eq!(accepted, 0);
    let events = rejections(&app, "users");
    assert!(
        (1..60).contains(&events.len()),
        "{} events about rejections",
        events.len()
    );
    measurement(
        "A9",
        &format!(
            "0 of 1000 guesses accepted, {} events about them",
            events.len()
        ),
    );
    app.down();
}

/// A process of another user, without any token.
#[test]
fn a09_another_users_process_is_rejected_under_serve() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.run(&["serve", "--detach", "--wait"]).exits(0);
    let address = app.grpc();
    for token in [None, Some(""), Some("0123456789abcdef0123456789abcdef")] {
        let mut wire = Wire::connect(&address).expect("the port is open");
        assert!(wire.register("users", token).is_err(), "{token:?}");
        let mut wire = Wire::connect(&address).expect("the port is open");
        assert!(wire.register("elsewhere", token).is_err(), "{token:?}");
    }
    assert_eq!(app.status("users")["ready"], true);
    app.down();
}

#[test]
fn a10_the_domain_protocol_has_no_version() {
    not_applicable(
        "A10",
        "the domain protocol has no version: both sides go by capabilities; a control client of another protocol is F19",
    );
}
