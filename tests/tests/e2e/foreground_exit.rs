//! H1: how an instance in the foreground exits.

use fulcrum_e2e::{App, LIMIT, Signal, wait_until};

fn app_with_dependency() -> App {
    App::new()
        .domain("users", "steady")
        .domain("orders", "steady")
        .write(
            "domains/orders/fulcrum.yml",
            "process:\n  depends_on: [users]\n",
        )
}

#[track_caller]
fn assert_stops_in_order(signal: Signal) {
    let app = app_with_dependency();
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("2 domains ready in ");
    app.wait_until_stable(&["users", "orders"]);
    dev.signal(signal);
    dev.wait_exit().exits(0);
    app.assert_no_processes();
    let stops: Vec<_> = app
        .activity_log()
        .into_iter()
        .filter(|entry| entry.event == "stopping")
        .collect();
    let names: Vec<_> = stops.iter().map(|entry| entry.domain.as_str()).collect();
    assert_eq!(names, ["orders", "users"], "the reverse of the start");
}

#[test]
fn ctrl_c_stops_in_reverse_order() {
    assert_stops_in_order(Signal::INT);
}

#[test]
fn sigterm_stops_like_ctrl_c() {
    assert_stops_in_order(Signal::TERM);
}

#[test]
fn a_closed_terminal_stops_like_ctrl_c() {
    assert_stops_in_order(Signal::HUP);
}

/// Ctrl-C while a domain has not registered yet.
#[test]
fn ctrl_c_during_the_start_leaves_nothing() {
    let app = App::new()
        .domain("users", "waits-for-gate-file")
        .domain("orders", "steady");
    let mut dev = app.spawn(&["dev"]);
    wait_until("users is running", LIMIT, || {
        (app.event_count("users", "spawned") == 1).then_some(())
    });
    dev.signal(Signal::INT);
    dev.wait_exit().exits(0);
    app.assert_no_processes();
}
