//! Concurrent commands.

use fulcrum_e2e::{App, LIMIT, Signal, wait_until};

/// C3: however many restarts are requested at once, there is never a second process.
#[test]
fn twenty_restarts_at_once_never_make_two_processes() {
    let app = App::new().domain("users", "steady");
    app.start();
    let mut restarts: Vec<_> = (0..20)
        .map(|_| app.spawn(&["domains", "restart", "users"]))
        .collect();
    for restart in &mut restarts {
        // Each is done, or failed because a later one superseded it.
        let output = restart.wait_exit();
        assert!(matches!(output.code, Some(0 | 1)), "{output}");
    }
    app.run(&["domains", "wait", "users", "--timeout", "30s"])
        .exits(0);
    assert_eq!(
        app.event_count("users", "overlap"),
        0,
        "{:?}",
        app.activity_log()
    );
    let users = app.status("users");
    assert_eq!(users["ready"], true, "{users}");
    assert_eq!(
        users["restarts"], 0,
        "a requested restart does not count: {users}"
    );
    app.down();
}

/// `--no-wait` does not wait, and the restart is carried out.
#[test]
fn a_restart_without_waiting_is_carried_out() {
    let app = App::new().domain("users", "steady");
    app.start();
    let first = app.leader("users");
    app.run(&["domains", "restart", "users", "--no-wait"])
        .exits(0);
    app.wait_for("users", "has a new generation", |users| {
        users["generation"] == 2 && users["ready"] == true
    });
    assert!(!first.is_alive());
    app.down();
}

/// Ctrl-C exits the client only, which reports that; `down --force` does not wait for domains that
/// ignore SIGTERM.
#[test]
fn ctrl_c_leaves_the_client_and_not_the_restart() {
    let app = App::new().domain("users", "ignores-sigterm").write(
        "domains/users/fulcrum.yml",
        "process:\n  stop:\n    grace: 10m\n",
    );
    app.start();
    let mut restart = app.spawn(&["domains", "restart", "users"]);
    wait_until("users has ignored it", LIMIT, || {
        (app.event_count("users", "ignored") > 0).then_some(())
    });
    restart.signal(Signal::INT);
    restart
        .wait_exit()
        .exits(130)
        .stderr_contains(&["the restart continues"]);
    let users = app.status("users");
    assert_eq!(
        (&users["phase"], &users["goal"]),
        (&"stopping".into(), &"up".into()),
        "{users}"
    );
    // Without `--force` it would take ten minutes.
    let slow = app.run(&["down", "--timeout", "1s"]).exits(17);
    assert!(slow.stderr.contains("waiting for users"), "{slow}");
    app.run(&["down", "--force"]).exits(0);
    app.assert_no_processes();
}
