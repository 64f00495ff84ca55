//! Heartbeats: what is hung is found in time, what isn't never is.

#![expect(
    clippy::disallowed_methods,
    reason = "an Instant comes from the clock only; from there on the test owns the time"
)]

use std::time::{Duration, Instant};

use fulcrum_health::{HeartbeatConfig, HeartbeatMonitor, HeartbeatStatus};
use proptest::prelude::*;

const CONFIG: HeartbeatConfig = HeartbeatConfig {
    interval: ms(200),
    misses: 3,
};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Checks at every deadline from `from` on, as a driver does; gives when it was found hung.
fn hung_at(monitor: &mut HeartbeatMonitor, from: Instant, until: Instant) -> Option<Instant> {
    let mut now = from;
    while now <= until {
        if let HeartbeatStatus::Hung { .. } = monitor.check(now) {
            return Some(now);
        }
        now = monitor.deadline(now).max(now + Duration::from_nanos(1));
    }
    None
}

#[test]
fn late_first_and_then_hung() {
    let start = Instant::now();
    let mut monitor = HeartbeatMonitor::new(CONFIG, start);
    monitor.beat(start + ms(100), Some(ms(12)));
    assert_eq!(monitor.check(start + ms(250)), HeartbeatStatus::Healthy);
    assert_eq!(
        monitor.check(start + ms(350)),
        HeartbeatStatus::Late { missed: 1 }
    );
    assert_eq!(
        monitor.check(start + ms(700)),
        HeartbeatStatus::Late { missed: 3 }
    );
    let silent = ms(800);
    assert_eq!(
        monitor.check(start + ms(900)),
        HeartbeatStatus::Hung { silence: silent }
    );
    assert_eq!(monitor.age(start + ms(900)), Some(ms(800)));
    assert_eq!(monitor.lag(), Some(ms(12)));
    // A beat after all: it was only slow.
    monitor.beat(start + ms(950), None);
    assert_eq!(monitor.check(start + ms(1_000)), HeartbeatStatus::Healthy);
}

#[test]
fn one_that_never_beats_is_hung_too() {
    let start = Instant::now();
    let mut monitor = HeartbeatMonitor::new(CONFIG, start);
    assert_eq!(monitor.age(start), None);
    let found = hung_at(&mut monitor, start, start + ms(5_000));
    assert_eq!(found, Some(start + ms(800)));
}

#[test]
fn our_own_frozen_time_does_not_count() {
    let start = Instant::now();
    let mut monitor = HeartbeatMonitor::new(CONFIG, start);
    assert_eq!(monitor.check(start + ms(100)), HeartbeatStatus::Healthy);
    // Fulcrum is stopped for half a minute, and checks before it reads what came meanwhile.
    let back = start + ms(30_000);
    assert_eq!(monitor.check(back), HeartbeatStatus::Healthy);
    // If the domain really is gone, that shows in the usual time from now on.
    assert_eq!(
        hung_at(&mut monitor, back, back + ms(5_000)),
        Some(back + ms(800))
    );
}

#[test]
fn a_look_that_comes_late_does_not_condemn_before_what_came_meanwhile_is_read() {
    let start = Instant::now();
    let looked = || {
        let mut monitor = HeartbeatMonitor::new(CONFIG, start);
        for at in [200, 400, 600] {
            monitor.check(start + ms(at));
        }
        // Due at 800; Fulcrum was stopped for a moment.
        assert_eq!(
            monitor.check(start + ms(900)),
            HeartbeatStatus::Late { missed: 3 }
        );
        assert_eq!(monitor.deadline(start + ms(900)), start + ms(950));
        monitor
    };
    let mut alive = looked();
    alive.beat(start + ms(901), None);
    assert_eq!(alive.check(start + ms(950)), HeartbeatStatus::Healthy);
    let mut hung = looked();
    let silent = ms(800);
    assert_eq!(
        hung.check(start + ms(950)),
        HeartbeatStatus::Hung { silence: silent }
    );
}

#[test]
fn where_fulcrum_itself_hardly_runs_the_hung_is_found_all_the_same() {
    let start = Instant::now();
    let mut monitor = HeartbeatMonitor::new(CONFIG, start);
    let mut now = start;
    for _ in 0..100 {
        // Twice as late as the whole interval, each time.
        now = monitor.deadline(now) + ms(400);
        if let HeartbeatStatus::Hung { .. } = monitor.check(now) {
            assert!(
                now > start + ms(800 + 3 * 400),
                "each lateness is taken off"
            );
            return;
        }
    }
    panic!("never found");
}

