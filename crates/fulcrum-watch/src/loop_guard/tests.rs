//! Reload loops, and frequent saves that are none.
#![expect(
    clippy::disallowed_methods,
    reason = "an arbitrary start of the test's clock"
)]

use proptest::prelude::*;

use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Simulates a domain that writes `writes` a `delay` after each start. Returns the number of reloads
/// and the number that was reported with the loop, if any.
fn run_self_writer(
    guard: &mut LoopGuard<&'static str, &'static str>,
    mut now: Instant,
    delay: Duration,
    writes: &'static str,
) -> (u32, Option<u32>) {
    let mut reloads = 0;
    loop {
        guard.started(&"users", now);
        reloads += 1;
        assert!(reloads < 20, "an endless loop");
        now += delay;
        match guard.changed(&"users", &writes, now) {
            LoopDecision::Proceed => {}
            LoopDecision::Defer => {
                let Some(at) = guard.deadline() else {
                    return (reloads, None);
                };
                now = at;
                assert_eq!(guard.due(now).len(), 1);
            }
            LoopDecision::LoopDetected { reloads: reported } => return (reloads, Some(reported)),
            LoopDecision::Suppress => return (reloads, None),
        }
    }
}

#[test]
fn a_domain_that_writes_its_own_files_is_detected_within_five_reloads() {
    let now = Instant::now();
    for delay in [0, 10, 500, 900] {
        let mut guard = LoopGuard::new(LoopLimits::default());
        let (reloads, reported) = run_self_writer(&mut guard, now, ms(delay), "cache.json");
        assert_eq!((reloads, reported), (5, Some(5)), "after {delay} ms");
        assert!(guard.is_looping(&"users"));
    }
}

#[test]
fn a_file_that_the_domain_is_known_to_write_is_a_loop_at_any_moment() {
    let mut now = Instant::now();
    let mut guard = LoopGuard::new(LoopLimits::default());
    let (users, store) = (&"users", &"store.json");
    for _ in 0..3 {
        guard.started(users, now);
        guard.settled(users, now + ms(100));
        now += ms(20_000);
        for _ in 0..2 {
            assert_eq!(guard.written_by_itself(users, store), LoopDecision::Proceed);
        }
    }
    guard.started(users, now);
    let decision = guard.written_by_itself(users, store);
    assert_eq!(decision, LoopDecision::LoopDetected { reloads: 3 });
    guard.started(users, now);
    for _ in 0..2 {
        assert_eq!(
            guard.written_by_itself(users, store),
            LoopDecision::Suppress
        );
    }
    // Somebody else changes it.
    guard.settled(users, now);
    assert_eq!(
        guard.changed(users, store, now + ms(5_000)),
        LoopDecision::Proceed
    );
    assert_eq!(guard.written_by_itself(users, store), LoopDecision::Proceed);
}

#[test]
fn saving_after_each_reload_is_no_loop() {
    let mut now = Instant::now();
    let mut guard = LoopGuard::new(LoopLimits::default());
    for _ in 0..100 {
        assert_eq!(guard.changed(&"users", &"a.js", now), LoopDecision::Proceed);
        guard.started(&"users", now);
        now += ms(30);
        guard.settled(&"users", now);
    }
    // A save from before the start that is reported late has another cause, too.
    guard.started(&"users", now);
    assert_eq!(
        guard.changed(&"users", &"a.js", now - ms(1)),
        LoopDecision::Proceed
    );
}

#[test]
fn a_slow_start_may_write_until_its_end() {
    let now = Instant::now();
    let mut guard = LoopGuard::new(LoopLimits {
        self_write_window: ms(10_000),
        ..LoopLimits::default()
    });
    let (reloads, reported) = run_self_writer(&mut guard, now, ms(8000), "cache.json");
    assert_eq!((reloads, reported), (5, Some(5)));
}

