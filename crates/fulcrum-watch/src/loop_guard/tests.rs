//! Who reloads himself and who only saves often.
#![expect(
    clippy::disallowed_methods,
    reason = "where a test's clock begins doesn't matter"
)]

use proptest::prelude::*;

use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What a domain that writes `writes` after each start, `delay` later, comes to: its reloads, and
/// whether it was told as a loop. Reloads begin at once.
fn own_writing(
    guard: &mut LoopGuard<&'static str, &'static str>,
    mut now: Instant,
    delay: Duration,
    writes: &'static str,
) -> (u32, Option<u32>) {
    let mut reloads = 0;
    loop {
        guard.started(&"users", now);
        reloads += 1;
        assert!(reloads < 20, "it goes on for ever");
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
            LoopDecision::LoopDetected { reloads: told } => return (reloads, Some(told)),
            LoopDecision::Suppress => return (reloads, None),
        }
    }
}

#[test]
fn a_domain_that_writes_into_its_folder_is_stopped_within_five_reloads() {
    let now = Instant::now();
    for delay in [0, 10, 500, 900] {
        let mut guard = LoopGuard::new(LoopLimits::default());
        let (reloads, told) = own_writing(&mut guard, now, ms(delay), "cache.json");
        assert_eq!((reloads, told), (5, Some(5)), "after {delay} ms");
        assert!(guard.is_looping(&"users"));
    }
}

#[test]
fn who_waits_for_the_reload_and_saves_again_is_no_loop() {
    let mut now = Instant::now();
    let mut guard = LoopGuard::new(LoopLimits::default());
    for _ in 0..100 {
        assert_eq!(guard.changed(&"users", &"a.js", now), LoopDecision::Proceed);
        guard.started(&"users", now);
        now += ms(30);
        guard.settled(&"users", now);
    }
    // A save that came before the process, and is heard of late, isn't its own either.
    guard.started(&"users", now);
    assert_eq!(
        guard.changed(&"users", &"a.js", now - ms(1)),
        LoopDecision::Proceed
    );
}

#[test]
fn a_start_that_takes_long_may_write_all_the_time() {
    let now = Instant::now();
    let mut guard = LoopGuard::new(LoopLimits {
        self_write_window: ms(10_000),
        ..LoopLimits::default()
    });
    let (reloads, told) = own_writing(&mut guard, now, ms(8000), "cache.json");
    assert_eq!((reloads, told), (5, Some(5)));
}

#[test]
fn a_known_loop_stays_still_until_somebody_else_writes_the_file() {
    let now = Instant::now();
    let mut guard = LoopGuard::new(LoopLimits::default());
    own_writing(&mut guard, now, ms(10), "cache.json");
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
fn who_saves_twenty_times_a_second_is_no_loop_and_loses_nothing() {
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
            told @ (LoopDecision::LoopDetected { .. } | LoopDecision::Suppress) => {
                panic!("{told:?} at save {save}")
            }
        }
    }
    assert!(held < 190, "{held} of 200 saves were held back");
    if reloaded_at < last_save {
        let at = guard.deadline().expect("the last save waits for nothing");
        assert!(at <= last_save + LoopLimits::default().self_write_window);
        assert_eq!(guard.due(at).len(), 1);
    }
}

#[test]
fn different_files_after_each_reload_are_somebody_at_work() {
    let mut now = Instant::now();
    let mut guard = LoopGuard::new(LoopLimits::default());
    for file in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        guard.started(&"users", now);
        now += ms(300);
        assert_eq!(guard.changed(&"users", &file, now), LoopDecision::Proceed);
    }
}

#[test]
fn keys_are_judged_apart() {
    let now = Instant::now();
    let mut guard = LoopGuard::new(LoopLimits::default());
    own_writing(&mut guard, now, ms(10), "cache.json");
    assert_eq!(
        guard.changed(&"orders", &"cache.json", now),
        LoopDecision::Proceed
    );
    guard.forget(&"users");
    assert!(!guard.is_looping(&"users"));
}

proptest! {
    /// Whatever happens, a change that is held back comes due, unless it is told as a loop.
    #[test]
    fn nothing_is_held_back_for_ever(steps in prop::collection::vec((0_u8..3, 0_u64..900), 1..200)) {
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
                    // A reload loads all there is.
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
