//! C4, C9, L4, L5: streams that are not read, that reconnect, or that report event loop lag.

use fulcrum_e2e::{App, text_of};

use super::support::{events_of, wait_for_events};

/// It is alive, as its heartbeats show; it only cannot handle requests.
#[test]
fn c04_a_domain_that_reads_nothing_is_unready_and_not_killed() {
    let app = App::new()
        .with_short_timeouts()
        .domain("users", "reads-nothing-for-a-while")
        .stub_domain("orders", &[]);
    app.start();
    let leader = app.leader("users");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/send-many.cjs");
    // More than may wait in memory for one domain.
    let args = [script, &app.grpc(), "users", "150", "500000"];
    let mut callers = app.spawn_command(app.program("node", &args));
    app.wait_for("users", "is unready", |users| users["ready"] == false);
    app.run(&[
        "domains",
        "call",
        "users",
        "text_echo_request",
        "{}",
        "--timeout",
        "4s",
    ])
    .exits(1)
    .stderr_contains(&[
        "did not read text_echo_request within 4 s",
        "it is stuck: it has read nothing for",
    ]);
    let users = app.wait_for("users", "is unready", |users| users["ready"] == false);
    assert_eq!(users["phase"], "running", "{users}");
    assert!(
        text_of(&users, "reason").contains("does not read its stream"),
        "{users}"
    );
    assert_eq!(events_of(&app, "users", "unready").len(), 1);

    app.release_gate();
    let users = app.wait_for("users", "is ready again", |users| users["ready"] == true);
    assert_eq!(users["restarts"], 0, "{users}");
    let report = callers.wait_exit().exits(0).json();
    assert_eq!(report["answered"], 150, "{report}");
    assert_eq!(app.leader("users"), leader);
    assert!(events_of(&app, "users", "hung").is_empty());
    app.down();
}

#[test]
fn c09_flapping_readiness_restarts_no_domain() {
    let flags = ["--drop-stream-every", "100ms", "--reconnect-after", "100ms"];
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("users", &flags);
    app.run(&["dev", "--detach"]).exits(0);
    wait_for_events(&app, "users", "unready", 10);
    wait_for_events(&app, "users", "ready", 10);
    let users = app.status("users");
    assert_eq!(
        (&users["phase"], &users["restarts"]),
        (&"running".into(), &0.into())
    );
    assert_eq!(app.event_count("users", "spawned"), 1);
    app.down();
}

#[test]
fn l05_a_stream_that_reconnects_is_not_a_crash() {
    let flags = ["--drop-stream-every", "1s", "--reconnect-after", "1500ms"];
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("users", &flags);
    app.start();
    let leader = app.leader("users");
    let events = wait_for_events(&app, "users", "reconnected", 2);
    assert!(
        text_of(&events[0], "reason").contains("reconnected after"),
        "{events:?}"
    );
    assert_eq!(app.leader("users"), leader);
    assert_eq!(app.status("users")["restarts"], 0);
    assert!(!events_of(&app, "users", "unready").is_empty());
    app.down();
}

#[test]
#[ignore = "long: the time that clients have to reconnect"]
fn l05_a_domain_that_does_not_reconnect_is_hung() {
    let flags = ["--drop-stream-every", "300ms", "--reconnect-after", "1000s"];
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("users", &flags);
    app.start();
    let hung = wait_for_events(&app, "users", "hung", 1);
    let reason = text_of(&hung[0], "reason");
    assert!(reason.contains("stream ended 15"), "{reason}");
    assert!(reason.contains("not re-established"), "{reason}");
    app.down();
}

#[test]
fn l04_the_event_loops_lag_is_shown() {
    let app = App::new().domain("users", "loops-when-asked");
    app.start();
    app.run(&[
        "domains",
        "call",
        "users",
        "loop_block_request",
        r#"{"ms":500}"#,
    ])
    .exits(0);
    let users = app.wait_for("users", "shows its lag", |users| {
        users["event_loop_lag_ms"]
            .as_f64()
            .is_some_and(|lag| lag >= 350.0)
    });
    assert_eq!(users["restarts"], 0, "{users}");
    app.down();
}
