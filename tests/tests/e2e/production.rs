//! `serve`: production mode.

use fulcrum_e2e::{App, CTRL_C, Signal, TerminalStep, binary, json_lines, text_of};
use serde_json::Value;

#[test]
fn serve_prints_json_and_sets_node_env() {
    let app = App::new().domain("users", "prints-environment");
    let mut serve = app.spawn(&["serve"]);
    serve.wait_for("1 domain ready in ");
    let status = app
        .run(&["domains", "status", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(status["instance"]["mode"], "serve");
    serve.signal(Signal::TERM);
    let output = serve.wait_exit().exits(0);
    let lines = json_lines(&output.stdout);
    for line in &lines {
        for key in [
            "seq",
            "time",
            "domain",
            "generation",
            "pid",
            "stream",
            "level",
            "trace_id",
            "message",
        ] {
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
    app.assert_no_processes();
}

#[test]
fn serve_rejects_a_registration_without_a_token() {
    let app = App::new().domain("users", "steady");
    app.run(&["serve", "--detach", "--wait"]).exits(0);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/register.cjs");
    for name in ["users", "elsewhere"] {
        let response = app
            .program("node", &[script, &app.grpc(), name])
            .output()
            .exits(0)
            .json();
        assert_eq!(response["code"], 16, "UNAUTHENTICATED: {response}");
        assert!(
            text_of(&response, "text").contains("FULCRUM_DOMAIN_TOKEN"),
            "{response}"
        );
    }
    assert_eq!(app.status("users")["ready"], true);
    app.down();
}

/// A client without the SDK sends no token, so `serve` must be configured to accept it.
#[test]
fn a_domain_without_a_token_needs_open_registration() {
    let app = App::new()
        .domain("users", "exports-a-class-of-its-own")
        .write("fulcrum.yml", "runtime:\n  grpc:\n    registration: open\n");
    app.run(&["serve", "--detach", "--wait"]).exits(0);
    assert_eq!(app.status("users")["ready"], true);
    app.down();
}

/// The JSON record of a line: level and trace of a logger's own JSON are recognized.
#[test]
fn a_json_record_has_level_and_trace() {
    let app = App::new().domain("users", "logs-like-pino");
    let mut serve = app.spawn(&["serve"]);
    serve.wait_for("1 domain ready in ");
    serve.signal(Signal::TERM);
    let output = serve.wait_exit().exits(0);
    let lines = json_lines(&output.stdout);
    let find = |text: &str| {
        let of = |line: &&Value| text_of(line, "message").contains(text);
        let found = lines.iter().find(of);
        found.unwrap_or_else(|| panic!("no {text}: {output}"))
    };
    let logged = find("the card is refused");
    assert_eq!(logged["level"], "error");
    assert_eq!(logged["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    let plain = find("a plain line");
    assert!(plain["level"].is_null() && plain["trace_id"].is_null());
    assert!(plain["pid"].as_u64() > Some(1) && plain["generation"] == 1);
    let numbers: Vec<_> = lines.iter().map(|line| line["seq"].as_u64()).collect();
    assert!(numbers.is_sorted() && numbers.iter().all(Option::is_some));
}

/// JSON is for programs: in a terminal, or with `format: text`, `serve` prints text.
#[test]
fn serve_prints_text_on_a_terminal_and_on_request() {
    let app = App::new().domain("users", "steady");
    let fulcrum = binary().display().to_string();
    let steps = [
        TerminalStep::Expect("1 domain ready in "),
        CTRL_C,
        TerminalStep::Exit,
    ];
    let shown = app.terminal_session(&[&fulcrum, "serve"], &steps).output;
    assert!(
        shown.contains("│") && !shown.contains("{\"seq\""),
        "{shown:?}"
    );

    let app = app.write("fulcrum.yml", "runtime: {logs: {format: text}}\n");
    let mut serve = app.spawn(&["serve"]);
    serve.wait_for("1 domain ready in ");
    serve.signal(Signal::TERM);
    let output = serve.wait_exit().exits(0);
    assert!(output.stdout.contains("users   │ "), "{output}");
}
