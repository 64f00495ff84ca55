//! C6, U6: the event log and `domains why`.

use fulcrum_e2e::{App, LIMIT, Signal, binary, text_of, wait_until};
use serde_json::Value;

use super::support::{STEADY, assert_contains, whole_lines, why_text};

/// C6: a follower gets all earlier and all later events, each once and in order.
#[test]
fn c06_events_are_replayed_and_followed_without_a_gap() {
    let app = App::new().domain("users", STEADY).domain("orders", STEADY);
    app.start();
    let mut follower = app.spawn(&["domains", "events", "users", "-f", "-o", "json"]);
    app.leader("users").signal(Signal::KILL);
    let events = wait_until("the second generation is ready", LIMIT, || {
        let events = whole_lines(&follower);
        let ready = |event: &&Value| event["type"] == "ready";
        (events.iter().filter(ready).count() == 2).then_some(events)
    });
    let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let kinds: Vec<_> = events.iter().map(|event| text_of(event, "type")).collect();
    let mut rest = kinds.iter();
    for kind in ["spawned", "ready", "exited", "backoff", "spawned", "ready"] {
        assert!(rest.any(|found| *found == kind), "no {kind} in {kinds:?}");
    }
    let exited = events.iter().find(|event| event["type"] == "exited");
    let exited = exited.expect("it was killed");
    assert_eq!(
        (&exited["from"], &exited["to"]),
        (&"running".into(), &"stopping".into())
    );
    assert_contains(text_of(exited, "reason"), &["SIGKILL (9)"]);
    assert!(events.iter().all(|event| event["domain"] == "users"));
    // A later query returns the same events.
    let stored: Vec<Value> = app
        .events()
        .into_iter()
        .filter(|event| event["domain"] == "users")
        .collect();
    assert_eq!(stored[..events.len()], events[..]);
    // The request to stop is an event too, without a transition.
    app.run(&["domains", "stop", "users"]).exits(0);
    let stop_event = app
        .events()
        .into_iter()
        .find(|event| event["type"] == "asked");
    let stop_event = stop_event.expect("the stop was requested");
    assert_eq!(
        (&stop_event["from"], &stop_event["to"]),
        (&Value::Null, &Value::Null)
    );
    let piped = format!("{} domains events -f | head -1", binary().display());
    let one = app.program("sh", &["-c", &piped]).output().exits(0);
    assert_eq!((one.stdout.lines().count(), one.stderr.as_str()), (1, ""));
    assert!(!one.stdout.contains('\x1b'), "{one}");
    // The follower exits with the instance.
    app.run(&["down"]).exits(0);
    follower
        .wait_exit()
        .exits(0)
        .stderr_contains(&["the instance has exited"]);
    app.assert_no_processes();
}

/// U6: the first line is the cause of the current state.
#[test]
fn u06_why_starts_with_the_cause_of_the_current_state() {
    let app = App::new()
        .domain("users", STEADY)
        .write("domains/pricing/fulcrum.yml", "process: {}\n");
    app.start();
    let first = |name: &str| {
        why_text(&app, name)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    assert_contains(
        &first("users"),
        &["generation 1", "started with the instance"],
    );
    app.leader("users").signal(Signal::KILL);
    app.wait_for("users", "is restarted", |users| {
        users["ready"] == true && users["generation"] == 2
    });
    assert_contains(
        &first("users"),
        &[
            "(generation 2)",
            "generation 1 ended: killed by SIGKILL (9), sender unknown",
        ],
    );
    let explanation = why_text(&app, "users");
    assert_contains(
        &explanation,
        &["generation 1, spawned ", "backoff", "attempt 1 of 8"],
    );
    let json = app
        .run(&["domains", "why", "users", "-o", "json"])
        .exits(0)
        .json();
    assert_contains(text_of(&json, "summary"), &["SIGKILL"]);
    assert_eq!(json["lives"].as_array().map(Vec::len), Some(2), "{json}");
    assert!(json["events"].as_array().is_some_and(|all| all.len() > 5));
    app.run(&["domains", "stop", "users"]).exits(0);
    assert_contains(
        &first("users"),
        &["stopped", "requested by `fulcrum domains stop users`"],
    );
    assert_contains(&first("pricing"), &["no entry point"]);
    app.run(&["domains", "why", "nobody"]).exits(4);
    app.down();
}
