//! B14, R2: the order of `depends_on`.

use fulcrum_e2e::{App, text_of};

fn depends_on(names: &str) -> String {
    format!("process:\n  depends_on: [{names}]\n")
}

/// A dependent is not spawned before its dependency is ready; the stop order is the reverse.
#[test]
fn b14_a_dependent_starts_after_its_dependency_and_stops_before_it() {
    let app = App::new()
        .domain("users", "waits-for-gate-file")
        .domain("orders", "steady")
        .domain("billing", "steady")
        .write("domains/orders/fulcrum.yml", &depends_on("users"))
        .write("domains/billing/fulcrum.yml", &depends_on("orders"));
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("users", "has a process", |users| users["pid"].is_u64());
    app.wait_for("orders", "waits", |orders| orders["phase"] == "waiting");
    assert!(text_of(&app.status("orders"), "reason").contains("users"));
    assert_eq!(app.event_count("orders", "spawned"), 0);
    app.release_gate();
    app.run(&["domains", "wait", "--timeout", "30s"]).exits(0);
    app.wait_until_stable(&["users", "orders", "billing"]);

    let events = app.events();
    let seq = |name: &str, to: &str| {
        let event = events
            .iter()
            .find(|event| event["domain"] == name && event["to"] == to);
        event.unwrap_or_else(|| panic!("no {to} of {name}: {events:?}"))["seq"]
            .as_u64()
            .unwrap()
    };
    assert!(seq("users", "running") < seq("orders", "starting"));
    assert!(seq("orders", "running") < seq("billing", "starting"));
    app.down();

    let entries = app.activity_log();
    let order: Vec<_> = entries
        .iter()
        .filter(|entry| entry.event != "registered")
        .map(|entry| (entry.domain.as_str(), entry.event.as_str()))
        .collect();
    assert_eq!(
        order,
        [
            ("users", "spawned"),
            ("orders", "spawned"),
            ("billing", "spawned"),
            ("billing", "stopping"),
            ("orders", "stopping"),
            ("users", "stopping"),
        ]
    );
}

/// A cycle is reported as a path, before anything runs.
#[test]
fn b14_a_dependency_cycle_is_reported_as_a_path() {
    let app = App::new()
        .domain("a", "steady")
        .domain("b", "steady")
        .write("domains/a/fulcrum.yml", &depends_on("b"))
        .write("domains/b/fulcrum.yml", &depends_on("a"));
    app.run(&["config", "validate"])
        .exits(5)
        .stderr_contains(&["a -> b -> a"]);
    app.run(&["dev"]).exits(5).stderr_contains(&["a -> b -> a"]);
    app.assert_no_processes();
}

/// Five domains in a diamond with a tail: each starts after its dependencies, and stops before
/// them.
#[test]
fn b14_five_domains_start_and_stop_in_order() {
    const NEEDS: [(&str, &[&str]); 5] = [
        ("a", &[]),
        ("b", &["a"]),
        ("c", &["a"]),
        ("d", &["b", "c"]),
        ("e", &["d"]),
    ];
    let app = NEEDS.iter().fold(App::new(), |app, (name, needs)| {
        let settings = format!("{{depends_on: {needs:?}}}");
        app.stub_domain_with(name, &["--register-after", "30ms"], &settings)
    });
    app.start();
    app.wait_until_stable(&["a", "b", "c", "d", "e"]);
    app.down();
    let at = |name: &str, event: &str| app.wait_for_event_count(name, event, 1);
    for (name, needs) in NEEDS {
        for needed in needs {
            // The instance accepts a registration a moment before the domain records it, but a
            // process has to be spawned in between.
            assert!(
                at(needed, "spawned") + 30_000 <= at(name, "spawned"),
                "{name} did not wait for {needed}: {:?}",
                app.activity_log()
            );
            assert!(
                at(name, "stopping") < at(needed, "stopping"),
                "{needed} did not wait for {name}: {:?}",
                app.activity_log()
            );
        }
    }
}
