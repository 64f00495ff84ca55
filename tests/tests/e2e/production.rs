//! `serve`: the same house for production.

use fulcrum_e2e::{App, Signal, json_lines, text_of};

#[test]
fn serve_speaks_json_and_sets_node_env() {
    let app = App::new().domain("users", "prints-environment");
    let mut serve = app.start(&["serve"]);
    serve.wait_for("1 domain ready in ");
    let status = app
        .run(&["domains", "status", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(status["instance"]["mode"], "serve");
    serve.signal(Signal::TERM);
    let output = serve.ends().exits(0);
    let lines = json_lines(&output.stdout);
    for line in &lines {
        for key in ["seq", "time", "domain", "generation", "stream", "message"] {
            assert!(line.get(key).is_some(), "no {key}: {line}");
        }
    }
    let env = lines
        .iter()
        .find(|line| line["message"] == "NODE_ENV=production");
    assert!(
        env.is_some_and(|line| line["domain"] == "users"),
        "{output}"
    );
    app.nothing_left();
}

#[test]
fn serve_takes_no_registration_without_a_token() {
    let app = App::new().domain("users", "steady");
    app.run(&["serve", "--detach", "--wait"]).exits(0);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/stranger.cjs");
    for name in ["users", "elsewhere"] {
        let told = app
            .program("node", &[script, &app.grpc(), name])
            .output()
            .exits(0)
            .json();
        assert_eq!(told["code"], 16, "UNAUTHENTICATED: {told}");
        assert!(
            text_of(&told, "text").contains("FULCRUM_DOMAIN_TOKEN"),
            "{told}"
        );
    }
    assert_eq!(app.see("users")["ready"], true);
    app.down();
}

/// A client of old sends no token, so `serve` must be told to take it.
#[test]
fn a_domain_without_a_token_needs_open_registration() {
    let app = App::new()
        .domain("users", "exports-a-class-of-its-own")
        .write("fulcrum.yml", "runtime:\n  grpc:\n    registration: open\n");
    app.run(&["serve", "--detach", "--wait"]).exits(0);
    assert_eq!(app.see("users")["ready"], true);
    app.down();
}
