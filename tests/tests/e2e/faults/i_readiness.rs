//! Section I, rows 6 to 10: what makes a domain ready, and what is said until it is.

use std::net::TcpListener;
use std::time::Duration;

use fulcrum_e2e::{App, LIMIT, measurement, text_of, wait_until};

fn sleeper(settings: &str) -> String {
    format!("process: {{command: [sleep, '1000'], {settings}}}\n")
}

/// A server at this port of this host; expressions of JavaScript.
fn server(port: &str, host: &str, settings: &str) -> String {
    let script =
        format!("require('http').createServer((_, it) => it.end()).listen({port}, '{host}')");
    format!("process: {{command: [node, -e, \"{script}\"], port: auto, {settings}}}\n")
}

/// The row `name` of `domains status DOMAIN`.
fn status_row(app: &App, domain: &str, name: &str) -> String {
    let text = app.run(&["domains", "status", domain]).exits(0).stdout;
    let row = text.lines().find_map(|line| line.strip_prefix(name));
    row.unwrap_or_default().trim().to_owned()
}

#[test]
fn i06_a_program_that_does_not_register_is_ready_once_it_runs() {
    let app = App::new()
        .write(
            "domains/plain/fulcrum.yml",
            "process: {command: [sleep, '1000']}\n",
        )
        .write(
            "domains/short/fulcrum.yml",
            "process: {command: [sh, -c, 'sleep 0.1; exit 3'], restart: never}\n",
        )
        .stub_domain_with("late", &["--register-after", "200ms"], "{ready: started}")
        .stub_domain_with("listed", &[], "{ready: registered}")
        .write("domains/needs/fulcrum.yml", &sleeper("depends_on: [plain]"));
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .stderr_contains(&["short: ", "exit 3"]);
    app.run(&["domains", "wait", "plain", "needs", "late", "listed"])
        .exits(0);
    for (domain, rule) in [
        ("plain", "started: while it runs, or when it has registered"),
        ("late", "when it has registered, since this program does"),
        ("listed", "when it has registered"),
    ] {
        assert_eq!(status_row(&app, domain, "ready rule"), rule, "{domain}");
    }
    // One that registers is ready when it has, in its next life too.
    app.run(&["domains", "restart", "late"]).exits(0);
    let registered = app.event_times("late", "registered");
    assert_eq!(registered.len(), 2, "{registered:?}");
    measurement("I6", "ready without registering, and after registering");
    app.down();
}

#[test]
fn i07_a_strangers_answer_makes_nothing_ready_and_is_told_with_its_pid() {
    let stranger = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = stranger.local_addr().expect("an address").port();
    let app = App::new()
        .write(
            "domains/db/fulcrum.yml",
            &sleeper(&format!("ready: {{tcp: {port}}}")),
        )
        .write("domains/api/fulcrum.yml", &sleeper("depends_on: [db]"));
    app.run(&["dev", "--detach"]).exits(0);
    let pid = std::process::id();
    let told = format!("127.0.0.1:{port} is answered by pid {pid} (");
    wait_until("it is told", LIMIT, || {
        let lines = app.logs("db");
        lines
            .iter()
            .any(|line| line.message.contains(&told))
            .then_some(())
    });
    app.run(&["domains", "wait", "api", "--timeout", "1s"])
        .exits(17);
    assert!(text_of(&app.status("db"), "reason").contains(&told));
    assert_eq!(app.status("api")["phase"], "waiting");
    // Its own answer counts, also beside a stranger's at the other address.
    let own = server(&port.to_string(), "::1", &format!("ready: {{tcp: {port}}}"));
    app.write_file("domains/db/fulcrum.yml", &own);
    app.run(&["reload"]).exits(0);
    app.run(&["domains", "wait", "db", "api"]).exits(0);
    assert_eq!(
        status_row(&app, "db", "ready rule"),
        format!("tcp localhost:{port}")
    );
    measurement("I7", &format!("not ready: {told}…)"));
    app.down();
}

#[test]
fn i07_an_answer_whose_sender_cannot_be_seen_counts_and_the_status_says_so() {
    // A program of this name forwards to where nobody sees.
    let app = App::new();
    let node = std::process::Command::new("sh")
        .args(["-c", "readlink -f \"$(command -v node)\""])
        .output()
        .expect("sh runs");
    let node = String::from_utf8(node.stdout).expect("a path");
    let forwarder = app.scratch_dir().join("docker-proxy");
    std::fs::copy(node.trim(), &forwarder).expect("a copy of node");
    let port_file = app.scratch_dir().join("port");
    let script = format!(
        "const server = require('net').createServer().listen(0, '127.0.0.1', () => \
         require('fs').writeFileSync('{}', String(server.address().port)))",
        port_file.display()
    );
    let mut forwarder = std::process::Command::new(forwarder)
        .args(["-e", &script])
        .spawn()
        .expect("it starts");
    let port: u16 = wait_until("the forwarder listens", LIMIT, || {
        std::fs::read_to_string(&port_file).ok()?.parse().ok()
    });
    let app = app.write(
        "domains/db/fulcrum.yml",
        &sleeper(&format!("ready: {{tcp: {port}}}")),
    );
    app.start();
    let rule = status_row(&app, "db", "ready rule");
    assert!(
        rule.contains(&format!("is forwarded by pid {} (", forwarder.id()))
            && rule.ends_with("any answer there counts"),
        "{rule}"
    );
    app.down();
    forwarder.kill().expect("it runs");
    forwarder.wait().expect("it ended");
}

