//! Files that change at the same moment of each generation: their writer is the program itself.
//!
//! Who writes a file cannot be asked of the kernel. A program that writes a file some time after it
//! is ready, and is reloaded for that, does so again at the same moment of the next generation. A
//! person does not; a program that saves at intervals may, as each interval begins with the reload
//! that its own save has caused. So, once the moments have agreed several times, one reload is made
//! later than usual: only a writer that starts with the domain moves along.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::decision::LoopDecision;

/// How far apart two moments may be that are the same. A longer wait is less exact.
const TOLERANCE: Duration = Duration::from_millis(100);
const TOLERANCE_SHARE: u32 = 40;

/// Earlier changes say nothing about their writer: a script that saves as soon as it sees the last
/// reload does so at the same moment of each generation too.
const EARLIEST: Duration = Duration::from_secs(1);

/// The share of the time since the start by which the proving reload is delayed, in percent: no
/// interval begins again after it.
const SHIFT_PERCENT: u32 = 43;

/// A save is held back no longer than this.
const MAX_SHIFT: Duration = Duration::from_secs(2);

/// Writes that follow each other so quickly are one. After such a silence of a file that was written
/// again and again, its last content is loaded once, in case somebody else has written it.
const BURST: Duration = Duration::from_secs(1);

/// A moment of a generation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) since_start: Duration,
    pub(super) since_ready: Duration,
}

impl Moment {
    /// Whether both are the same moment: since the start, or since the domain was ready, whichever
    /// the program counts from.
    fn agrees_with(&self, other: &Self) -> bool {
        is_same(self.since_start, other.since_start) || is_same(self.since_ready, other.since_ready)
    }
}

fn is_same(a: Duration, b: Duration) -> bool {
    a.abs_diff(b) <= tolerance(a.max(b))
}

fn tolerance(time: Duration) -> Duration {
    TOLERANCE + time / TOLERANCE_SHARE
}

/// The files of one program that changed after it was ready.
#[derive(Debug)]
pub(super) struct LateWrites<T>(BTreeMap<T, LateFile>);

impl<T> Default for LateWrites<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

#[derive(Debug, Default)]
struct LateFile {
    /// The generations that were reloaded for this file, one after the other at the same moment.
    chain: Chain,
    /// The moments at which its changes are ignored.
    ignored: Vec<IgnoredMoment>,
    /// The time between two of these moments.
    interval: Option<Duration>,
}

#[derive(Debug, Default)]
struct Chain {
    phase: ChainPhase,
    /// The last start after which the file changed; from 1.
    start: u64,
    /// The moment of the last change.
    moment: Option<Moment>,
    count: u32,
}

#[derive(Debug, Default, Clone, Copy)]
enum ChainPhase {
    #[default]
    Counting,
    /// The proving reload waits until this time.
    Holding { until: Instant },
    /// The next change at the same moment proves the loop.
    Verifying,
}

#[derive(Debug)]
struct IgnoredMoment {
    moment: Moment,
    /// The last start after which the file changed at this moment.
    start: u64,
    last: Instant,
    /// When the file's last content is loaded, if it does not change before.
    reload_at: Option<Instant>,
    /// It is loaded so only once: a program may well write for a while after each start.
    was_reloaded: bool,
}

impl<T: Ord + Clone> LateWrites<T> {
    /// Records a change after the program was ready. `start` is the number of the start.
    pub(super) fn changed(
        &mut self,
        item: &T,
        start: u64,
        moment: Moment,
        now: Instant,
        repeats: u32,
    ) -> LoopDecision {
        let file = self.0.entry(item.clone()).or_default();
        if file.is_ignored(start, &moment, now) {
            return LoopDecision::Suppress;
        }
        if moment.since_ready < EARLIEST {
            file.chain = Chain::default();
            return LoopDecision::Proceed;
        }
        let chain = &mut file.chain;
        if chain.start == start {
            return match chain.phase {
                ChainPhase::Holding { .. } => LoopDecision::Defer,
                // It is reloaded already.
                ChainPhase::Counting | ChainPhase::Verifying => LoopDecision::Proceed,
            };
        }
        let is_next = chain.start + 1 == start;
        let agrees = chain
            .moment
            .is_some_and(|before| before.agrees_with(&moment));
        if !is_next || !agrees {
            *chain = Chain::default();
        }
        chain.start = start;
        chain.moment = Some(moment);
        chain.count += 1;
        match chain.phase {
            ChainPhase::Verifying => {
                let reloads = chain.count;
                file.chain = Chain::default();
                file.ignore(start, moment, now);
                LoopDecision::LoopDetected { reloads }
            }
            ChainPhase::Counting if chain.count >= repeats => {
                let shift = moment.since_start * SHIFT_PERCENT / 100;
                let shift = shift.max(2 * TOLERANCE).min(MAX_SHIFT);
                chain.phase = ChainPhase::Holding { until: now + shift };
                LoopDecision::Defer
            }
            ChainPhase::Counting | ChainPhase::Holding { .. } => LoopDecision::Proceed,
        }
    }

