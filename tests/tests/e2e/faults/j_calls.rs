//! Section J: calls through Fulcrum, from clients and to domains that share no code with it.

use std::thread;
use std::time::{Duration, Instant};

use fulcrum_e2e::{App, Signal, measurement, text_of, wait_until};
use serde_json::Value;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

/// A domain that uses the SDK, and one that speaks the protocol by hand, without any capability.
fn app() -> App {
    App::new()
        .domain("users", "takes-its-time")
        .domain("legacy", "starts-itself-by-hand")
}

/// Calls the domains at a steady rate, and returns the report of `fixtures/load.cjs`.
fn load(app: &App, domains: &str, rate: u32, seconds: f64, type_: &str) -> Value {
    let script = format!("{FIXTURES}/load.cjs");
    let length = seconds;
    let (grpc, rate, seconds) = (app.grpc(), rate.to_string(), length.to_string());
    let args = [&script, &grpc, domains, &rate, &seconds, type_];
    let limit = Duration::from_secs_f64(60.0 + length);
    app.program("node", &args)
        .within(limit)
        .output()
        .exits(0)
        .json()
}

#[track_caller]
fn assert_none_failed(report: &Value, calls: u64) {
    assert_eq!(
        (&report["calls"], &report["failed"], &report["mixed"]),
        (&calls.into(), &0.into(), &0.into()),
        "{report}"
    );
}

/// Sends one call with the metadata of `settings`, and returns the response or the gRPC status.
fn send(app: &App, domain: &str, type_: &str, payload: &str, settings: &str) -> Value {
    let script = format!("{FIXTURES}/call.cjs");
    let args = [&script, &app.grpc(), domain, type_, payload, settings];
    app.program("node", &args).output().exits(0).json()
}

/// The code in the payload of a failure.
fn code(response: &Value) -> String {
    let payload: Value = serde_json::from_str(text_of(response, "payload")).expect("JSON");
    text_of(&payload, "code").to_owned()
}

#[test]
fn j01_a_thousand_calls_at_once_are_all_answered() {
    let app = app();
    app.start();
    let report = load(&app, "users,legacy", 200_000, 0.005, "text_echo_request");
    assert_none_failed(&report, 1_000);
    measurement("J1", &format!("1,000 calls at once: {report}"));
    app.down();
}

/// Restarts and saves under a steady load.
fn restart_under_load(rate: u32, seconds: u32, times: u32) {
    let app = app();
    app.start_watching();
    let interval = Duration::from_secs(seconds.into()) / (2 * times + 2);
    let report = thread::scope(|scope| {
        let load = scope.spawn(|| {
            load(
                &app,
                "users,legacy",
                rate,
                f64::from(seconds),
                "text_echo_request",
            )
        });
        for number in 0..times {
            thread::sleep(interval);
            let name = ["users", "legacy"][usize::from(number % 2 == 1)];
            app.run(&["domains", "restart", name]).exits(0);
            thread::sleep(interval);
            let generation = app.status("users")["generation"].as_u64();
            app.write_file("domains/users/version.cjs", &format!("// {number}\n"));
            wait_until("the save is applied", Duration::from_secs(20), || {
                (app.status("users")["generation"].as_u64() > generation).then_some(())
            });
        }
        app.write_file(
            "fulcrum.yml",
            "runtime: {defaults: {env: {CHANGED: \"1\"}}}\n",
        );
        app.run(&["reload"]).exits(0);
        load.join().expect("the load ends")
    });
    assert_eq!(
        (&report["calls"], &report["mixed"]),
        (&u64::from(rate * seconds).into(), &0.into()),
        "{report}"
    );
    assert_eq!(report["failed"], 0, "{report}");
    measurement(
        "J2",
        &format!(
            "{times} restarts, {times} saves and a reload, {rate} calls a second for {seconds} s: {report}"
        ),
    );
    app.down();
}

#[test]
fn j02_restarts_saves_and_a_reload_fail_no_call() {
    restart_under_load(200, 8, 3);
}

#[test]
#[ignore = "long: a minute of calls"]
fn j02_thirty_restarts_thirty_saves_and_a_reload_fail_no_call() {
    restart_under_load(500, 60, 30);
}

#[test]
fn j02_requests_at_work_are_finished_before_a_restart() {
    let app = app();
    app.start();
    let report = thread::scope(|scope| {
        let load = scope.spawn(|| load(&app, "users", 100, 4.0, "text_wait_request"));
        for _ in 0..3 {
            thread::sleep(Duration::from_secs(1));
            app.run(&["domains", "restart", "users"]).exits(0);
        }
        load.join().expect("the load ends")
    });
    assert_none_failed(&report, 400);
    app.down();
}

