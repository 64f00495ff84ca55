//! B1, B2, B7, B8: what follows an exit that was not requested.

use std::time::{Duration, Instant};

use fulcrum_e2e::{App, LIMIT, Signal, activity_log, measurement, quantile, text_of, wait_until};

/// Kills a domain repeatedly, and measures the time until the next process records its start. The
/// backoff is constant and has no jitter.
#[track_caller]
fn kill_repeatedly(times: usize) {
    const BACKOFF_US: u64 = 100_000;
    let restart = "{restart: {backoff: {initial: 100ms, factor: 1, jitter: 0}, budget: 1000000}}";
    let app = App::new()
        .stub_domain_with("users", &[], restart)
        .stub_domain("orders", &[]);
    app.start();
    let bystander = app.leader("orders");
    let mut measured: Vec<u64> = (1..=times)
        .map(|generation| {
            app.wait_for_event_count("users", "registered", generation);
            let entries = app.activity_log();
            let mut of_users = entries.iter().filter(|entry| entry.domain == "users");
            let pid = of_users.next_back().expect("it has registered").pid;
            let killed = activity_log::now();
            fulcrum_e2e::Process::find(pid)
                .expect("it is running")
                .signal(Signal::KILL);
            app.wait_for_event_count("users", "spawned", generation + 1) - killed
        })
        .collect();
    // The first crash is followed by a start without a delay.
    let first = measured.remove(0);
    let delay_ms =
        |share| quantile(&mut measured.clone(), share).map(|us| (us - BACKOFF_US) / 1000);
    measurement(
        "B1",
        &format!(
            "crash to the new process's start: the first {} ms; the others, beyond the backoff of \
             100 ms, {times} kills: p50 {} ms, p99 {} ms (aim 50 ms)",
            first / 1000,
            delay_ms(0.5).expect("measurements"),
            delay_ms(0.99).expect("measurements"),
        ),
    );
    let least = quantile(&mut measured, 0.0).expect("measurements");
    assert!(least >= BACKOFF_US, "the backoff was cut short: {least} µs");
    // The bound for all kills, on a machine that may be busy.
    let worst = quantile(&mut measured, 1.0).expect("measurements");
    assert!(worst < BACKOFF_US + 5_000_000, "{worst} µs");
    assert_eq!(app.event_count("users", "overlap"), 0);
    assert_eq!(app.leader("orders"), bystander);
    app.down();
}

#[test]
fn b01_a_crash_is_followed_by_a_new_generation_after_the_backoff() {
    kill_repeatedly(20);
}

#[test]
#[ignore = "long: 200 kills"]
fn b01_two_hundred_crashes_are_followed_by_new_generations() {
    kill_repeatedly(200);
}

/// The default policy is on-failure, so exit 0 is not followed by a restart.
#[test]
fn b02_a_domain_that_exits_with_0_is_not_restarted() {
    let app = App::new().domain("users", "steady");
    app.start();
    let call = [
        "domains",
        "call",
        "users",
        "process_exit_request",
        r#"{"code": 0}"#,
    ];
    // The response may or may not be sent before the process exits.
    app.run(&call);
    let users = app.wait_for("users", "has exited", |users| users["phase"] == "stopped");
    assert_eq!(users["last_exit"]["code"], 0, "{users}");
    assert_eq!(users["restarts"], 0, "{users}");
    assert_eq!(app.event_count("users", "spawned"), 1);
    app.down();
}

/// With `always` even exit 0 is followed by a new generation.
#[test]
fn b02_policy_always_restarts_after_exit_0() {
    let app = App::new()
        .domain("users", "steady")
        .write("domains/users/fulcrum.yml", "process:\n  restart: always\n");
    app.start();
    app.run(&[
        "domains",
        "call",
        "users",
        "process_exit_request",
        r#"{"code": 0}"#,
    ]);
    app.wait_for("users", "is restarted", |users| {
        users["ready"] == true && users["generation"] == 2
    });
    app.down();
}

