//! First saves, bursts and bulk changes, with the test's own clock.
#![expect(
    clippy::disallowed_methods,
    reason = "an arbitrary start of the test's clock"
)]

use proptest::prelude::*;

use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Advances the time to `until` over every deadline, and returns the actions with their times.
fn advance(
    coalescer: &mut Coalescer<u8, u32>,
    until: Instant,
) -> Vec<(Instant, DueAction<u8, u32>)> {
    let mut done = Vec::new();
    while let Some(at) = coalescer.deadline().filter(|at| *at <= until) {
        let actions = coalescer.due(at);
        assert!(!actions.is_empty(), "a deadline without a due action");
        done.extend(actions.into_iter().map(|action| (at, action)));
    }
    done
}

#[test]
fn the_first_save_is_due_at_once_and_the_next_ones_together() {
    let start = Instant::now();
    let mut coalescer = Coalescer::new(CoalescerConfig::default());
    coalescer.changed(1, 1, true, start);
    let done = advance(&mut coalescer, start);
    assert_eq!(done.len(), 1);
    for at in [30, 60, 90] {
        coalescer.changed(1, 1, true, start + ms(at));
        assert!(advance(&mut coalescer, start + ms(at)).is_empty());
    }
    let done = advance(&mut coalescer, start + ms(1000));
    assert_eq!(done.len(), 1);
    assert_eq!(done[0].0, start + ms(90) + CoalescerConfig::default().quiet);
    coalescer.changed(1, 2, true, start + ms(2000));
    assert_eq!(
        advance(&mut coalescer, start + ms(2000)).len(),
        1,
        "idle again"
    );
}

#[test]
fn twenty_saves_a_second_for_ten_seconds_are_few_reloads() {
    let start = Instant::now();
    let mut coalescer = Coalescer::new(CoalescerConfig::default());
    let mut done = Vec::new();
    for save in 0..200_u64 {
        let at = start + ms(save * 50);
        done.extend(advance(&mut coalescer, at));
        coalescer.changed(1, 1, true, at);
        done.extend(advance(&mut coalescer, at));
    }
    done.extend(advance(&mut coalescer, start + ms(20_000)));
    assert!(done.len() <= 21, "{}", done.len());
    let last = done.last().map(|(at, _)| *at);
    assert!(
        last >= Some(start + ms(199 * 50)),
        "the last save is acted on"
    );
}

#[test]
fn a_checkout_is_two_actions_for_each_key_however_slow_the_disk() {
    for (files, gap_us, keys) in [
        (5_000, 50, 1),
        (5_000, 400, 20),
        (2_000, 2_000, 20),
        (500, 20_000, 3),
    ] {
        let start = Instant::now();
        let mut coalescer = Coalescer::new(CoalescerConfig::default());
        let mut done = Vec::new();
        for file in 0..files {
            let at = start + Duration::from_micros(u64::from(file) * gap_us);
            done.extend(advance(&mut coalescer, at));
            coalescer.changed((file % keys) as u8, file, file == 0, at);
        }
        done.extend(advance(&mut coalescer, start + ms(60_000)));
        for key in 0..keys as u8 {
            let count = done.iter().filter(|(_, action)| action.key == key).count();
            // Before it is a bulk change, each of its first files may begin a burst.
            assert!(
                (1..=2).contains(&count),
                "key {key}: {count} for {files} files"
            );
        }
    }
}

#[test]
fn removed_keys_have_no_actions() {
    let now = Instant::now();
    let mut coalescer = Coalescer::new(CoalescerConfig::default());
    coalescer.changed(1, 1, true, now);
    coalescer.remove(&1);
    assert_eq!(coalescer.deadline(), None);
    assert_eq!(coalescer.due(now + ms(10_000)), Vec::new());
}

proptest! {
    #[test]
    fn no_change_is_lost_or_late_and_bursts_lead_to_few_actions(
        steps in prop::collection::vec((0_u8..3, 0_u32..60, any::<bool>(), 0_u64..120), 1..300),
    ) {
        let config = CoalescerConfig::default();
        let start = Instant::now();
        let mut now = start;
        let mut coalescer = Coalescer::new(config);
        let mut done = Vec::new();
        let mut changes = Vec::new();
        for (key, item, single, wait) in steps {
            now += ms(wait);
            done.extend(advance(&mut coalescer, now));
            let is_first = changes.is_empty();
            coalescer.changed(key, item, single, now);
            changes.push((now, key, item));
            if is_first && single {
                prop_assert_eq!(coalescer.deadline(), Some(now), "the first acts at once");
            }
            done.extend(advance(&mut coalescer, now));
        }
        done.extend(advance(&mut coalescer, now + ms(60_000)));
        prop_assert_eq!(coalescer.deadline(), None);
        for (at, key, item) in &changes {
            let follows = done.iter().any(|(then, action)| {
                then >= at
                    && *then <= *at + config.bulk_max_delay
                    && action.key == *key
                    && action.items.contains(item)
            });
            prop_assert!(follows, "a lost change");
        }
        for key in 0..3 {
            let times: Vec<_> = done.iter().filter(|(_, a)| a.key == key).map(|(at, _)| *at).collect();
            // The first, then one after each quiet, or each longest wait.
            let span = times.last().zip(times.first()).map_or(Duration::ZERO, |(a, b)| *a - *b);
            let bound = 2 + span.as_millis() / config.quiet.as_millis();
            prop_assert!((times.len() as u128) <= bound, "{} in {span:?}", times.len());
        }
    }
}
