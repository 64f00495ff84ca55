//! Waiting for dependencies, and bringing them up.

use fulcrum_e2e::{App, Signal, text_of};

/// A database that fails, a service that needs it, and one that needs the service.
fn chain_on_a_failing_database() -> App {
    App::new()
        .write(
            "domains/db/fulcrum.yml",
            "process: {command: [sh, -c, 'exit 1'], restart: never}\n",
        )
        .write(
            "domains/auth/fulcrum.yml",
            "process: {command: [sleep, '1000'], depends_on: [db]}\n",
        )
        .write(
            "domains/api/fulcrum.yml",
            "process: {command: [sleep, '1000'], depends_on: [auth]}\n",
        )
}

#[test]
fn a_wait_that_cannot_be_fulfilled_ends_at_once_with_the_root_and_its_cure() {
    let app = chain_on_a_failing_database();
    let (root, cure) = (
        "waiting for db: ended (exit 1",
        "fulcrum domains restart db",
    );
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .stderr_contains(&["api: waiting for db: ended (exit 1", cure]);
    let api = app.status("api");
    assert!(text_of(&api, "reason").starts_with(root), "{api}");
    for (verb, code) in [("wait", 10), ("start", 1), ("restart", 1)] {
        app.run(&["domains", verb, "api"])
            .exits(code)
            .stderr_contains(&[root, cure]);
    }
    app.down();
}

#[test]
fn the_foreground_says_once_which_domains_will_not_come() {
    let app = chain_on_a_failing_database();
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("not started: api, auth (waiting for db: ended (exit 1");
    dev.wait_for("fulcrum domains restart db");
    dev.signal(Signal::INT);
    let output = dev.wait_exit().exits(0);
    assert_eq!(
        output.stdout.matches("not started: ").count(),
        1,
        "{output}"
    );
}

#[test]
fn a_start_brings_up_what_is_needed_and_stopped() {
    let app = App::new()
        .stub_domain("db", &[])
        .stub_domain_with("api", &[], "{depends_on: [db]}");
    app.start();
    app.run(&["domains", "stop", "all"]).exits(0);
    app.run(&["domains", "start", "api", "--no-deps"])
        .exits(1)
        .stderr_contains(&["waiting for db: stopped", "fulcrum domains start db"]);
    app.run(&["domains", "stop", "api"]).exits(0);
    app.run(&["domains", "start", "api"])
        .exits(0)
        .stderr_contains(&["db: starting as well: api needs it", "db is ready"]);
    assert_eq!(
        app.event_reasons("db", "asked"),
        [
            "`fulcrum domains stop db`",
            "starting as well: api needs it"
        ]
    );
    app.down();
}
