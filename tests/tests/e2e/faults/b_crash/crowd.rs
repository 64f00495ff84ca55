//! B9: many crash at once.

use fulcrum_e2e::{App, LIMIT, Signal, figure, ledger, quantile, wait_until};

/// A hundred domains die in the same moment, as when a database they all need is gone. They come
/// back, all of them, and not all in one moment.
#[test]
fn b09_a_hundred_that_crash_at_once_come_back_one_after_another() {
    const CROWD: usize = 100;
    const BACKOFF_US: u64 = 500_000;
    let app = (0..CROWD).fold(App::new(), |app, n| {
        let restart = "{restart: {backoff: {initial: 500ms, jitter: 0.2}}}";
        app.stub_domain_with(&format!("d{n:03}"), &[], restart)
    });
    app.up();
    let events = |event: &str| {
        let ledger = app.ledger().into_iter();
        ledger
            .filter(|entry| entry.event == event)
            .collect::<Vec<_>>()
    };
    let leaders = app.processes();
    let leaders = leaders
        .iter()
        .filter(|process| process.command.contains("stub-domain"));
    let leaders: Vec<_> = leaders.collect();
    assert_eq!(leaders.len(), CROWD);
    let killed = ledger::now();
    for leader in leaders {
        leader.signal(Signal::KILL);
    }
    wait_until("all have registered again", LIMIT + LIMIT, || {
        (events("registered").len() >= 2 * CROWD).then_some(())
    });
    assert_eq!(events("overlap"), []);
    let again = |event: &str| {
        let moments = events(event).into_iter().map(|entry| entry.at);
        moments
            .filter(|at| *at > killed)
            .map(|at| at - killed)
            .collect::<Vec<_>>()
    };
    let mut back = again("registered");
    let late = quantile(&mut back, 0.95).expect("measurements") / 1000;
    let mut starts = again("spawned");
    starts.sort_unstable();
    assert_eq!(starts.len(), CROWD, "one life each");
    // Nobody before the shortest delay that the jitter allows.
    assert!(starts[0] >= BACKOFF_US * 8 / 10, "{} µs", starts[0]);
    let crowded = |at: &u64| {
        starts
            .iter()
            .filter(|other| (*at..*at + 10_000).contains(*other))
            .count()
    };
    let most = starts.iter().map(crowded).max().expect("starts");
    figure(
        "B9",
        &format!(
            "{CROWD} crashed at once: p95 registered again after {late} ms (backoff 500 ms ± 20 %); \
             at most {most} started within 10 ms"
        ),
    );
    assert!(most < CROWD / 2, "{most} of {CROWD} started within 10 ms");
    app.down();
}
