//! Programs whose writes nobody reports, and savers of files, each with a simulated clock.
#![expect(
    clippy::disallowed_methods,
    reason = "an arbitrary start of the test's clock"
)]

use super::super::{LoopGuard, LoopLimits};
use super::*;

const KEY: &str = "users";
const STORE: &str = "store.json";

/// From a change to the start that it causes.
const RELOAD: Duration = Duration::from_millis(150);
/// From a start to its end.
const BOOT: Duration = Duration::from_millis(80);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A domain that is reloaded as the guard decides.
struct Simulation {
    guard: LoopGuard<&'static str, &'static str>,
    now: Instant,
    started: Instant,
    reload_at: Option<Instant>,
    reloads: u32,
    found: Vec<u32>,
    /// Pseudo-random, for times that differ a little.
    random: u64,
}

impl Simulation {
    fn new() -> Self {
        let now = Instant::now();
        let mut simulation = Self {
            guard: LoopGuard::new(LoopLimits::default()),
            now,
            started: now,
            reload_at: None,
            reloads: 0,
            found: Vec::new(),
            random: 1,
        };
        simulation.start(now);
        simulation
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.random >> 33) % below
    }

    fn start(&mut self, at: Instant) {
        self.guard.started(&KEY, at);
        self.guard.settled(&KEY, at + BOOT);
        self.started = at;
    }

    /// Lets time pass. True if the domain was reloaded, at the last.
    fn advance_to(&mut self, until: Instant) -> bool {
        loop {
            let due = self.guard.deadline();
            let next = due.into_iter().chain(self.reload_at).min();
            let Some(at) = next.filter(|at| *at <= until) else {
                self.now = until;
                return false;
            };
            self.now = self.now.max(at);
            if !self.guard.due(at).is_empty() {
                self.reload_at.get_or_insert(at + RELOAD);
            }
            if self.reload_at.is_some_and(|reload| reload <= at) {
                self.reload_at = None;
                self.reloads += 1;
                self.start(at);
                return true;
            }
        }
    }

    fn save(&mut self) -> LoopDecision {
        let decision = self.guard.changed_by_unknown(&KEY, &STORE, self.now);
        match decision {
            LoopDecision::Proceed => {
                let at = self.now + RELOAD;
                self.reload_at.get_or_insert(at);
            }
            LoopDecision::LoopDetected { reloads } => self.found.push(reloads),
            LoopDecision::Defer | LoopDecision::Suppress => {}
        }
        decision
    }

    /// A program that writes the file at these times after each start, again and again if there is
    /// an interval, give or take `jitter`.
    fn run_writer(&mut self, after: &[u64], interval: Option<u64>, jitter: u64, until: Duration) {
        let end = self.now + until;
        'generation: while self.now < end {
            let mut times: Vec<u64> = after.to_vec();
            if let (Some(interval), Some(last)) = (interval, after.last()) {
                times.extend((1..10_000).map(|n| last + n * interval));
            }
            let started = self.started;
            for time in times {
                let at = started + BOOT + ms(time + self.random(jitter + 1));
                if at > end {
                    break;
                }
                if self.advance_to(at) {
                    continue 'generation;
                }
                self.save();
            }
            if !self.advance_to(end) {
                return;
            }
        }
    }

    /// Another program that saves the file at intervals. Whether its last save was loaded.
    fn run_saver(&mut self, interval: u64, times: u64) -> bool {
        let begin = self.now;
        for n in 1..=times {
            while self.advance_to(begin + ms(n * interval)) {}
            self.save();
        }
        let last = self.now;
        while self.advance_to(last + ms(60_000)) {}
        self.started >= last
    }
}

#[test]
fn a_file_that_is_written_at_the_same_late_moment_of_each_generation_is_a_loop() {
    for delay in [1_500, 3_000, 20_000, 90_000] {
        let mut run = Simulation::new();
        run.run_writer(&[delay], None, 30 + delay / 100, ms(20 * (delay + 3_000)));
        assert_eq!(run.found, [5], "after {delay} ms");
        assert_eq!(run.reloads, 4, "after {delay} ms");
    }
}

#[test]
fn saves_soon_after_each_reload_are_no_loop() {
    for delay in [5, 20, 300, 900] {
        let mut run = Simulation::new();
        run.run_writer(&[delay], None, 50, ms(100_000));
        assert_eq!(run.found, [0_u32; 0], "after {delay} ms");
    }
}

#[test]
fn a_file_that_is_written_again_and_again_is_a_loop() {
    for (delay, interval, expected) in [
        (1_500, 300, 1),
        (20_000, 20_000, 1),
        // Writes at another interval are another loop.
        (2_000, 45_000, 2),
        (20_000, 5_000, 2),
    ] {
        let mut run = Simulation::new();
        run.run_writer(&[delay], Some(interval), 20, ms(60 * (delay + interval)));
        assert_eq!(run.found.len(), expected, "{delay}, {interval}");
        assert!(
            run.reloads <= 5 * expected as u32,
            "{delay}, {interval}: {}",
            run.reloads
        );
    }
}

#[test]
fn a_loop_does_not_hide_other_saves() {
    let mut run = Simulation::new();
    run.run_writer(&[20_000], None, 100, ms(600_000));
    assert_eq!((run.found.len(), run.reloads), (1, 4));
    // Somebody edits the file, and the domain writes it again afterwards.
    run.advance_to(run.now + ms(7_000));
    assert_eq!(run.save(), LoopDecision::Proceed);
    run.run_writer(&[20_000], None, 100, ms(600_000));
    assert_eq!((run.found.len(), run.reloads), (1, 5));
    // The domain no longer writes it.
    run.save();
    run.run_writer(&[], None, 0, ms(100_000));
    run.save();
    run.run_writer(&[], None, 0, ms(20_000));
    assert_eq!(run.save(), LoopDecision::Proceed);
}

#[test]
fn saves_at_intervals_are_no_loop() {
    for interval in [
        350, 400, 500, 700, 1_000, 1_310, 2_000, 5_000, 10_000, 30_000,
    ] {
        let mut run = Simulation::new();
        let is_loaded = run.run_saver(interval, 60);
        assert_eq!(run.found, [0_u32; 0], "every {interval} ms");
        assert!(is_loaded, "every {interval} ms");
    }
}

#[test]
fn the_last_of_many_quick_saves_is_loaded() {
    for interval in [10, 20, 50, 70, 100, 150, 200, 250, 300] {
        for times in [5, 40, 111] {
            let mut run = Simulation::new();
            assert!(
                run.run_saver(interval, times),
                "{times} times every {interval} ms"
            );
        }
    }
}

#[test]
fn saves_of_a_person_are_no_loop() {
    let mut run = Simulation::new();
    for _ in 0..2_000 {
        let pause = 1_000 + run.random(20_000);
        let at = run.now + ms(pause);
        while run.advance_to(at) {}
        run.save();
    }
    assert_eq!(run.found, [0_u32; 0]);
}
