//! B10–B13: commands at inconvenient moments.

use std::time::Instant;

use fulcrum_e2e::{App, LIMIT, SeededRandom, Signal, measurement, wait_until};

/// The process of the latest generation according to the activity log, if it runs.
fn latest_process(app: &App, domain: &str) -> Option<fulcrum_e2e::Process> {
    let entries = app.activity_log();
    let mut newest_first = entries.iter().rev();
    let spawned = newest_first.find(|entry| entry.domain == domain && entry.event == "spawned")?;
    fulcrum_e2e::Process::find(spawned.pid)
}

/// Crashes and restarts in random order and at random moments: each restart is answered, and two
/// generations never overlap.
#[track_caller]
fn interleave(times: usize, seed: u64) {
    let restart = "{restart: {backoff: {initial: 50ms, max: 200ms}, budget: 1000000}, \
                   stop: {grace: 2s}}";
    let app = App::new().stub_domain_with("users", &["--register-after", "20ms"], restart);
    app.start();
    let mut random = SeededRandom::new(seed);
    for _ in 0..times {
        let mut restarts = Vec::new();
        for _ in 0..=random.below(2) {
            if random.below(2) == 0 {
                random.pause(60);
            }
            restarts.push(app.spawn(&["domains", "restart", "users"]));
            random.pause(60);
            if let Some(leader) = latest_process(&app, "users") {
                leader.signal(Signal::KILL);
            }
        }
        for restart in &mut restarts {
            let output = restart.wait_exit();
            // Done, or failed with a reason: a crash, or a later restart, came between.
            assert!(matches!(output.code, Some(0 | 1)), "{output}");
        }
    }
    app.run(&["domains", "wait", "users", "--timeout", "30s"])
        .exits(0);
    let (generations, overlaps) = (
        app.event_count("users", "spawned"),
        app.event_count("users", "overlap"),
    );
    measurement(
        "B10",
        &format!(
            "{times} random interleavings of crashes and restarts: {generations} generations, {overlaps} overlaps"
        ),
    );
    assert_eq!(overlaps, 0);
    // A generation that is stopped before it records its start has a number too.
    let generation = app.status("users")["generation"].as_u64();
    assert!(
        generation >= u64::try_from(generations).ok(),
        "{generation:?} of {generations}"
    );
    app.down();
}

#[test]
fn b10_crashes_and_restarts_never_overlap_generations() {
    interleave(20, 10);
}

#[test]
#[ignore = "long: 500 interleavings"]
fn b10_five_hundred_crashes_and_restarts_never_overlap_generations() {
    interleave(500, 500);
}

/// Two domains crash at once and have the same backoff; the one that is stopped stays down when the
/// other one is restarted.
#[test]
fn b11_a_stop_during_the_backoff_holds() {
    let restart = "{restart: {backoff: {initial: 2s, jitter: 0}}}";
    let app = App::new()
        .stub_domain_with("users", &[], restart)
        .stub_domain_with("orders", &[], restart);
    app.start();
    app.wait_until_stable(&["users", "orders"]);
    // The first crash is followed by a start at once, the second one by the backoff.
    for registrations in [1, 2] {
        for name in ["users", "orders"] {
            app.wait_for_event_count(name, "registered", registrations);
            latest_process(&app, name)
                .expect("it is running")
                .signal(Signal::KILL);
        }
    }
    app.wait_for("users", "waits for its next start", |users| {
        users["phase"] == "backoff"
    });
    let started = Instant::now();
    app.run(&["domains", "stop", "users"]).exits(0);
    measurement(
        "B11",
        &format!(
            "a stop during the backoff took {} ms, the command's own start included",
            started.elapsed().as_millis()
        ),
    );
    assert_eq!(app.status("users")["phase"], "stopped");
    app.wait_for_event_count("orders", "registered", 3);
    let users = app.status("users");
    assert_eq!(
        (&users["phase"], &users["goal"]),
        (&"stopped".into(), &"down".into()),
        "{users}"
    );
    assert_eq!(app.event_count("users", "spawned"), 2);
    app.down();
}

/// A stop at a random moment of a start: both are answered, and no process is left.
#[track_caller]
fn stop_during_start(times: usize, seed: u64) {
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("users", &["--register-after", "150ms"])
        .stub_domain("orders", &[]);
    app.run(&["dev", "--detach", "--wait", "--only", "orders"])
        .exits(0);
    let mut random = SeededRandom::new(seed);
    let mut aborted = 0;
    for _ in 0..times {
        let mut start = app.spawn(&["domains", "start", "users"]);
        random.pause(300);
        app.run(&["domains", "stop", "users"]).exits(0);
        let started = start.wait_exit();
        let stop_came_first = app.status("users")["phase"] != "stopped";
        if stop_came_first {
            // The stop was handled before the start had reached the instance.
            started.exits(0);
            app.run(&["domains", "stop", "users"]).exits(0);
        } else if started.code != Some(0) {
            aborted += 1;
            started.exits(1).stderr_contains(&["users"]);
        }
        assert_eq!(app.status("users")["phase"], "stopped");
        assert!(latest_process(&app, "users").is_none(), "it still runs");
    }
    measurement(
        "B12",
        &format!("{times} stops during a start, {aborted} before it was ready: 0 processes left"),
    );
    assert_eq!(app.event_count("users", "overlap"), 0);
    app.down();
}

#[test]
fn b12_a_stop_during_the_start_leaves_nothing() {
    stop_during_start(20, 12);
}

#[test]
#[ignore = "long: 500 stops"]
fn b12_five_hundred_stops_during_the_start_leave_nothing() {
    stop_during_start(500, 1200);
}

#[test]
fn b13_twenty_starts_at_once_make_one_process() {
    let app = App::new()
        .stub_domain("users", &["--register-after", "200ms"])
        .stub_domain("orders", &[]);
    app.run(&["dev", "--detach", "--wait", "--only", "orders"])
        .exits(0);
    let mut starts: Vec<_> = (0..20)
        .map(|_| app.spawn(&["domains", "start", "users"]))
        .collect();
    for start in &mut starts {
        start.wait_exit().exits(0);
    }
    assert_eq!(
        (
            app.event_count("users", "spawned"),
            app.event_count("users", "overlap")
        ),
        (1, 0)
    );
    let users = app.status("users");
    assert_eq!(
        (&users["ready"], &users["generation"]),
        (&true.into(), &1.into()),
        "{users}"
    );
    wait_until("it has recorded its registration", LIMIT, || {
        (app.event_count("users", "registered") == 1).then_some(())
    });
    app.down();
}
