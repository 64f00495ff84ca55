//! R4 and its neighbours: `process.ready`.

use fulcrum_e2e::{App, LIMIT, text_of, wait_until};

use super::server::{misbehave, server, sleeper};

/// A probe that never succeeds keeps work away, and nothing more.
#[test]
fn r04_a_domain_that_is_never_ready_is_never_killed_for_it() {
    let probe = "ready: {exec: ['false'], interval: 50ms}, start_timeout: 500ms";
    let app = sleeper(App::new().impatient(), "users", probe);
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

/// The whole group of a probe is ended at its timeout, and with its domain.
#[test]
fn a_probe_leaves_no_process_behind() {
    let script = "sleep 777 & sleep 777; echo not reached";
    let probe = format!("ready: {{exec: [sh, -c, '{script}'], timeout: 200ms, interval: 50ms}}");
    let app = sleeper(App::new().impatient(), "users", &probe);
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
    wait_until("the last probe is gone", LIMIT, || {
        (probing() == 0).then_some(())
    });
    app.down();
}

/// What a probe prints explains its failure.
#[test]
fn an_exec_probe_says_why_in_its_last_line() {
    let probe = "ready: {exec: [sh, -c, 'echo first; echo no database >&2; exit 3']}";
    let app = sleeper(App::new().impatient(), "users", probe);
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("users", "fails its probe", |users| {
        text_of(users, "reason").contains("exec sh: exit 3: no database")
    });
    app.down();
}

/// A dependent starts when the program that it needs answers, not when that is merely started.
#[track_caller]
fn gates(probe: &str, told: &str) {
    let app = server(App::new().impatient(), "web", "wait", probe);
    let app = app.stub_domain_with("users", &[], "{depends_on: [web]}");
    app.run(&["dev", "--detach"]).exits(0);
    let web = app.wait_for("web", "runs without being ready", |web| {
        web["phase"] == "running" && text_of(web, "reason").contains(told)
    });
    assert_eq!(web["ready"], false, "{web}");
    let users = app.see("users");
    assert_eq!(users["phase"], "waiting", "{users}");
    assert!(text_of(&users, "reason").contains("web (running)"));
    app.open_gate();
    app.run(&["domains", "wait", "all"]).exits(0);
    let web = app.see("web");
    assert_eq!(
        (&web["ready"], &web["generation"]),
        (&true.into(), &1.into())
    );
    app.down();
}

#[test]
fn a_program_is_ready_when_its_port_accepts() {
    gates("ready: {tcp: port}", "refused");
}

#[test]
fn a_program_is_ready_when_it_answers_well() {
    gates("ready: {http: /healthz}", "refused");
}

#[test]
fn a_program_is_ready_when_it_says_so() {
    gates("ready: {log: listening on}", "listening on");
}

#[test]
fn a_program_is_ready_when_another_one_finds_it_so() {
    let script = "fetch('http://127.0.0.1:' + process.env.PORT)";
    gates(
        &format!("ready: {{exec: [node, -e, {script:?}], timeout: 10s}}"),
        "exec node: exit 1",
    );
}

/// Readiness comes and goes; the process stays.
#[test]
fn a_bad_answer_takes_readiness_and_a_good_one_gives_it_back() {
    let probe = "ready: {http: /, interval: 100ms}";
    let app = server(App::new().impatient(), "web", "at-once", probe);
    app.up();
    misbehave(&app, true);
    app.wait_for("web", "is unready", |web| {
        web["ready"] == false && text_of(web, "reason") == told(web)
    });
    misbehave(&app, false);
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

/// The reason names the answer; how often it came may grow while it is looked at.
fn told(web: &serde_json::Value) -> String {
    let reason = text_of(web, "reason");
    let (start, end) = ("ready probe failed ", " times: http 503");
    let fits = reason.starts_with(start) && reason.ends_with(end);
    if fits {
        reason.to_owned()
    } else {
        String::new()
    }
}

/// A Node domain with a probe of its own runs when it has registered, and is ready by its probe.
#[test]
fn the_stream_of_a_probed_domain_says_nothing_about_its_readiness() {
    let app = App::new().domain("users", "steady").write(
        "domains/users/fulcrum.yml",
        "process: {ready: {exec: [test, -e, ready], interval: 50ms}}\n",
    );
    app.run(&["dev", "--detach"]).exits(0);
    app.settled(&["users"]);
    let users = app.wait_for("users", "runs", |users| users["phase"] == "running");
    assert_eq!(users["ready"], false, "{users}");
    app.put("domains/users/ready", "");
    app.wait_for("users", "is ready", |users| users["ready"] == true);
    app.down();
}

/// A Node domain that neither registers nor answers is ended when its start takes too long.
#[test]
fn a_node_domain_that_never_answers_is_told_why() {
    let app = App::new()
        .impatient()
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