/// A domain that always crashes is started once, and then restarted as often as the budget allows;
/// then it has failed until it is started by a command.
#[test]
fn b07_a_crash_loop_ends_within_its_budget() {
    const BUDGET: usize = 5;
    let restart = "{restart: {backoff: {initial: 50ms, max: 200ms}}}";
    let app = App::new()
        .with_short_timeouts()
        .stub_domain_with("users", &["--never-register", "--exit-at", "30ms"], restart)
        .stub_domain("orders", &[]);
    app.run(&["dev", "--detach"]).exits(0);
    let assert_failed = |description: &str| {
        let users = app.wait_for("users", description, |users| users["phase"] == "failed");
        let reason = text_of(&users, "reason");
        for text in ["crash loop", "5 restarts in 10s", "exit 1"] {
            assert!(reason.contains(text), "the reason lacks {text:?}: {reason}");
        }
    };
    assert_failed("has failed");
    assert_eq!(app.event_count("users", "spawned"), 1 + BUDGET);
    app.run(&["domains", "start", "users"])
        .exits(1)
        .stderr_contains(&["users", "exit 1"]);
    assert_failed("has failed again");
    assert_eq!(app.event_count("users", "spawned"), 2 * (1 + BUDGET));
    assert_eq!(app.status("orders")["restarts"], 0);
    app.down();
}

/// The cost of an endless crash loop.
#[test]
#[ignore = "long: a minute of crashes"]
fn b07_a_crash_loop_costs_little() {
    let restart = "{restart: {backoff: {initial: 100ms, max: 2s}, budget: 1000000}}";
    let app =
        App::new().stub_domain_with("users", &["--never-register", "--exit-at", "30ms"], restart);
    app.run(&["dev", "--detach"]).exits(0);
    let instance = app.instance();
    let used = || instance.usage().expect("the instance is running").cpu;
    let (started, before) = (Instant::now(), used());
    let minute = Duration::from_secs(60);
    wait_until("a minute is over", minute + LIMIT, || {
        std::thread::sleep(Duration::from_millis(500));
        (started.elapsed() >= minute).then_some(())
    });
    let share = (used() - before).as_secs_f64() / started.elapsed().as_secs_f64() * 100.0;
    let starts = app.event_count("users", "spawned");
    measurement(
        "B7",
        &format!("{starts} starts in a minute of crashes: {share:.2} % of a core (aim 2 %)"),
    );
    assert!(share < 10.0, "{share} % of a core");
    app.down();
}

/// The delays from each crash to the next generation, where each generation runs for `runtime`
/// after its registration.
#[track_caller]
fn measure_restart_delays(runtime: &str, runtime_us: u64, generations: usize) -> Vec<u64> {
    let restart = "{restart: {stable_after: 1s, budget: 1000, \
                   backoff: {initial: 100ms, factor: 10, max: 1s, jitter: 0}}}";
    let app = App::new().stub_domain_with("users", &["--exit-after-ready", runtime], restart);
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for_event_count("users", "spawned", generations + 1);
    let (spawned, registered) = (
        app.event_times("users", "spawned"),
        app.event_times("users", "registered"),
    );
    app.down();
    let next = spawned.into_iter().skip(1).zip(registered);
    next.map(|(next, registered)| next - registered - runtime_us)
        .take(generations)
        .collect()
}

/// The first exit is followed by a start at once, the next ones by growing delays. Only a generation
/// that was ready for the stable time resets them; its own exit is the first one again.
#[test]
fn b08_the_backoff_resets_after_the_stable_time() {
    let inside = measure_restart_delays("300ms", 300_000, 3);
    assert!(inside[1] >= 100_000 && inside[2] >= 1_000_000, "{inside:?}");
    let outside = measure_restart_delays("1500ms", 1_500_000, 2);
    assert!(outside.iter().all(|gap| *gap < 1_000_000), "{outside:?}");
}