#[test]
fn i08_both_address_families_are_asked_and_a_listener_elsewhere_is_a_hint() {
    let probe = "ready: {http: /}, start_timeout: 2s";
    let app = App::new()
        .write(
            "domains/four/fulcrum.yml",
            &server("process.env.PORT", "127.0.0.1", probe),
        )
        .write(
            "domains/six/fulcrum.yml",
            &server("process.env.PORT", "::1", probe),
        )
        .write("domains/else/fulcrum.yml", &server("0", "::1", probe));
    app.run(&["dev", "--detach"]).exits(0);
    app.run(&["domains", "wait", "four", "six"]).exits(0);
    let found = app.wait_for("else", "has a hint", |found| {
        text_of(found, "reason").contains("it listens at [::1]:")
    });
    let reason = text_of(&found, "reason");
    for text in ["connect 127.0.0.1:", "connect [::1]:", ": refused"] {
        assert!(reason.contains(text), "{reason}");
    }
    measurement("I8", reason);
    app.down();
}

#[test]
fn i09_a_text_with_colors_and_without_a_line_end_makes_a_domain_ready() {
    let print = r"printf '\033[32mlistening\033[0m on \033[1;36m4000\033[39m (q to quit) > '";
    let command = serde_json::json!(["sh", "-c", format!("{print}; exec sleep 1000")]);
    let settings = "ready: {log: listening on 4000 (q}";
    let text = format!("process: {{command: {command}, {settings}}}\n");
    let app = App::new().write("domains/repl/fulcrum.yml", &text);
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("listening on 4000 (q to quit) > ");
    dev.wait_for("1 domain ready in ");
    let lines = app.run(&["logs", "repl", "-o", "json"]).exits(0);
    let lines = fulcrum_e2e::json_lines(&lines.stdout);
    let partial: Vec<_> = lines
        .iter()
        .filter(|line| line["partial"] == true)
        .collect();
    assert_eq!(partial.len(), 1, "{lines:?}");
    assert!(text_of(partial[0], "message").ends_with("(q to quit) > "));
    dev.signal(fulcrum_e2e::Signal::INT);
    dev.wait_exit().exits(0);
    measurement(
        "I9",
        "a prompt with colors is shown, and makes its domain ready",
    );
}

#[test]
fn i09_the_end_of_a_line_that_comes_late_is_stored_and_shown_once() {
    let script =
        "printf 'one: '; sleep 0.5; printf 'done'; sleep 0.5; echo; echo two; exec sleep 1000";
    let text = format!("process: {{command: [sh, -c, \"{script}\"], ready: {{log: two}}}}\n");
    let app = App::new().write("domains/steps/fulcrum.yml", &text);
    app.start();
    let raw = app.run(&["logs", "steps", "--raw"]).exits(0);
    assert_eq!(raw.stdout, "one: done\ntwo\n");
    let shown = app.run(&["logs", "steps"]).exits(0).stdout;
    let shown: Vec<&str> = shown
        .lines()
        .filter_map(|line| line.split_once("│ "))
        .map(|(_, text)| text)
        .filter(|text| ["one: ", "done", "", "two"].contains(text))
        .collect();
    assert_eq!(shown, ["one: ", "done", "two"]);
    app.down();
}

#[test]
fn i10_readiness_that_does_not_come_is_reported_at_growing_intervals() {
    let probe = "ready: {exec: [sh, -c, 'echo replaying the journal; exit 4'], interval: 50ms}";
    let app = App::new()
        .write(
            "domains/db/fulcrum.yml",
            &sleeper(&format!("start_timeout: 1s, {probe}")),
        )
        .write("domains/auth/fulcrum.yml", &sleeper("depends_on: [db]"))
        .write("domains/api/fulcrum.yml", &sleeper("depends_on: [auth]"));
    let mut dev = app.spawn(&["dev"]);
    let reports = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .filter(|line| line.contains("not ready after "));
        lines.map(str::to_owned).collect()
    };
    wait_until("three reports", LIMIT, || {
        (reports(&dev.stdout()).len() >= 3).then_some(())
    });
    dev.signal(fulcrum_e2e::Signal::INT);
    let output = dev.wait_exit().exits(0);
    let found = reports(&output.stdout);
    for report in &found {
        let texts = [
            "db ",
            "replaying the journal",
            "; api, auth are waiting for it",
        ];
        assert!(texts.iter().all(|text| report.contains(text)), "{report}");
    }
    let after = |report: &String| -> Option<Duration> {
        let (_, rest) = report.split_once("not ready after ")?;
        let (seconds, _) = rest.split_once(" s: ")?;
        Some(Duration::from_secs_f64(seconds.parse().ok()?))
    };
    let times: Vec<Duration> = found.iter().filter_map(after).collect();
    assert!(
        times.len() >= 3 && times[2] - times[1] > times[1] - times[0],
        "{found:?}"
    );
    measurement("I10", &format!("reported after {times:?}"));
}
