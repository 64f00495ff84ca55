//! Section J: what is refused at the port of domains and callers, and that nothing else suffers.

use std::net::TcpStream;
use std::time::Duration;

use fulcrum_e2e::{App, raw, wait_until};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(30);

fn call<'a>(domain: &'a str, type_: &'a str, payload: &'a str) -> Vec<&'a str> {
    vec!["domains", "call", domain, type_, payload]
}

#[track_caller]
fn assert_undisturbed(app: &App, domain: &str) {
    let echo = call(domain, "text_echo_request", r#"{"text":"x"}"#);
    let answer = app.run(&echo).exits(0).json();
    assert_eq!(answer["text"], "x", "{answer}");
    assert_eq!(app.event_count(domain, "registered"), 1);
}

/// For a client that checks nothing itself, and for the SDK, which refuses to send it.
#[test]
fn j07_a_message_over_the_limit_fails_only_its_call() {
    let app = App::new()
        .domain("legacy", "responds-with-anything")
        .domain("users", "steady");
    app.start();
    let large = r#"{"bytes":17000000}"#;
    for (domain, type_) in [
        ("legacy", "text_large_request"),
        ("users", "payload_inflate_request"),
    ] {
        let failed = app.run(&call(domain, type_, large)).exits(1);
        failed.stderr_contains(&[domain, "170000", "the limit is 16777216 bytes"]);
        // More than stock clients receive, and less than the limit.
        let payload = r#"{"bytes":5000000}"#;
        let whole = app.run(&call(domain, type_, payload)).exits(0);
        assert!(whole.stdout.len() > 5_000_000);
        assert_undisturbed(&app, domain);
    }
    // A stock client would end its stream at such a request.
    let payload = format!(r#"{{"text":"{}"}}"#, "x".repeat(5_000_000));
    let request = ["domains", "call", "legacy", "text_echo_request", "-"];
    let refused = app.fulcrum(&request).stdin(payload).output().exits(1);
    refused.stderr_contains(&["legacy", "at most 4194304 bytes"]);
    assert_undisturbed(&app, "legacy");
    app.down();
}

#[test]
fn j08_text_that_is_not_utf8_and_an_unknown_id_fail_only_their_message() {
    let app = App::new().domain("legacy", "responds-with-anything");
    app.start();
    let broken = app
        .run(&call("legacy", "text_broken_request", "{}"))
        .exits(1);
    broken.stderr_contains(&["text_broken_response", "legacy", "UTF-8"]);
    // Its response comes after one that nobody asked for.
    assert_undisturbed(&app, "legacy");
    app.down();
}

#[test]
fn j09_a_child_with_the_token_of_its_parent_is_refused_by_name() {
    let app = App::new().domain("users", "registers-a-child");
    app.start();
    let refused = || {
        let lines = app.logs("users").into_iter();
        lines
            .map(|line| line.message)
            .find(|line| line.starts_with("child: "))
    };
    let text = wait_until("the response to the child", LIMIT, refused);
    assert!(
        text.starts_with("child: status 6: ") && text.contains("is a child of domain users"),
        "{text}"
    );
    assert!(text.contains("child.cjs"), "{text}");
    wait_until("the SDK tells it in the other child", LIMIT, || {
        let mut lines = app.logs("users").into_iter();
        lines
            .any(|line| {
                line.message.contains("rejected domain \"users\"")
                    && line.message.contains("sdk-child.cjs")
                    && line.message.contains("is a child of domain users")
            })
            .then_some(())
    });
    assert_undisturbed(&app, "users");
    let answer = app.run(&call("users", "text_echo_request", r#"{"text":"x"}"#));
    assert_eq!(
        answer.exits(0).json()["pid"].as_u64(),
        app.status("users")["pid"].as_u64()
    );
    app.down();
}

#[test]
fn j10_a_proxy_in_the_environment_does_not_apply_to_the_loopback() {
    let app = App::new()
        .domain("users", "prints-environment")
        .domain("silent", "never-registers")
        .write(
            "fulcrum.yml",
            "runtime:\n  domains: domains/*\n  grpc: {listen: 127.0.0.1:0}\n  defaults:\n    start_timeout: 2s\n    env: {http_proxy: 'http://127.0.0.1:9', no_proxy: intra.example}\n",
        );
    app.run(&["dev", "--detach"]).exits(0);
    app.run(&["domains", "wait", "users", "--timeout", "30s"])
        .exits(0);
    let printed = |name: &str| {
        let start = format!("{name}=");
        let mut lines = app.logs("users").into_iter();
        lines.find_map(|line| Some(line.message.strip_prefix(&start)?.to_owned()))
    };
    for name in ["no_proxy", "NO_PROXY", "no_grpc_proxy"] {
        let exempt = "intra.example,localhost,127.0.0.1,::1";
        assert_eq!(printed(name).as_deref(), Some(exempt), "{name}");
    }
    wait_until("the end of the silent one", LIMIT, || {
        (app.status("silent")["phase"] == "failed").then_some(())
    });
    let reason = app.status("silent")["reason"].to_string();
    assert!(reason.contains("http_proxy"), "{reason}");
    app.down();
}

#[test]
fn j11_a_check_that_the_port_is_open_is_not_logged() {
    let app = App::new().domain("users", "steady");
    app.start();
    let connection = TcpStream::connect(app.grpc()).expect("the port is open");
    drop(connection);
    // Logged after it, in order.
    let response = raw::send(&app.grpc(), b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(response.starts_with(b"HTTP/1.1 426 "));
    let closed = || {
        let lines = app.logs("fulcrum").into_iter();
        lines
            .map(|line| line.message)
            .filter(|line| line.contains("a connection was closed"))
            .collect::<Vec<_>>()
    };
    let closed = wait_until("the line about HTTP/1", LIMIT, || {
        Some(closed()).filter(|lines| !lines.is_empty())
    });
    assert_eq!(closed.len(), 1, "{closed:?}");
    assert!(closed[0].contains("HTTP/1"), "{closed:?}");
    app.down();
}

#[test]
fn j12_a_process_of_another_app_is_refused_and_both_say_so() {
    let app = App::new().domain("users", "steady");
    app.start();
    let other = App::new().domain("users", "steady").write(
        "domains/users/fulcrum.yml",
        &format!(
            "process:\n  env: {{FULCRUM_GRPC_SERVER: '{}'}}\n",
            app.grpc()
        ),
    );
    other.run(&["dev", "--detach"]).exits(0);
    let root = other.root();
    let root = root.to_str().expect("text");
    let say_so = |app: &App| {
        let mut lines = app.logs("users").into_iter();
        lines.any(|line| line.message.contains(root) && line.message.contains("another instance"))
    };
    for (app, whose) in [(&app, "the app"), (&other, "the other app")] {
        wait_until(&format!("{whose} says so"), LIMIT, || {
            say_so(app).then_some(())
        });
    }
    assert_undisturbed(&app, "users");
    let status: Value = app.status("users");
    assert_eq!(status["restarts"], 0);
    other.down();
    app.down();
}

/// By `fetch` in Node, which sends no origin, and as a browser sends it for a page.
#[test]
fn j15_fetch_calls_a_domain_and_a_page_only_if_its_origin_is_permitted() {
    let app = App::new().domain("users", "takes-its-time").write(
        "fulcrum.yml",
        "runtime:\n  domains: domains/*\n  grpc: {listen: 127.0.0.1:0, web_origins: [loopback, 'https://shop.example']}\n",
    );
    app.start();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fetch.mjs");
    let mut origins = Vec::new();
    for origin in [
        "",
        "http://localhost:5173",
        "https://shop.example",
        "http://rebound.example",
        "null",
    ] {
        let args = [script, &app.grpc(), "users", "text_echo_request", origin];
        let report = app.program("node", &args).output().exits(0).json();
        origins.push((origin, report));
    }
    for (origin, report) in &origins[..3] {
        let payload = report["response"]["payload"].as_str().expect("a text");
        assert!(payload.contains("\"text\":\"x\""), "{origin}: {report}");
        let allowed = Value::from(*origin);
        if !origin.is_empty() {
            assert_eq!(report["allowed"], allowed, "{report}");
            assert_eq!(report["preflight"]["status"], 204, "{report}");
            assert_eq!(report["preflight"]["allowed"], allowed, "{report}");
        }
    }
    for (origin, report) in &origins[3..] {
        assert_eq!(report["status"], 403, "{origin}: {report}");
        assert_eq!(report["preflight"]["status"], 403, "{report}");
        for value in [&report["allowed"], &report["preflight"]["allowed"]] {
            assert!(value.is_null(), "{report}");
        }
        let text = report["response"]["message"].as_str().expect("a text");
        assert!(text.contains("runtime.grpc.web_origins"), "{report}");
    }
    let call = |type_, more: &[&str]| {
        let grpc = app.grpc();
        let args = [&[script, &grpc, "users", type_, ""], more].concat();
        app.program("node", &args).output().exits(0)
    };
    let report = call("text_wait_request", &["30"]).json();
    assert_eq!(report["status"], 504, "{report}");
    assert_eq!(report["response"]["code"], "deadline_exceeded", "{report}");
    call("abort_wait_request", &["", "300"]);
    app.wait_for_event_count("users", "aborted", 1);
    let mut lines = app.logs("fulcrum").into_iter();
    assert!(lines.any(|line| line.message.contains("\"http://rebound.example\"")));
    app.down();
}

#[test]
fn j16_a_process_started_by_hand_is_listed_and_gives_way() {
    let app = App::new()
        .domain("users", "starts-itself-by-hand")
        .domain("orders", "steady")
        .write("domains/users/fulcrum.yml", "process: {autostart: false}\n");
    app.run(&["dev", "--detach"]).exits(0);
    app.run(&["domains", "wait", "orders", "--timeout", "30s"])
        .exits(0);
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/registers-and-stays.cjs"
    );
    let mut by_hand = app.spawn_command(app.program("node", &[script, &app.grpc(), "users"]));
    by_hand.wait_for("registered");
    let pid = u64::from(by_hand.pid());
    let listed = wait_until("it is listed", LIMIT, || {
        let list = app.run(&["domains", "list", "-o", "json"]).exits(0).json();
        let users = list.as_array()?.iter().find(|one| one["name"] == "users")?;
        Some(users["external"].clone()).filter(|external| external["pid"] == pid)
    });
    let command = listed["command"].as_str().expect("a text");
    assert!(command.contains("registers-and-stays.cjs"), "{listed}");
    app.run(&["domains", "list"])
        .exits(0)
        .stdout_contains(&[&format!("external: pid {pid} (")]);
    let echo = call("users", "text_echo_request", r#"{"text":"x"}"#);
    assert_eq!(app.run(&echo).exits(0).json()["text"], "x");

    app.run(&["domains", "start", "users"]).exits(0);
    by_hand.wait_for("ended: 10 ");
    by_hand
        .wait_exit()
        .stdout_contains(&["replaced by generation"]);
    let users = app.status("users");
    assert!(users["external"].is_null(), "{users}");
    assert_ne!(users["pid"].as_u64(), Some(pid));
    assert_eq!(app.run(&echo).exits(0).json()["text"], "x");
    app.down();
}

#[test]
fn j17_a_mistyped_domain_or_type_has_a_suggestion() {
    let app = App::new()
        .domain("users", "takes-its-time")
        .domain("legacy", "starts-itself-by-hand");
    app.start();
    // By the command, and as a caller of the port sees it.
    let echo = |domain| call(domain, "text_echo_request", r#"{"text":"x"}"#);
    app.run(&echo("Users"))
        .exits(4)
        .stderr_contains(&["did you mean", "users"]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/call.cjs");
    let args = [
        script,
        &app.grpc(),
        "Users",
        "text_echo_request",
        "{}",
        "{}",
    ];
    let response = app.program("node", &args).output().exits(0).json();
    let error = response["error"].as_str().expect("a text");
    assert!(error.contains("did you mean \"users\"?"), "{response}");

    let types = app.run(&["domains", "call", "users"]).exits(0);
    types.stdout_contains(&["\ntext_echo_request\ntext_wait_request\n"]);
    app.run(&call("users", "text_ehco_request", "{}"))
        .exits(1)
        .stderr_contains(&["hint: did you mean text_echo_request?"]);
    app.run(&["domains", "call", "legacy"])
        .exits(1)
        .stderr_contains(&["legacy", "does not say which ones it handles"]);
    app.down();
}

#[test]
fn j18_why_a_stream_was_refused_is_the_reason_of_its_domain() {
    let app = App::new()
        .domain("users", "registers-in-an-unknown-encoding")
        .write(
            "domains/users/fulcrum.yml",
            "process: {start_timeout: 2s, restart: never}\n",
        );
    app.run(&["dev", "--detach"]).exits(0);
    wait_until("it has failed", LIMIT, || {
        (app.status("users")["phase"] == "failed").then_some(())
    });
    app.run(&["domains", "why", "users"])
        .exits(0)
        .stdout_contains(&["snappy", "use gzip, zstd or deflate"]);
    app.down();
}
