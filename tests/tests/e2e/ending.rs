//! H1: how an instance in the foreground ends.

use fulcrum_e2e::{App, LIMIT, Signal, wait_until};

fn pair() -> App {
    App::new()
        .domain("users", "steady")
        .domain("orders", "steady")
        .write(
            "domains/orders/fulcrum.yml",
            "process:\n  depends_on: [users]\n",
        )
}

#[track_caller]
fn ends_in_order(signal: Signal) {
    let app = pair();
    let mut dev = app.start(&["dev"]);
    dev.wait_for("2 domains ready in ");
    app.settled(&["users", "orders"]);
    dev.signal(signal);
    dev.ends().exits(0);
    app.nothing_left();
    let stops: Vec<_> = app
        .ledger()
        .into_iter()
        .filter(|entry| entry.event == "stopping")
        .collect();
    let names: Vec<_> = stops.iter().map(|entry| entry.domain.as_str()).collect();
    assert_eq!(names, ["orders", "users"], "the reverse of the start");
}

#[test]
fn ctrl_c_stops_in_reverse_order() {
    ends_in_order(Signal::INT);
}

#[test]
fn sigterm_is_as_ctrl_c() {
    ends_in_order(Signal::TERM);
}

#[test]
fn a_closed_terminal_is_as_ctrl_c() {
    ends_in_order(Signal::HUP);
}

/// Ctrl-C while a domain hasn't registered yet.
#[test]
fn ctrl_c_during_the_start_leaves_nothing() {
    let app = App::new()
        .domain("users", "waits-at-the-gate")
        .domain("orders", "steady");
    let mut dev = app.start(&["dev"]);
    wait_until("users runs", LIMIT, || {
        (app.times("users", "spawned") == 1).then_some(())
    });
    dev.signal(Signal::INT);
    dev.ends().exits(0);
    app.nothing_left();
}

/// H6: who blocks the end is named, and a second Ctrl-C doesn't wait for it.
#[test]
fn a_second_ctrl_c_kills_what_ignores_the_first() {
    let app = App::new().domain("users", "ignores-sigterm").write(
        "domains/users/fulcrum.yml",
        "process:\n  stop:\n    grace: 10m\n",
    );
    let mut dev = app.start(&["dev"]);
    dev.wait_for("1 domain ready in ");
    dev.signal(Signal::INT);
    dev.wait_for("waiting for users");
    wait_until("users has ignored it", LIMIT, || {
        (app.times("users", "ignored") > 0).then_some(())
    });
    dev.signal(Signal::INT);
    // The grace would be ten minutes.
    dev.ends().exits(0);
    app.nothing_left();
}

/// As in `fulcrum dev | head -1`: nobody reads any more, so it ends.
#[test]
fn a_closed_standard_output_ends_it() {
    let app = pair();
    let script = format!(
        "{} dev | head -n 1; echo \"${{PIPESTATUS[0]}}\"",
        fulcrum_e2e::binary().display()
    );
    let output = app.program("bash", &["-c", &script]).output().exits(0);
    let code = output.stdout.lines().last().unwrap_or_default();
    assert_eq!(code, "0", "{output}");
    assert!(!output.stderr.contains("panicked"), "{output}");
    app.nothing_left();
}