#[test]
fn a_detected_loop_is_suppressed_until_its_file_has_another_writer() {
    let now = Instant::now();
    let mut guard = LoopGuard::new(LoopLimits::default());
    run_self_writer(&mut guard, now, ms(10), "cache.json");
    let later = now + ms(60_000);
    assert_eq!(
        guard.changed(&"users", &"domain.js", later),
        LoopDecision::Proceed
    );
    guard.started(&"users", later);
    assert_eq!(
        guard.changed(&"users", &"cache.json", later + ms(10)),
        LoopDecision::Suppress
    );
    assert_eq!(
        guard.changed(&"users", &"domain.js", later + ms(20)),
        LoopDecision::Proceed
    );
    assert_eq!(
        guard.changed(&"users", &"cache.json", later + ms(5_000)),
        LoopDecision::Proceed
    );
    assert!(!guard.is_looping(&"users"));
}

#[test]
fn twenty_saves_a_second_are_no_loop_and_none_is_lost() {
    let start = Instant::now();
    let mut guard = LoopGuard::new(LoopLimits::default());
    let mut reloaded_at = start;
    let mut last_save = start;
    let mut held = 0;
    for save in 0..200_u64 {
        let now = start + ms(save * 50);
        if guard.deadline().is_some_and(|at| at <= now) && !guard.due(now).is_empty() {
            guard.started(&"users", now);
            reloaded_at = now;
        }
        last_save = now;
        match guard.changed(&"users", &"domain.js", now) {
            LoopDecision::Proceed => {
                guard.started(&"users", now);
                reloaded_at = now;
            }
            LoopDecision::Defer => held += 1,
            reported @ (LoopDecision::LoopDetected { .. } | LoopDecision::Suppress) => {
                panic!("{reported:?} at save {save}")
            }
        }
    }
    assert!(held < 190, "{held} of 200 saves were held back");
    if reloaded_at < last_save {
        let at = guard.deadline().expect("the last save is not due");
        assert!(at <= last_save + LoopLimits::default().self_write_window);
        assert_eq!(guard.due(at).len(), 1);
    }
}

#[test]
fn different_files_after_each_reload_are_no_loop() {
    let mut now = Instant::now();
    let mut guard = LoopGuard::new(LoopLimits::default());
    for file in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        guard.started(&"users", now);
        now += ms(300);
        assert_eq!(guard.changed(&"users", &file, now), LoopDecision::Proceed);
    }
}

#[test]
fn keys_are_independent() {
    let now = Instant::now();
    let mut guard = LoopGuard::new(LoopLimits::default());
    run_self_writer(&mut guard, now, ms(10), "cache.json");
    assert_eq!(
        guard.changed(&"orders", &"cache.json", now),
        LoopDecision::Proceed
    );
    guard.remove(&"users");
    assert!(!guard.is_looping(&"users"));
}

proptest! {
    /// A change that is held back always becomes due, unless it is reported as a loop.
    #[test]
    fn no_change_is_held_back_forever(steps in prop::collection::vec((0_u8..3, 0_u64..900), 1..200)) {
        let mut now = Instant::now();
        let mut guard = LoopGuard::new(LoopLimits::default());
        let mut held: BTreeSet<u8> = BTreeSet::new();
        for (what, wait) in steps {
            now += ms(wait);
            for (_, items) in guard.due(now) {
                for item in items { held.remove(&item); }
                guard.started(&0, now);
            }
            match what {
                2 => guard.started(&0, now),
                file => match guard.changed(&0, &file, now) {
                    // A reload covers all changes.
                    LoopDecision::Proceed => { held.clear(); guard.started(&0, now); }
                    LoopDecision::Defer => { held.insert(file); }
                    LoopDecision::LoopDetected { .. } | LoopDecision::Suppress => {}
                },
            }
        }
        if !held.is_empty() {
            let at = guard.deadline();
            prop_assert!(at.is_some());
            let due: BTreeSet<u8> = at.map(|at| guard.due(at)).into_iter().flatten().flat_map(|(_, items)| items).collect();
            prop_assert!(held.is_subset(&due));
        }
    }
}
