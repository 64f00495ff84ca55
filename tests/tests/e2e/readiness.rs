//! When a domain counts as ready.

use fulcrum_e2e::App;

/// R1: a process that runs isn't ready before it has registered, and a wait says so by its code.
#[test]
fn a_domain_is_ready_when_it_has_registered() {
    let app = App::new().domain("users", "waits-at-the-gate");
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
    .says(&["users", "starting"]);
    let users = app.see("users");
    assert_eq!(
        (&users["phase"], &users["ready"]),
        (&"starting".into(), &false.into())
    );
    assert_eq!(app.times("users", "registered"), 0);

    app.open_gate();
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
    assert_eq!(app.see("users")["ready"], true);
    assert_eq!(
        app.times("users", "spawned"),
        1,
        "the wait must not have cost it its life"
    );
    app.down();
}

/// A start that waits in vain ends with 17, names what isn't ready, and leaves the instance.
#[test]
fn a_start_that_waits_in_vain_says_for_whom() {
    let app = App::new()
        .domain("users", "waits-at-the-gate")
        .domain("orders", "steady");
    app.run(&["dev", "--detach", "--wait", "--timeout", "2s"])
        .exits(17)
        .says(&["users"]);
    app.open_gate();
    app.run(&["domains", "wait", "--timeout", "30s"]).exits(0);
    app.down();
}

/// In the foreground the same wait ends the instance too, and nothing is left.
#[test]
fn a_start_in_the_foreground_that_waits_in_vain_ends() {
    let app = App::new()
        .domain("users", "waits-at-the-gate")
        .domain("orders", "steady");
    let waited = app.run(&["dev", "--wait", "--timeout", "2s"]).exits(17);
    assert!(waited.stderr.contains("users is starting"), "{waited}");
    app.nothing_left();

    let app = App::new()
        .domain("users", "needs-transform")
        .domain("orders", "steady");
    app.run(&["dev", "--wait"])
        .exits(10)
        .says(&["users", "enum"]);
    app.nothing_left();
}