    /// Records a change before the program was ready: then its moment says nothing.
    pub(super) fn changed_early(&mut self, item: &T, start: u64) {
        if let Some(file) = self.0.get_mut(item) {
            file.chain = Chain {
                start,
                ..Chain::default()
            };
        }
    }

    /// Records a start, whatever its cause. `start` is its number, `ready` when the generation
    /// before was ready.
    pub(super) fn started(&mut self, start: u64, ready: Option<Instant>, now: Instant) {
        let ran = ready.map(|ready| now.saturating_duration_since(ready));
        self.0.retain(|_, file| {
            if let ChainPhase::Holding { .. } = file.chain.phase {
                // The file is loaded with this start.
                file.chain.phase = ChainPhase::Verifying;
            }
            // A moment that passed without a change: the program no longer writes the file.
            file.ignored.retain(|ignored| {
                let expected = ignored.moment.since_ready;
                let is_over = ran.is_some_and(|ran| ran > expected + 2 * tolerance(expected));
                ignored.start + 1 >= start || !is_over
            });
            !file.ignored.is_empty() || file.chain.start + 1 >= start
        });
    }

    /// Moves the files that are to be loaded now to `due`.
    pub(super) fn take_due(&mut self, now: Instant, due: &mut impl Extend<T>) {
        for (item, file) in &mut self.0 {
            let mut is_due = false;
            if matches!(file.chain.phase, ChainPhase::Holding { until } if until <= now) {
                file.chain.phase = ChainPhase::Verifying;
                is_due = true;
            }
            for ignored in &mut file.ignored {
                if ignored.reload_at.is_some_and(|at| at <= now) {
                    ignored.reload_at = None;
                    ignored.was_reloaded = true;
                    is_due = true;
                }
            }
            if is_due {
                due.extend([item.clone()]);
            }
        }
    }

    /// When [`take_due`](Self::take_due) returns something, if nothing changes before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let files = self.0.values();
        let times = files.flat_map(|file| {
            let held = match file.chain.phase {
                ChainPhase::Holding { until } => Some(until),
                ChainPhase::Counting | ChainPhase::Verifying => None,
            };
            let reloads = file.ignored.iter().filter_map(|ignored| ignored.reload_at);
            held.into_iter().chain(reloads)
        });
        times.min()
    }
}

impl LateFile {
    fn ignore(&mut self, start: u64, moment: Moment, now: Instant) {
        let before = self.ignored.iter().rfind(|other| other.start == start);
        self.interval = before.map(|before| now.saturating_duration_since(before.last));
        let mut ignored = IgnoredMoment {
            moment,
            start,
            last: now,
            reload_at: None,
            was_reloaded: false,
        };
        ignored.load_after_silence(Duration::ZERO, now);
        self.ignored.push(ignored);
    }

    /// Whether this is a change at an ignored moment, or one of the writes that follow it.
    fn is_ignored(&mut self, start: u64, moment: &Moment, now: Instant) -> bool {
        let interval = self.interval;
        let mut ignored = self.ignored.iter_mut();
        let Some(ignored) = ignored.find(|ignored| {
            let gap = now.saturating_duration_since(ignored.last);
            let first = ignored.moment;
            let periods = [Some(first.since_start), Some(first.since_ready), interval];
            let is_next = gap <= BURST || periods.into_iter().flatten().any(|it| is_same(gap, it));
            (ignored.start == start && is_next) || ignored.moment.agrees_with(moment)
        }) else {
            return false;
        };
        let is_repeated = ignored.start == start;
        let gap = now.saturating_duration_since(ignored.last);
        ignored.load_after_silence(if is_repeated { gap } else { Duration::ZERO }, now);
        ignored.start = start;
        ignored.last = now;
        true
    }
}

impl IgnoredMoment {
    /// Has the last content loaded once the file is silent, where its writer is in doubt: it changes
    /// again and again, with this gap, or soon after each start.
    fn load_after_silence(&mut self, gap: Duration, now: Instant) {
        let in_doubt = gap > Duration::ZERO || self.moment.since_ready < BURST;
        self.reload_at = (in_doubt && !self.was_reloaded).then(|| now + BURST.max(3 * gap));
    }
}

#[cfg(test)]
mod tests;
