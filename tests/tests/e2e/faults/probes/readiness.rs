//! R4 and related: `process.ready`.

use fulcrum_e2e::{App, LIMIT, text_of, wait_until};

use super::server::{server, set_failing, sleeper};

/// A probe that never succeeds keeps a domain unready, and has no other effect.
#[test]
fn r04_a_domain_that_is_never_ready_is_never_killed_for_it() {
    let probe = "ready: {exec: ['false'], interval: 50ms}, start_timeout: 500ms";
    let app = sleeper(App::new().with_short_timeouts(), "users", probe);
    app.run(&["dev", "--detach"]).exits(0);
    let failures = |users: &serde_json::Value| {
        let count = text_of(users, "reason").strip_prefix("ready probe failed ")?;
        count.split(' ').next()?.parse::<u32>().ok()
    };
    let users = app.wait_for("users", "fails its probe", |users| {
        failures(users).is_some_and(|count| count >= 20)
    });
    assert_eq!(users["phase"], "running", "{users}");
    assert_eq!(users["ready"], false, "{users}");
    assert_eq!(users["generation"], 1, "{users}");
    assert!(text_of(&users, "reason").contains("exit 1"), "{users}");
    app.run(&["domains", "wait", "users", "--timeout", "300ms"])
        .exits(17);
    app.down();
}

/// The process group of a probe is killed at its timeout, and with its domain.
#[test]
fn a_probe_leaves_no_process_behind() {
    let script = "sleep 777 & sleep 777; echo not reached";
    let probe = format!("ready: {{exec: [sh, -c, '{script}'], timeout: 200ms, interval: 50ms}}");
    let app = sleeper(App::new().with_short_timeouts(), "users", &probe);
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("users", "fails its probe", |users| {
        text_of(users, "reason").contains("no answer within 200ms")
    });
    let probing = || {
        let all = app.processes();
        all.iter().filter(|it| it.command == "sleep 777").count()
    };
    assert!(probing() <= 4, "{:?}", app.processes());
    app.run(&["domains", "stop", "users"]).exits(0);
    wait_until("the last probe has exited", LIMIT, || {
        (probing() == 0).then_some(())
    });
    app.down();
}

/// The output of a probe explains its failure.
#[test]
fn the_last_line_of_an_exec_probe_explains_its_failure() {
    let probe = "ready: {exec: [sh, -c, 'echo first; echo no database >&2; exit 3']}";
    let app = sleeper(App::new().with_short_timeouts(), "users", probe);
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("users", "fails its probe", |users| {
        text_of(users, "reason").contains("exec sh: exit 3: no database")
    });
    app.down();
}

/// A dependent starts when the program that it needs is ready, not when it is merely started.
#[track_caller]
fn assert_gates_dependents(probe: &str, reason: &str) {
    let app = server(App::new().with_short_timeouts(), "web", "wait", probe);
    let app = app.stub_domain_with("users", &[], "{depends_on: [web]}");
    app.run(&["dev", "--detach"]).exits(0);
    let web = app.wait_for("web", "runs without being ready", |web| {
        web["phase"] == "running" && text_of(web, "reason").contains(reason)
    });
    assert_eq!(web["ready"], false, "{web}");
    let users = app.status("users");
    assert_eq!(users["phase"], "waiting", "{users}");
    assert!(text_of(&users, "reason").contains("web: running"));
    app.release_gate();
    app.run(&["domains", "wait", "all"]).exits(0);
    let web = app.status("web");
    assert_eq!(
        (&web["ready"], &web["generation"]),
        (&true.into(), &1.into())
    );
    app.down();
}

#[test]
fn a_program_is_ready_when_its_port_accepts() {
    assert_gates_dependents("ready: {tcp: port}", "refused");
}

#[test]
fn a_program_is_ready_when_its_http_probe_succeeds() {
    assert_gates_dependents("ready: {http: /healthz}", "refused");
}

#[test]
fn a_program_is_ready_when_it_logs_the_ready_line() {
    assert_gates_dependents("ready: {log: listening on}", "listening on");
}

#[test]
fn a_program_is_ready_when_its_exec_probe_succeeds() {
    let script = "fetch('http://127.0.0.1:' + process.env.PORT)";
    assert_gates_dependents(
        &format!("ready: {{exec: [node, -e, {script:?}], timeout: 10s}}"),
        "exec node: exit 1",
    );
}

