//! X1: what happens after an exit, requested or not.

use fulcrum_e2e::{App, Signal, text_of};

#[test]
fn a_killed_domain_is_restarted_and_its_exit_is_reported() {
    let app = App::new()
        .domain("users", "steady")
        .domain("orders", "steady");
    app.start();
    let (first, bystander) = (app.leader("users"), app.leader("orders"));
    first.signal(Signal::KILL);
    let users = app.wait_for("users", "is restarted", |users| {
        users["ready"] == true && users["pid"].as_u64() != Some(u64::from(first.pid))
    });
    assert_eq!(users["restarts"], 1, "{users}");
    assert_eq!(users["generation"], 2, "{users}");
    assert_eq!(users["last_exit"]["signal"], 9, "{users}");
    assert_eq!(
        users["last_exit"]["code"],
        serde_json::Value::Null,
        "{users}"
    );
    assert_eq!(
        app.leader("orders"),
        bystander,
        "another domain was restarted too"
    );
    assert_eq!(app.event_count("users", "overlap"), 0);
    app.down();
}

#[test]
fn a_stopped_domain_stays_down_until_it_is_started() {
    let app = App::new()
        .domain("users", "steady")
        .domain("orders", "steady");
    app.start();
    app.run(&["domains", "stop", "users"]).exits(0);
    let users = app.status("users");
    assert_eq!(
        (&users["phase"], &users["goal"]),
        (&"stopped".into(), &"down".into()),
        "{users}"
    );
    assert_eq!(users["pid"], serde_json::Value::Null);
    // A repeated stop has no effect, and neither has the restart of another domain.
    app.run(&["domains", "stop", "users"]).exits(0);
    app.leader("orders").signal(Signal::KILL);
    app.wait_for("orders", "is restarted", |orders| {
        orders["ready"] == true && orders["generation"] == 2
    });
    assert_eq!(app.event_count("users", "spawned"), 1);
    app.run(&["domains", "start", "users"]).exits(0);
    assert_eq!(app.status("users")["ready"], true);
    assert_eq!(app.event_count("users", "spawned"), 2);
    app.down();
}

/// Failures that a retry cannot fix are not retried: the reason has location and hint.
#[test]
fn permanent_failures_are_not_retried() {
    for (code, texts) in [
        ("const x = ;\n", &["SyntaxError", "domain.js:1"][..]),
        ("require('left-pad');\n", &["left-pad", "npm install"]),
    ] {
        let app = App::new().write("domains/users/domain.js", code);
        app.run(&["dev", "--detach", "--wait"])
            .exits(10)
            .stderr_contains(texts);
        let users = app.status("users");
        assert_eq!(users["phase"], "failed", "{users}");
        assert_eq!(
            (&users["generation"], &users["restarts"]),
            (&1.into(), &0.into()),
            "{users}"
        );
        let reason = text_of(&users, "reason");
        assert!(texts.iter().all(|text| reason.contains(text)), "{reason}");
        app.down();
    }
}
