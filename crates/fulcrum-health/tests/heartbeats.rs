//! Heartbeats: hung domains are found in time, and no others.

#![expect(
    clippy::disallowed_methods,
    reason = "a first moment; all later ones follow from it"
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

/// Checks at every deadline from `from` on. Returns when the domain was found hung.
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
fn a_silent_domain_is_late_and_then_hung() {
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
    let silence = ms(800);
    assert_eq!(
        monitor.check(start + ms(900)),
        HeartbeatStatus::Hung { silence }
    );
    assert_eq!(monitor.age(start + ms(900)), Some(ms(800)));
    assert_eq!(monitor.lag(), Some(ms(12)));
    // A beat arrives after all.
    monitor.beat(start + ms(950), None);
    assert_eq!(monitor.check(start + ms(1_000)), HeartbeatStatus::Healthy);
}

#[test]
fn a_domain_that_never_beats_is_hung() {
    let start = Instant::now();
    let mut monitor = HeartbeatMonitor::new(CONFIG, start);
    assert_eq!(monitor.age(start), None);
    let found = hung_at(&mut monitor, start, start + ms(5_000));
    assert_eq!(found, Some(start + ms(800)));
}

#[test]
fn suspended_time_does_not_count() {
    let start = Instant::now();
    let mut monitor = HeartbeatMonitor::new(CONFIG, start);
    assert_eq!(monitor.check(start + ms(100)), HeartbeatStatus::Healthy);
    // The monitor is suspended for 30 s and checks before received data is read.
    let back = start + ms(30_000);
    assert_eq!(monitor.check(back), HeartbeatStatus::Healthy);
    // If the domain is hung, it is found after the usual time.
    assert_eq!(
        hung_at(&mut monitor, back, back + ms(5_000)),
        Some(back + ms(800))
    );
}

#[test]
fn a_late_check_gives_no_verdict_before_received_data_is_read() {
    let start = Instant::now();
    let checked_late = || {
        let mut monitor = HeartbeatMonitor::new(CONFIG, start);
        for at in [200, 400, 600] {
            monitor.check(start + ms(at));
        }
        // Due at 800, and suspended for a moment.
        assert_eq!(
            monitor.check(start + ms(900)),
            HeartbeatStatus::Late { missed: 3 }
        );
        assert_eq!(monitor.deadline(start + ms(900)), start + ms(950));
        monitor
    };
    let mut alive = checked_late();
    alive.beat(start + ms(901), None);
    assert_eq!(alive.check(start + ms(950)), HeartbeatStatus::Healthy);
    let mut hung = checked_late();
    let silence = ms(800);
    assert_eq!(
        hung.check(start + ms(950)),
        HeartbeatStatus::Hung { silence }
    );
}

#[test]
fn a_hung_domain_is_found_where_the_monitor_is_starved() {
    let start = Instant::now();
    let mut monitor = HeartbeatMonitor::new(CONFIG, start);
    let mut now = start;
    for _ in 0..100 {
        // Late by two intervals each time.
        now = monitor.deadline(now) + ms(400);
        if let HeartbeatStatus::Hung { .. } = monitor.check(now) {
            assert!(now > start + ms(800 + 3 * 400), "each delay is subtracted");
            return;
        }
    }
    panic!("never found");
}

#[test]
fn a_hung_domain_is_found_where_every_check_is_late() {
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
fn excluded_time_delays_the_verdict() {
    let start = Instant::now();
    let mut monitor = HeartbeatMonitor::new(CONFIG, start);
    let mut now = hung_at(&mut monitor, start, start + ms(5_000)).expect("silent");
    // With two fifths of a CPU, three fifths of the added time are subtracted at each verdict, until
    // too little is left.
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
fn at_most_the_silence_is_excluded() {
    let start = Instant::now();
    let mut monitor = HeartbeatMonitor::new(CONFIG, start);
    monitor.check(start + ms(200));
    monitor.exclude_time(Duration::MAX);
    assert_eq!(monitor.silence(start + ms(300)), ms(100));
}

#[test]
fn a_suspended_monitor_counts_no_silence() {
    let start = Instant::now();
    let mut monitor = HeartbeatMonitor::new(CONFIG, start);
    monitor.suspend();
    assert_eq!(hung_at(&mut monitor, start, start + ms(60_000)), None);
    let resumed = start + ms(60_000);
    monitor.resume(resumed);
    assert_eq!(
        hung_at(&mut monitor, resumed, resumed + ms(5_000)),
        Some(resumed + ms(800))
    );
}

#[test]
fn extreme_settings_do_not_overflow() {
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
    /// With beats at most `misses` intervals apart a domain is never found hung. Once they stop, it
    /// is found after `misses` to `misses + 1` intervals, counted from when a beat was due.
    #[test]
    fn hung_domains_are_found_exactly_at_the_limit(
        interval in 1_u64..10_000,
        misses in 0_u32..6,
        pauses in prop::collection::vec(0.0_f64..1.0, 0..40),
    ) {
        let config = HeartbeatConfig { interval: ms(interval), misses };
        let start = Instant::now();
        let mut monitor = HeartbeatMonitor::new(config, start);
        let mut now = start;
        for pause in pauses {
            // Up to the longest accepted pause.
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
    fn a_deadline_is_within_one_interval(
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
