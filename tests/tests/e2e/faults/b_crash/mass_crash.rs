//! B9: many domains crash at once.

use fulcrum_e2e::{App, LIMIT, Signal, activity_log, measurement, quantile, wait_until};

/// A hundred domains crash at the same time, as when a shared database is down. All of them are
/// restarted without a delay, since it is their first crash, and spread out by the limit of
/// concurrent starts.
#[test]
fn b09_a_hundred_domains_that_crash_at_once_restart_spread_out() {
    const DOMAINS: usize = 100;
    let app = (0..DOMAINS).fold(App::new(), |app, n| {
        let restart = "{restart: {backoff: {initial: 500ms, jitter: 0.2}}}";
        app.stub_domain_with(&format!("d{n:03}"), &[], restart)
    });
    app.start();
    let events = |event: &str| {
        let entries = app.activity_log().into_iter();
        entries
            .filter(|entry| entry.event == event)
            .collect::<Vec<_>>()
    };
    let leaders = app.processes();
    let leaders = leaders
        .iter()
        .filter(|process| process.command.contains("stub-domain"));
    let leaders: Vec<_> = leaders.collect();
    assert_eq!(leaders.len(), DOMAINS);
    let killed = activity_log::now();
    for leader in leaders {
        leader.signal(Signal::KILL);
    }
    wait_until("all have registered again", LIMIT + LIMIT, || {
        (events("registered").len() >= 2 * DOMAINS).then_some(())
    });
    assert_eq!(events("overlap"), []);
    let since_kill = |event: &str| {
        let moments = events(event).into_iter().map(|entry| entry.at);
        moments
            .filter(|at| *at > killed)
            .map(|at| at - killed)
            .collect::<Vec<_>>()
    };
    let mut registered = since_kill("registered");
    let p95 = quantile(&mut registered, 0.95).expect("measurements") / 1000;
    let mut starts = since_kill("spawned");
    starts.sort_unstable();
    assert_eq!(starts.len(), DOMAINS, "one generation each");
    let starts_near = |at: &u64| {
        starts
            .iter()
            .filter(|other| (*at..*at + 10_000).contains(*other))
            .count()
    };
    let most = starts.iter().map(starts_near).max().expect("starts");
    measurement(
        "B9",
        &format!(
            "{DOMAINS} crashed at once: p95 registered again after {p95} ms; at most {most} started \
             within 10 ms"
        ),
    );
    assert!(
        most < DOMAINS / 2,
        "{most} of {DOMAINS} started within 10 ms"
    );
    app.down();
}