/// Kills a domain again and again under a steady load.
fn kill_under_load(rate: u32, seconds: u32, kills: u32) {
    // It is back at once each time, so that few calls wait for it.
    let restart =
        "process: {restart: {backoff: {initial: 10ms, max: 10ms}, budget: 100, window: 10s}}\n";
    let app = app()
        .write("domains/legacy/fulcrum.yml", restart)
        .write("domains/users/fulcrum.yml", restart);
    app.start();
    let interval = Duration::from_secs(seconds.into()) / (kills + 2);
    let domains = ["legacy", "users"];
    let report = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let seconds = f64::from(seconds);
            load(&app, "legacy,users", rate, seconds, "text_echo_request")
        });
        for kill in 0..kills {
            thread::sleep(interval);
            let domain = domains[kill as usize % 2];
            app.wait_for(domain, "is ready", |domain| domain["ready"] == true);
            app.leader(domain).signal(Signal::KILL);
        }
        load.join().expect("the load ends")
    });
    let errors = report["errors"].as_object().expect("an object");
    assert!(
        errors
            .keys()
            .all(|text| text.contains("disconnected before it responded")),
        "{report}"
    );
    assert_eq!(
        (&report["calls"], &report["mixed"]),
        (&u64::from(rate * seconds).into(), &0.into()),
        "{report}"
    );
    // What was sent to the process in the moment before.
    let failed = report["failed"].as_u64().expect("a number");
    assert!(failed <= 60 * u64::from(kills), "{report}");
    measurement(
        "J3",
        &format!("{kills} times SIGKILL, {rate} calls a second for {seconds} s: {report}"),
    );
    app.down();
}

#[test]
fn j03_a_crash_fails_only_the_calls_in_flight() {
    kill_under_load(200, 6, 4);
}

#[test]
#[ignore = "long: a minute of calls"]
fn j03_twenty_crashes_fail_only_the_calls_in_flight() {
    kill_under_load(500, 60, 20);
}

#[test]
fn j04_a_call_to_a_domain_that_starts_waits_for_it() {
    let app = App::new().stub_domain("slow", &["--register-after", "2s"]);
    app.run(&["dev", "--detach"]).exits(0);
    let response = send(
        &app,
        "slow",
        "text_echo_request",
        "{}",
        r#"{"x-fulcrum-wait":"false"}"#,
    );
    assert_eq!(code(&response), "UNAVAILABLE", "{response}");
    let response = send(&app, "slow", "text_echo_request", "{}", "{}");
    assert_eq!(response["success"], true, "{response}");
    app.run(&["domains", "stop", "slow"]).exits(0);
    let start = Instant::now();
    let response = send(&app, "slow", "text_echo_request", "{}", "{}");
    assert_eq!(code(&response), "UNAVAILABLE", "{response}");
    assert!(
        text_of(&response, "error").contains("it is stopped")
            && start.elapsed() < Duration::from_secs(5),
        "{response}"
    );
    app.down();
}

#[test]
fn j05_an_expired_deadline_is_a_status_and_the_domain_knows_it() {
    let app = app();
    app.start();
    for _ in 0..20 {
        let status = send(
            &app,
            "legacy",
            "process_wait",
            "{}",
            r#"{"grpc-timeout":"50m"}"#,
        );
        assert_eq!(status["code"], 4, "DEADLINE_EXCEEDED: {status}");
        let text = text_of(&status, "text");
        assert!(
            text.contains("legacy") && text.contains("process_wait"),
            "{text}"
        );
    }
    let response = send(
        &app,
        "users",
        "deadline_show_request",
        "{}",
        r#"{"grpc-timeout":"60S"}"#,
    );
    let payload: Value = serde_json::from_str(text_of(&response, "payload")).expect("JSON");
    let left = payload["left"].as_u64().expect("a number");
    assert!((50_000..=60_000).contains(&left), "{payload}");
    app.down();
}

#[test]
fn j06_a_call_that_is_given_up_is_cancelled_at_the_domain() {
    let app = app();
    app.start();
    let script = format!("{FIXTURES}/call.cjs");
    let args = [
        &script,
        &app.grpc(),
        "users",
        "abort_wait_request",
        "{}",
        "{}",
        "500",
    ];
    app.program("node", &args).output().exits(0);
    app.wait_for_event_count("users", "aborted", 1);
    app.down();
}

