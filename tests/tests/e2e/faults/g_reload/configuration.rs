//! A configuration that changes while the instance runs.

use std::fs;

use fulcrum_e2e::{App, SeededRandom, activity_log, measurement};

/// D8: an invalid file changes nothing and is reported with its position; the next valid one
/// applies.
#[test]
fn g01_an_invalid_configuration_changes_nothing() {
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("users", &[])
        .stub_domain("orders", &[]);
    app.start();
    let leaders = [app.leader("users"), app.leader("orders")];
    let valid = fs::read_to_string(app.root().join("fulcrum.yml")).expect("readable");
    for (broken, location) in [
        (format!("{valid}{{\n"), "fulcrum.yml:7:1"),
        (valid.replace("stop:", "stopp:"), "fulcrum.yml:5:5"),
        (
            valid.replace("grace: 1s", "grace: soon"),
            "fulcrum.yml:5:19",
        ),
    ] {
        app.write_file("fulcrum.yml", &broken);
        // A change that is valid by itself is not applied either.
        app.write_stub_domain("users", &["--heartbeat-status", "fine"], "{}");
        for args in [&["reload", "--dry-run"][..], &["reload"]] {
            let output = app
                .run(args)
                .exits(5)
                .stderr_contains(&[location, "no changes"]);
            assert_eq!(output.stdout, "", "there is no plan: {output}");
        }
        assert_eq!([app.leader("users"), app.leader("orders")], leaders);
    }
    let events = app.events();
    let invalid = events
        .iter()
        .filter(|event| event["type"] == "config_invalid");
    let reasons: Vec<&str> = invalid
        .filter_map(|event| event["reason"].as_str())
        .collect();
    assert_eq!(
        reasons.len(),
        3,
        "once for each that was to be carried out: {reasons:?}"
    );
    assert!(reasons[2].contains("fulcrum.yml:5:19"), "{reasons:?}");
    app.write_file("fulcrum.yml", &valid);
    app.run(&["reload"]).exits(0);
    assert_ne!(app.leader("users"), leaders[0]);
    assert_eq!(app.leader("orders"), leaders[1]);
    app.down();
}

/// Removed and renamed domains are stopped with their process trees, their logs stay readable, and
/// other domains are not affected.
#[test]
fn g14_a_removed_domain_is_stopped_and_its_logs_stay() {
    let tree_flags = ["--spawn-grandchild", "--spawn-daemon", "--flood", "1000"];
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("orders", &[])
        .stub_domain("old", &tree_flags)
        .stub_domain_with("before", &[], "{port: 41873}");
    app.start();
    let (orders, before) = (app.leader("orders"), app.leader("before"));
    let domains = app.root().join("domains");
    fs::remove_dir_all(domains.join("old")).expect("removed");
    fs::rename(domains.join("before"), domains.join("after")).expect("renamed");
    let shown = app
        .run(&["reload"])
        .exits(0)
        .stderr_contains(&["old is removed", "after is ready"]);
    assert_eq!(
        shown.stdout,
        "+ after   start\n- before  stop\n- old     stop\n= orders  unchanged\n"
    );
    // The instance, its guard, and two leaders: the process tree has exited.
    let left = app.processes();
    let of_old = |entry: &activity_log::Entry| entry.domain == "old";
    for entry in app.activity_log().into_iter().filter(of_old) {
        assert!(
            left.iter().all(|process| process.pid != entry.pid),
            "{left:?}"
        );
    }
    assert!(!before.is_alive());
    assert_eq!(app.leader("orders"), orders);
    // The renamed domain has the same port: the old one had to stop first.
    let stopping = app.event_times("before", "stopping")[0];
    assert!(stopping < app.event_times("after", "spawned")[0]);
    let names: Vec<String> = app
        .list()
        .iter()
        .map(|one| one["name"].to_string())
        .collect();
    assert_eq!(names, [r#""after""#, r#""orders""#]);
    app.run(&["domains", "restart", "old"]).exits(4);
    let logs = app.logs("old");
    assert!(
        logs.iter().any(|line| line.stream == "stdout"),
        "its lines are gone"
    );
    assert!(
        logs.iter().any(|line| line.message == "stopped"),
        "{logs:?}"
    );
    // Generation numbers are not reused.
    app.write_stub_domain("old", &[], "{}");
    app.run(&["reload"]).exits(0);
    assert_eq!(app.status("old")["generation"], 2);
    app.down();
}

/// Reloads, restarts and crashes at once: generations never overlap.
#[test]
fn g12_reloads_restarts_and_crashes_make_no_second_process() {
    let app = App::new().with_short_timeouts().stub_domain("users", &[]);
    app.start();
    let mut random = SeededRandom::new(12);
    let mut commands = Vec::new();
    for round in 0..20 {
        app.write_stub_domain("users", &[], &format!("{{env: {{ROUND: r{round}}}}}"));
        commands.push(app.spawn(&["reload"]));
        match random.below(3) {
            0 => commands.push(app.spawn(&["domains", "restart", "users"])),
            1 => commands.push(app.spawn(&["reload"])),
            _ => {}
        }
    }
    for command in &mut commands {
        // Each is done, or failed because a later one superseded it.
        let output = command.wait_exit();
        assert!(matches!(output.code, Some(0 | 1 | 10)), "{output}");
    }
    app.run(&["reload"]).exits(0);
    app.run(&["domains", "wait", "users"]).exits(0);
    assert_eq!(
        app.event_count("users", "overlap"),
        0,
        "{:?}",
        app.activity_log()
    );
    let status = app
        .run(&["domains", "status", "users", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(
        status["env"]["ROUND"], "r19",
        "the last one is what runs: {status}"
    );
    let generations = app.event_count("users", "spawned");
    measurement(
        "G12",
        &format!(
            "20 changes and {} commands at once: {generations} generations, 0 overlaps",
            commands.len()
        ),
    );
    app.down();
}
