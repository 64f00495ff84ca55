//! Reload loops: a program that writes a watched file whenever it starts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use late_writes::{LateWrites, Moment};

mod decision;
mod late_writes;

pub use decision::LoopDecision;

/// When reloads are a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopLimits {
    /// A change within this time after the start of a reload may come from the started process,
    /// unless [`LoopGuard::settled`] ends the start earlier.
    pub self_write_window: Duration,
    /// How long changes are held back, to find out whether others follow without a reload.
    pub hold_time: Duration,
    /// The number of consecutive reloads, each caused by a change shortly after the previous one,
    /// after which changes are held back. A loop is reported after at most `threshold + 1` reloads.
    pub threshold: u32,
    /// The number of reloads because of a file that the domain itself is known to have written, after
    /// which it is reported.
    pub own_writes: u32,
    /// The number of consecutive reloads at the same moment after the start, because of a file whose
    /// writer is unknown, after which the next reload is made later, which proves a loop. It is
    /// reported after at most `late_writes + 1` reloads.
    pub late_writes: u32,
}

impl Default for LoopLimits {
    /// 1 s, 1 s, 4 reloads, 3 reloads, 4 reloads.
    fn default() -> Self {
        Self {
            self_write_window: Duration::from_secs(1),
            hold_time: Duration::from_secs(1),
            threshold: 4,
            own_writes: 3,
            late_writes: 4,
        }
    }
}

#[derive(Debug)]
enum Phase {
    /// Reloads are counted.
    Counting,
    /// Changes are held back until it is known whether the files also change without a reload.
    Holding { until: Instant },
    /// One more reload is made: a change shortly after it proves the loop.
    Verifying,
    /// A loop: changes of its files shortly after a start are suppressed.
    Looping,
}

#[derive(Debug)]
struct LoopState<T> {
    phase: Phase,
    started: Option<Instant>,
    /// When the started process was ready or had failed.
    settled: Option<Instant>,
    /// The files that changed shortly after each of the counted reloads.
    files: BTreeSet<T>,
    /// The files that changed shortly after the last start.
    since_start: BTreeSet<T>,
    /// The files whose changes are held back.
    held: BTreeSet<T>,
    threshold: u32,
    /// The number of starts.
    starts: u64,
    /// The files that the domain itself is known to have written.
    own: BTreeMap<T, OwnWrites>,
    /// The files that change after the start, by an unknown writer.
    late: LateWrites<T>,
}

/// The writes of one file by the domain itself.
#[derive(Debug, Default)]
struct OwnWrites {
    /// The last start after which it was written.
    start: u64,
    /// The number of starts after which it was written.
    count: u32,
}

/// Detects keys whose reloads cause the next reload.
///
/// The caller reports each change before acting on it, each start of a process, and the end of that
/// start. Frequent saves look like a loop for a while, so changes are held back first:
/// - A further change after the time in which the process may write came without a reload, so it has
///   another cause.
/// - Otherwise one more reload is made, with the changes that were held back. If a change of the
///   same file follows it, it is a loop.
///
/// A process that writes a watched file only after it is ready, or repeatedly while it runs, is
/// detected if it is known to be the writer, see [`LoopGuard::written_by_itself`], and otherwise, if
/// it cannot be known, by the moment at which it writes, see [`LoopGuard::changed_by_unknown`].
///
/// A loop ends with a change of its file that does not follow a start. Changes of other files are
/// never suppressed.
#[derive(Debug)]
pub struct LoopGuard<K, T> {
    limits: LoopLimits,
    states: BTreeMap<K, LoopState<T>>,
}

impl<K: Ord + Clone, T: Ord + Clone> LoopGuard<K, T> {
    /// A guard that knows no key.
    #[must_use]
    pub fn new(limits: LoopLimits) -> Self {
        Self {
            limits,
            states: BTreeMap::new(),
        }
    }

    /// Records the start of a reload of the key, whatever its cause.
    pub fn started(&mut self, key: &K, now: Instant) {
        let limits = self.limits;
        let state = self.states.entry(key.clone()).or_insert_with(|| LoopState {
            phase: Phase::Counting,
            started: None,
            settled: None,
            files: BTreeSet::new(),
            since_start: BTreeSet::new(),
            held: BTreeSet::new(),
            threshold: 0,
            starts: 0,
            own: BTreeMap::new(),
            late: LateWrites::default(),
        });
        state.starts += 1;
        state.late.started(state.starts, state.settled, now);
        let changed = std::mem::take(&mut state.since_start);
        match state.phase {
            Phase::Counting => {
                // The same files must change each time; the first reload determines them.
                let same: BTreeSet<T> = if state.threshold == 0 {
                    changed
                } else {
                    state.files.intersection(&changed).cloned().collect()
                };
                state.threshold = if same.is_empty() {
                    0
                } else {
                    state.threshold + 1
                };
                state.files = same;
            }
            Phase::Holding { .. } | Phase::Verifying | Phase::Looping => {}
        }
        state.started = Some(now);
        state.settled = None;
        if let Phase::Holding { until } = &mut state.phase {
            // Reloaded for another reason meanwhile: what follows that reload decides.
            *until = now + limits.hold_time;
        }
    }