/// Readiness changes; the process stays.
#[test]
fn readiness_follows_the_ready_probe() {
    let probe = "ready: {http: /, interval: 100ms}";
    let app = server(App::new().with_short_timeouts(), "web", "at-once", probe);
    app.start();
    set_failing(&app, true);
    app.wait_for("web", "is unready", |web| {
        web["ready"] == false && text_of(web, "reason") == expected_reason(web)
    });
    set_failing(&app, false);
    let web = app.wait_for("web", "is ready again", |web| web["ready"] == true);
    assert_eq!(web["generation"], 1, "{web}");
    let kinds: Vec<String> = app
        .events()
        .iter()
        .map(|event| text_of(event, "type").to_owned())
        .collect();
    let flips: Vec<&str> = kinds
        .iter()
        .map(String::as_str)
        .filter(|kind| ["running", "ready", "unready"].contains(kind))
        .collect();
    assert_eq!(flips, ["running", "ready", "unready", "ready"]);
    app.down();
}

/// The reason has the status of the response; the count may grow meanwhile.
fn expected_reason(web: &serde_json::Value) -> String {
    let reason = text_of(web, "reason");
    let (start, end) = ("ready probe failed ", " times: http 503");
    let fits = reason.starts_with(start) && reason.ends_with(end);
    if fits {
        reason.to_owned()
    } else {
        String::new()
    }
}

/// A Node domain with a probe is running when it has registered, and ready when its probe succeeds.
#[test]
fn the_stream_of_a_probed_domain_does_not_decide_its_readiness() {
    let app = App::new().domain("users", "steady").write(
        "domains/users/fulcrum.yml",
        "process: {ready: {exec: [test, -e, ready], interval: 50ms}}\n",
    );
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_until_stable(&["users"]);
    let users = app.wait_for("users", "is running", |users| users["phase"] == "running");
    assert_eq!(users["ready"], false, "{users}");
    app.write_file("domains/users/ready", "");
    app.wait_for("users", "is ready", |users| users["ready"] == true);
    app.down();
}

/// A Node domain that neither registers nor passes its probe is stopped at the start timeout.
#[test]
fn a_node_domain_that_never_becomes_ready_reports_why() {
    let app = App::new()
        .with_short_timeouts()
        .domain("users", "never-registers")
        .write(
            "domains/users/fulcrum.yml",
            "process: {start_timeout: 500ms, ready: {tcp: 127.0.0.1:1}}\n",
        );
    app.run(&["dev", "--detach"]).exits(0);
    let users = app.wait_for("users", "has failed", |users| users["phase"] == "failed");
    let reason = text_of(&users, "reason");
    for text in ["not registered within 500ms", "tcp 127.0.0.1:1"] {
        assert!(reason.contains(text), "{reason}");
    }
    app.down();
}

/// Whoever listens at the port already is not the domain: its answer makes nothing ready, and is
/// told with its pid.
#[test]
fn a_strangers_answer_does_not_make_a_domain_ready() {
    let stranger = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = stranger.local_addr().expect("an address").port();
    let probe = format!("ready: {{tcp: {port}}}");
    let app = sleeper(App::new(), "users", &probe);
    let held = format!("127.0.0.1:{port} is answered by pid {}", std::process::id());
    app.run(&["dev", "--detach", "--wait", "--timeout", "2s"])
        .exits(17)
        .stderr_contains(&[&held]);
    let lines = app.logs("users");
    let told = lines.iter().filter(|line| line.message.contains(&held));
    assert_eq!(told.count(), 1, "{lines:?}");
    let hint = "hint: stop that process";
    assert!(
        lines.iter().any(|line| line.message.starts_with(hint)),
        "{lines:?}"
    );
    app.down();
}

/// A program that listens on one address of the loopback, or on another port than expected.
#[test]
fn both_addresses_of_the_loopback_are_asked() {
    let listen = |port: &str, host: &str| {
        let script = format!("require('net').createServer().listen({port}, '{host}')");
        format!("command: [node, -e, \"{script}\"], port: auto, ready: {{tcp: port}}")
    };
    let process = |settings: String| format!("process: {{{settings}}}\n");
    let app = App::new()
        .write(
            "domains/six/fulcrum.yml",
            &process(listen("process.env.PORT", "::1")),
        )
        .write(
            "domains/four/fulcrum.yml",
            &process(listen("process.env.PORT", "127.0.0.1")),
        )
        .write(
            "domains/else/fulcrum.yml",
            &process(listen("0", "127.0.0.1")),
        );
    app.run(&["dev", "--detach"]).exits(0);
    app.run(&["domains", "wait", "six", "four"]).exits(0);
    app.wait_for("else", "has a hint", |domain| {
        let reason = text_of(domain, "reason");
        [
            "connect 127.0.0.1:",
            "connect [::1]:",
            "it listens at 127.0.0.1:",
        ]
        .iter()
        .all(|text| reason.contains(text))
    });
    app.down();
}
