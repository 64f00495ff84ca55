//! Section I, row 14: the first crash is followed by a restart at once; row 15: what cannot change is
//! not retried.

use fulcrum_e2e::{App, LIMIT, measurement, text_of, wait_until};

const RESTART: &str =
    "restart: {backoff: {initial: 1s, max: 1s, jitter: 0}, budget: 3, window: 1m}";

#[test]
fn i14_the_first_crash_of_a_domain_that_ran_is_followed_by_a_restart_at_once() {
    let settings = format!("{{{RESTART}}}");
    let flags = ["--exit-after-ready", "100ms", "--exit", "1"];
    let app = App::new().stub_domain_with("users", &flags, &settings);
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for_event_count("users", "registered", 3);
    let (ready, spawned) = (
        app.event_times("users", "registered"),
        app.event_times("users", "spawned"),
    );
    // From the exit to the next start, in milliseconds.
    let gap = |at: usize| (spawned[at + 1] - ready[at]) / 1000 - 100;
    let (first, second) = (gap(0), gap(1));
    assert!(first < 700, "the first crash waited {first} ms");
    assert!(second >= 950, "the second crash waited {second} ms");
    measurement(
        "I14",
        &format!(
            "started again {first} ms after the first crash, {second} ms after the second, with a backoff of 1000 ms"
        ),
    );
    app.down();
}

#[test]
fn i14_an_exit_that_is_no_failure_uses_no_budget() {
    let settings =
        "{restart: {policy: always, backoff: {initial: 20ms, max: 5s}, budget: 3, window: 1m}}";
    let flags = ["--exit-after-ready", "10ms", "--exit", "0"];
    let app = App::new().stub_domain_with("users", &flags, settings);
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for_event_count("users", "registered", 12);
    let status = app.status("users");
    assert_ne!(status["phase"], "failed", "{status}");
    app.down();
}

/// Starts an app whose domain `users` cannot be started, and returns the reason.
#[track_caller]
fn reason_of_failure(app: &App) -> String {
    app.run(&["dev", "--detach"]).exits(0);
    let failed = app.wait_for("users", "has failed", |users| users["phase"] == "failed");
    assert_eq!(failed["restarts"], 0, "it was retried: {failed}");
    text_of(&failed, "reason").to_owned()
}

#[test]
fn i15_an_environment_that_is_too_large_is_not_retried_and_names_the_variable() {
    let settings = format!("{{env: {{BIG: \"{}\"}}}}", "x".repeat(200 * 1024));
    let app = App::new().stub_domain_with("users", &[], &settings);
    let reason = reason_of_failure(&app);
    assert!(
        reason.contains("variable BIG has 200 KiB, and one may have 128 KiB"),
        "{reason}"
    );
    measurement("I15", &reason);
    app.down();
}

#[test]
fn i15_a_name_that_is_too_long_and_a_file_that_may_not_be_executed_are_not_retried() {
    let command = format!("process: {{command: [\"./{}\"]}}\n", "n".repeat(300));
    let app = App::new().write("domains/users/fulcrum.yml", &command);
    let reason = reason_of_failure(&app);
    assert!(
        reason.contains("too long") || reason.contains("a name may have 255"),
        "{reason}"
    );
    app.down();

    let app = App::new()
        .write(
            "domains/users/fulcrum.yml",
            "process: {command: [./server]}\n",
        )
        .write("domains/users/server", "#!/bin/sh\n");
    let reason = reason_of_failure(&app);
    assert!(
        reason.contains("server is not executable") && reason.contains("chmod +x"),
        "{reason}"
    );
    app.down();

    let app = App::new()
        .write(
            "domains/users/fulcrum.yml",
            "process: {command: [sh, ./server]}\n",
        )
        .write("domains/users/server", "exit 1\n");
    app.run(&["dev", "--detach"]).exits(0);
    wait_until("what may pass is retried", LIMIT, || {
        (app.status("users")["restarts"].as_u64() >= Some(1)).then_some(())
    });
    app.down();
}

#[test]
fn i15_a_cache_that_cannot_be_written_is_replaced_with_one_warning() {
    let app = App::new()
        .domain("users", "steady")
        .domain("orders", "steady");
    let start = app
        .fulcrum(&["dev", "--detach", "--wait"])
        .env("XDG_CACHE_HOME", "/proc/no-cache-here")
        .env("TMPDIR", app.scratch_dir());
    start.output().exits(0);
    let logs = app.logs("fulcrum");
    let warnings = logs
        .iter()
        .filter(|line| line.message.contains("the cache is in "));
    let warnings: Vec<&str> = warnings.map(|line| line.message.as_str()).collect();
    assert_eq!(warnings.len(), 1, "{logs:?}");
    assert!(
        warnings[0].contains("/proc/no-cache-here/fulcrum"),
        "{warnings:?}"
    );
    assert_eq!(app.status("users")["ready"], true);
    app.down();
}