#[test]
fn where_every_look_is_late_the_hung_is_found_all_the_same() {
    let start = Instant::now();
    let mut monitor = HeartbeatMonitor::new(CONFIG, start);
    let mut now = start;
    for _ in 0..100 {
        now = monitor.deadline(now) + ms(60);
        if let HeartbeatStatus::Hung { .. } = monitor.check(now) {
            assert!(now < start + ms(2_000));
            return;
        }
    }
    panic!("never found");
}

#[test]
fn time_without_a_cpu_is_forgiven_and_silence_is_found_in_the_end() {
    let start = Instant::now();
    let mut monitor = HeartbeatMonitor::new(CONFIG, start);
    let mut now = hung_at(&mut monitor, start, start + ms(5_000)).expect("silent");
    // It gets two fifths of a CPU: as a verdict is due, three fifths of what was added are taken
    // off, until too little is left to speak of.
    let mut from = start;
    for _ in 0..20 {
        let starved = (now - from).mul_f64(0.6);
        if starved < ms(10) {
            assert!(now > start + ms(1_900) && now < start + ms(2_100));
            return;
        }
        from = now;
        monitor.exclude_time(starved);
        now = hung_at(&mut monitor, now, start + ms(5_000)).expect("still silent");
    }
    panic!("never found");
}

#[test]
fn no_more_than_the_silence_is_forgiven() {
    let start = Instant::now();
    let mut monitor = HeartbeatMonitor::new(CONFIG, start);
    monitor.check(start + ms(200));
    monitor.exclude_time(Duration::MAX);
    assert_eq!(monitor.silence(start + ms(300)), ms(100));
}

#[test]
fn suspended_while_a_debugger_holds_it() {
    let start = Instant::now();
    let mut monitor = HeartbeatMonitor::new(CONFIG, start);
    monitor.suspend();
    assert_eq!(hung_at(&mut monitor, start, start + ms(60_000)), None);
    let go_on = start + ms(60_000);
    monitor.resume(go_on);
    assert_eq!(
        hung_at(&mut monitor, go_on, go_on + ms(5_000)),
        Some(go_on + ms(800))
    );
}

#[test]
fn absurd_figures_do_not_overflow_the_clock() {
    let now = Instant::now();
    let config = HeartbeatConfig {
        interval: Duration::MAX,
        misses: u32::MAX,
    };
    let mut monitor = HeartbeatMonitor::new(config, now);
    assert_eq!(monitor.check(now + ms(1)), HeartbeatStatus::Healthy);
    assert!(monitor.deadline(now) > now);
}

proptest! {
    /// With beats at most `misses` intervals apart nothing is ever found hung; once they stop it
    /// is found after `misses` to `misses + 1` intervals, counted from when a beat was due.
    #[test]
    fn no_false_alarm_and_no_late_one(
        interval in 1_u64..10_000,
        misses in 0_u32..6,
        pauses in prop::collection::vec(0.0_f64..1.0, 0..40),
    ) {
        let config = HeartbeatConfig { interval: ms(interval), misses };
        let start = Instant::now();
        let mut monitor = HeartbeatMonitor::new(config, start);
        let mut now = start;
        for pause in pauses {
            // The longest pause that is still within what is tolerated.
            let next = now + config.interval.mul_f64(pause * f64::from(misses + 1) * 0.999);
            prop_assert_eq!(hung_at(&mut monitor, now, next), None);
            monitor.beat(next, None);
            now = next;
        }
        let limit = config.interval * (misses + 1);
        let found = hung_at(&mut monitor, now, now + limit * 3);
        prop_assert_eq!(found, Some(now + limit));
    }

    #[test]
    fn a_deadline_is_never_past_nor_further_than_an_interval(
        steps in prop::collection::vec((0_u64..2_000, any::<bool>()), 1..40),
    ) {
        let mut now = Instant::now();
        let mut monitor = HeartbeatMonitor::new(CONFIG, now);
        for (step, beat) in steps {
            now += ms(step);
            if beat { monitor.beat(now, None); } else { monitor.check(now); }
            let deadline = monitor.deadline(now);
            prop_assert!(deadline >= now && deadline <= now + CONFIG.interval);
        }
    }
}