#[test]
fn j13_a_response_in_parts_is_produced_as_fast_as_it_is_taken() {
    let app = app();
    app.start();
    let run = app.run(&[
        "domains",
        "call",
        "users",
        "number_list_request",
        "{\"to\": 3}",
        "--stream",
    ]);
    let run = run.exits(0);
    run.stdout_contains(&["{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"]);
    // The reader leaves after the first line.
    let script =
        "\"$0\" domains call users number_list_request '{\"to\": 1000000}' --stream | head -1";
    let binary = fulcrum_e2e::binary();
    let binary = binary.to_str().expect("the path is UTF-8");
    app.program("sh", &["-c", script, binary])
        .output()
        .exits(0)
        .stdout_contains(&["{\"n\":1}"]);
    app.wait_for_event_count("users", "list ended", 2);
    app.down();
}

#[test]
fn j14_an_event_reaches_the_domain_that_has_subscribed() {
    let app = app();
    app.start();
    for _ in 0..3 {
        app.run(&["domains", "call", "users", "event_send_request", "{}"])
            .exits(0);
    }
    app.wait_for_event_count("users", "event", 3);
    // It subscribes again after a restart.
    app.run(&["domains", "restart", "users"]).exits(0);
    app.run(&["domains", "call", "users", "event_send_request", "{}"])
        .exits(0);
    app.wait_for_event_count("users", "event", 4);
    app.down();
}

/// An app under load, whose memory is compared with that before.
struct Loaded {
    app: App,
    pid: u32,
    /// Resident, in bytes.
    before: u64,
}

impl Loaded {
    /// Without telemetry, which has a bound of its own: `runtime.telemetry.memory`.
    fn start() -> Self {
        let app = app().write(
            "fulcrum.yml",
            "runtime:\n  domains: domains/*\n  grpc: {listen: 127.0.0.1:0, call_timeout: 120s}\n  telemetry: false\n",
        );
        app.start();
        let instance = app.instance();
        let before = instance.usage().expect("it runs").rss;
        let pid = instance.pid;
        Self { app, pid, before }
    }

    /// The report of so many callers for so many seconds, each of whom makes a call at least. None
    /// may fail.
    fn call(&self, domain: &str, callers: u64, seconds: u64, bytes: u64) -> Value {
        let client = fulcrum_e2e::load_client();
        let client = client.to_str().expect("the path is UTF-8");
        let numbers = [callers, seconds, bytes].map(|number| number.to_string());
        let [callers, seconds, bytes] = &numbers;
        let grpc = self.app.grpc();
        let args = [&grpc, domain, "text_echo_request", callers, seconds, bytes];
        let run = self.app.program(client, &args);
        let report = run
            .within(Duration::from_secs(240))
            .output()
            .exits(0)
            .json();
        assert_none_failed(&report, count(&report));
        report
    }

    /// The most memory on top since the start, in MiB.
    fn grown(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid));
        let status = status.expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        let peak = kib.expect("the peak in KiB") * 1024;
        peak.saturating_sub(self.before) >> 20
    }
}

/// The calls of a report.
fn count(report: &Value) -> u64 {
    report["calls"].as_u64().expect("a number")
}

/// So many callers at once, each with a message of 1 MiB: much more than may wait for one domain. They
/// take so many MiB at most: 32 that wait for a domain, what it works on, and 64 KiB of each caller that
/// is held back.
fn large_calls(callers: u64, limit: u64) {
    let loaded = Loaded::start();
    let mut reports = Vec::new();
    for domain in ["users", "legacy"] {
        let report = loaded.call(domain, callers, 0, 1 << 20);
        assert_eq!(count(&report), callers, "{report}");
        reports.push(report);
    }
    let grown = loaded.grown();
    measurement(
        "J19",
        &format!("{callers} calls of 1 MiB at once: at most +{grown} MiB: {reports:?}"),
    );
    assert!(grown <= limit, "{grown} MiB");
    loaded.app.down();
}

#[test]
#[ignore = "long: two hundred thousand calls"]
fn j19_a_hundred_thousand_calls_of_a_thousand_callers_are_answered_in_bounded_memory() {
    let loaded = Loaded::start();
    for bytes in [100, 10 << 10] {
        let (mut calls, mut rates) = (0, Vec::new());
        while calls < 100_000 {
            let report = loaded.call("users", 1_000, 5, bytes);
            calls += count(&report);
            rates.push(report["per_second"].as_f64().map_or(0, |rate| rate as u64));
        }
        let grown = loaded.grown();
        measurement(
            "J19",
            &format!(
                "{calls} calls of {bytes} B, 1,000 at once: at most +{grown} MiB; {rates:?} a second"
            ),
        );
        assert!(grown <= 32, "{grown} MiB");
    }
    loaded.app.down();
}

#[test]
fn j19_large_calls_wait_for_room_and_memory_is_bounded() {
    large_calls(240, 160);
}

#[test]
#[ignore = "long: a gigabyte of calls"]
fn j19_a_thousand_large_calls_wait_for_room_and_memory_is_bounded() {
    large_calls(1_000, 200);
}