    /// Records that the process that was started last is ready or has failed. Later changes have
    /// another cause, such as a program that waits for the reload and then saves again.
    pub fn settled(&mut self, key: &K, now: Instant) {
        if let Some(state) = self.states.get_mut(key) {
            state.settled.get_or_insert(now);
        }
    }

    /// Records a change of a file of the key. `now` is the time of the write, as far as it is
    /// known.
    pub fn changed(&mut self, key: &K, item: &T, now: Instant) -> LoopDecision {
        let limits = self.limits;
        let Some(state) = self.states.get_mut(key) else {
            return LoopDecision::Proceed;
        };
        state.own.remove(item);
        let is_self_write = state.started.is_some_and(|started| {
            let end = state.settled.unwrap_or(started + limits.self_write_window);
            started <= now && now < end
        });
        if !is_self_write {
            let was_expected = state.files.contains(item) || state.threshold == 0;
            if was_expected {
                // The file has another writer, so this is no loop.
                state.clear();
            }
            return LoopDecision::Proceed;
        }
        let is_suspected = state.files.contains(item);
        match state.phase {
            Phase::Counting => {
                state.since_start.insert(item.clone());
                if !is_suspected || state.threshold + 1 < limits.threshold.max(1) {
                    return LoopDecision::Proceed;
                }
                state.phase = Phase::Holding {
                    until: now + limits.hold_time,
                };
                state.held.insert(item.clone());
                LoopDecision::Defer
            }
            Phase::Holding { .. } if is_suspected => {
                state.phase = Phase::Holding {
                    until: now + limits.hold_time,
                };
                state.held.insert(item.clone());
                LoopDecision::Defer
            }
            Phase::Verifying if is_suspected => {
                state.phase = Phase::Looping;
                LoopDecision::LoopDetected {
                    reloads: state.threshold + 2,
                }
            }
            Phase::Looping if is_suspected => LoopDecision::Suppress,
            Phase::Holding { .. } | Phase::Verifying | Phase::Looping => LoopDecision::Proceed,
        }
    }

    /// Records a change of a file of a program whose own writes are not known, as
    /// [`changed`](Self::changed) does. A file that changes at the same moment of each generation is
    /// a loop too, however late that moment is.
    pub fn changed_by_unknown(&mut self, key: &K, item: &T, now: Instant) -> LoopDecision {
        let decision = self.changed(key, item, now);
        let repeats = self.limits.late_writes;
        let Some(state) = self.states.get_mut(key) else {
            return decision;
        };
        let ready = state.started.zip(state.settled);
        let moment = ready.and_then(|(started, ready)| {
            Some(Moment {
                since_start: now.checked_duration_since(started)?,
                since_ready: now.checked_duration_since(ready)?,
            })
        });
        match (decision, moment) {
            (LoopDecision::Proceed, Some(moment)) => {
                state.late.changed(item, state.starts, moment, now, repeats)
            }
            (decision, Some(_)) => decision,
            (decision, None) => {
                state.late.changed_early(item, state.starts);
                decision
            }
        }
    }

    /// Records a change that the domain itself is known to have made, at whatever time. After some starts
    /// it is a loop, until somebody else changes the file.
    pub fn written_by_itself(&mut self, key: &K, item: &T) -> LoopDecision {
        let limit = self.limits.own_writes;
        let Some(state) = self.states.get_mut(key) else {
            return LoopDecision::Proceed;
        };
        let own = state.own.entry(item.clone()).or_default();
        if own.count > limit {
            return LoopDecision::Suppress;
        }
        if own.start != state.starts {
            own.start = state.starts;
            own.count += 1;
        }
        match own.count > limit {
            true => LoopDecision::LoopDetected { reloads: limit },
            false => LoopDecision::Proceed,
        }
    }

    /// The changes that were held back and are due now: the reload that proves or disproves a loop.
    pub fn due(&mut self, now: Instant) -> Vec<(K, BTreeSet<T>)> {
        let mut due = Vec::new();
        for (key, state) in &mut self.states {
            if matches!(state.phase, Phase::Holding { until } if until <= now) {
                state.phase = Phase::Verifying;
                due.push((key.clone(), std::mem::take(&mut state.held)));
            }
            let mut late = BTreeSet::new();
            state.late.take_due(now, &mut late);
            if !late.is_empty() {
                due.push((key.clone(), late));
            }
        }
        due
    }

    /// When [`due`](Self::due) returns something, if nothing changes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.states
            .values()
            .flat_map(|state| {
                let held = match state.phase {
                    Phase::Holding { until } => Some(until),
                    Phase::Counting | Phase::Verifying | Phase::Looping => None,
                };
                held.into_iter().chain(state.late.deadline())
            })
            .min()
    }

    /// Whether a loop of the key was detected.
    #[must_use]
    pub fn is_looping(&self, key: &K) -> bool {
        self.states
            .get(key)
            .is_some_and(|state| matches!(state.phase, Phase::Looping))
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &K) {
        self.states.remove(key);
    }
}

impl<T: Ord> LoopState<T> {
    fn clear(&mut self) {
        self.phase = Phase::Counting;
        self.files.clear();
        self.since_start.clear();
        self.held.clear();
        self.threshold = 0;
    }
}

#[cfg(test)]
mod tests;
