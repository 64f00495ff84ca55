//! When a domain is ready.

use fulcrum_e2e::App;

/// R1: a running process is not ready before it has registered, and the exit code of `wait` shows
/// that.
#[test]
fn a_domain_is_ready_when_it_has_registered() {
    let app = App::new().domain("users", "waits-for-gate-file");
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("users", "has a process", |users| users["pid"].is_u64());
    app.run(&[
        "domains",
        "wait",
        "users",
        "--for",
        "ready",
        "--timeout",
        "2s",
    ])
    .exits(17)
    .stderr_contains(&["users", "starting"]);
    let users = app.status("users");
    assert_eq!(
        (&users["phase"], &users["ready"]),
        (&"starting".into(), &false.into())
    );
    assert_eq!(app.event_count("users", "registered"), 0);

    app.release_gate();
    app.run(&[
        "domains",
        "wait",
        "users",
        "--for",
        "ready",
        "--timeout",
        "30s",
    ])
    .exits(0);
    assert_eq!(app.status("users")["ready"], true);
    assert_eq!(
        app.event_count("users", "spawned"),
        1,
        "the wait must not restart it"
    );
    app.down();
}

/// A start that times out exits with 17, names the domains that are not ready, and leaves the
/// instance running.
#[test]
fn a_start_that_times_out_names_the_domains_that_are_not_ready() {
    let app = App::new()
        .domain("users", "waits-for-gate-file")
        .domain("orders", "steady");
    app.run(&["dev", "--detach", "--wait", "--timeout", "2s"])
        .exits(17)
        .stderr_contains(&["users"]);
    app.release_gate();
    app.run(&["domains", "wait", "--timeout", "30s"]).exits(0);
    app.down();
}

/// In the foreground the same timeout stops the instance too, and no process is left.
#[test]
fn a_foreground_start_that_times_out_exits() {
    let app = App::new()
        .domain("users", "waits-for-gate-file")
        .domain("orders", "steady");
    let waited = app.run(&["dev", "--wait", "--timeout", "2s"]).exits(17);
    assert!(waited.stderr.contains("users is starting"), "{waited}");
    app.assert_no_processes();

    let app = App::new()
        .domain("users", "broken-typescript")
        .domain("orders", "steady");
    app.run(&["dev", "--wait"])
        .exits(10)
        .stderr_contains(&["users", "domain.ts:4:21"]);
    app.assert_no_processes();
}

/// A program without a probe is ready once it runs; one that registers, when it has.
#[test]
fn a_program_that_does_not_register_is_ready_once_it_runs() {
    let app = App::new()
        .write(
            "domains/cache/fulcrum.yml",
            "process: {command: [sleep, '1000']}\n",
        )
        .stub_domain_with("users", &[], "{ready: started}");
    app.run(&["dev", "--detach", "--wait"]).exits(0);
    app.run(&["domains", "status", "cache"])
        .exits(0)
        .stdout_contains(&["started: while it runs"]);
    app.run(&["domains", "status", "users"])
        .exits(0)
        .stdout_contains(&["when it has registered, since this program does"]);
    app.run(&["domains", "restart", "all"]).exits(0);
    app.down();
}
