//! Who reloads itself: a domain that writes into its own folder when it starts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What counts as a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopLimits {
    /// A change this soon after the start of a reload may have been made by what was started, if
    /// nobody says earlier that the start is over ([`LoopGuard::settled`]).
    pub self_write_window: Duration,
    /// How long a suspect's changes are held back, to see whether others follow without a reload.
    pub hold_time: Duration,
    /// So many reloads in a row, each set off by a change that came soon after the one before, are
    /// suspected. The loop is told with one reload more, so after `rounds + 1` at most.
    pub threshold: u32,
}

impl Default for LoopLimits {
    /// 1 s, 1 s, 4 rounds.
    fn default() -> Self {
        Self {
            self_write_window: Duration::from_secs(1),
            hold_time: Duration::from_secs(1),
            threshold: 4,
        }
    }
}

/// What to do about a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoopDecision {
    /// Reload, as always.
    Proceed,
    /// Do nothing yet: it may be a loop. If nothing else happens, the guard says in
    /// [`LoopGuard::due`] that it is time after all, so no save is lost.
    Defer,
    /// It is a loop. Tell it, with the file, once; do nothing.
    LoopDetected {
        /// How many reloads there were.
        reloads: u32,
    },
    /// It is the loop that has been told. Do nothing.
    Suppress,
}

#[derive(Debug)]
enum Phase {
    /// Reloads are counted.
    Counting,
    /// Nothing is reloaded until it is known whether the files change without a reload, too.
    Holding { until: Instant },
    /// One reload more is the proof: a change soon after it closes the circle.
    Verifying,
    /// It is a loop; these files no longer count, if they change soon after a start.
    Looping,
}

#[derive(Debug)]
struct LoopState<T> {
    phase: Phase,
    started: Option<Instant>,
    /// What was started has come as far as it will by itself.
    settled: Option<Instant>,
    /// What has changed soon after each of the reloads that are counted.
    files: BTreeSet<T>,
    /// What has changed soon after the last start.
    since_start: BTreeSet<T>,
    /// What is held back.
    held: BTreeSet<T>,
    threshold: u32,
}

/// Finds keys whose reloads set off the next one.
///
/// Tell it of each change before anything is done about it, of each start of a process and of the
/// end of that start. A person
/// who saves often looks like a loop for a while, so a suspect isn't condemned at once. Its changes
/// are held back: one that comes when the time is over in which its own writing would count came
/// without a reload, so somebody else writes; silence of that length gets one reload more, with what
/// was held back. Is that, too, followed by a change of the same file, it is a loop.
///
/// Who writes into its own folder again and again while it runs, or not before it is ready, looks
/// like somebody else who does, and isn't found.
///
/// A loop ends with a change that isn't its own: of the same file, but not soon after a start.
/// Changes of other files are always acted on.
#[derive(Debug)]
pub struct LoopGuard<K, T> {
    limits: LoopLimits,
    suspects: BTreeMap<K, LoopState<T>>,
}

impl<K: Ord + Clone, T: Ord + Clone> LoopGuard<K, T> {
    /// One that suspects nobody.
    #[must_use]
    pub fn new(limits: LoopLimits) -> Self {
        Self {
            limits,
            suspects: BTreeMap::new(),
        }
    }

    /// A reload for the key begins, whatever has set it off.
    pub fn started(&mut self, key: &K, now: Instant) {
        let limits = self.limits;
        let suspect = self
            .suspects
            .entry(key.clone())
            .or_insert_with(|| LoopState {
                phase: Phase::Counting,
                started: None,
                settled: None,
                files: BTreeSet::new(),
                since_start: BTreeSet::new(),
                held: BTreeSet::new(),
                threshold: 0,
            });
        let again = std::mem::take(&mut suspect.since_start);
        match suspect.phase {
            Phase::Counting => {
                // The same files must come back each time; the first round names them.
                let same: BTreeSet<T> = if suspect.threshold == 0 {
                    again
                } else {
                    suspect.files.intersection(&again).cloned().collect()
                };
                suspect.threshold = if same.is_empty() {
                    0
                } else {
                    suspect.threshold + 1
                };
                suspect.files = same;
            }
            Phase::Holding { .. } | Phase::Verifying | Phase::Looping => {}
        }
        suspect.started = Some(now);
        suspect.settled = None;
        if let Phase::Holding { until } = &mut suspect.phase {
            // Reloaded by other means, meanwhile: the doubt waits for what follows that.
            *until = now + limits.hold_time;
        }
    }

    /// What was started for the key last is ready, or has failed. What changes from now on is
    /// somebody else's doing: a person or a program that waits for the reload and then saves
    /// again must not look like a loop.
    pub fn settled(&mut self, key: &K, now: Instant) {
        if let Some(suspect) = self.suspects.get_mut(key) {
            suspect.settled.get_or_insert(now);
        }
    }

    /// A file of the key's has changed. `now` is when it was written, as far as that is known.
    pub fn changed(&mut self, key: &K, item: &T, now: Instant) -> LoopDecision {
        let limits = self.limits;
        let Some(suspect) = self.suspects.get_mut(key) else {
            return LoopDecision::Proceed;
        };
        let soon = suspect.started.is_some_and(|started| {
            let over = suspect
                .settled
                .unwrap_or(started + limits.self_write_window);
            started <= now && now < over
        });
        if !soon {
            let had = suspect.files.contains(item) || suspect.threshold == 0;
            if had {
                // Somebody else writes it: nothing is suspected any more.
                suspect.clear();
            }
            return LoopDecision::Proceed;
        }
        let is_suspected = suspect.files.contains(item);
        match suspect.phase {
            Phase::Counting => {
                suspect.since_start.insert(item.clone());
                if !is_suspected || suspect.threshold + 1 < limits.threshold.max(1) {
                    return LoopDecision::Proceed;
                }
                suspect.phase = Phase::Holding {
                    until: now + limits.hold_time,
                };
                suspect.held.insert(item.clone());
                LoopDecision::Defer
            }
            Phase::Holding { .. } if is_suspected => {
                suspect.phase = Phase::Holding {
                    until: now + limits.hold_time,
                };
                suspect.held.insert(item.clone());
                LoopDecision::Defer
            }
            Phase::Verifying if is_suspected => {
                suspect.phase = Phase::Looping;
                LoopDecision::LoopDetected {
                    reloads: suspect.threshold + 2,
                }
            }
            Phase::Looping if is_suspected => LoopDecision::Suppress,
            Phase::Holding { .. } | Phase::Verifying | Phase::Looping => LoopDecision::Proceed,
        }
    }

    /// What was held back and is to be acted on now: the reload that is the proof.
    pub fn due(&mut self, now: Instant) -> Vec<(K, BTreeSet<T>)> {
        let mut due = Vec::new();
        for (key, suspect) in &mut self.suspects {
            if matches!(suspect.phase, Phase::Holding { until } if until <= now) {
                suspect.phase = Phase::Verifying;
                due.push((key.clone(), std::mem::take(&mut suspect.held)));
            }
        }
        due
    }

    /// When [`due`](Self::due) has something, if nothing changes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.suspects
            .values()
            .filter_map(|suspect| match suspect.phase {
                Phase::Holding { until } => Some(until),
                Phase::Counting | Phase::Verifying | Phase::Looping => None,
            })
            .min()
    }

    /// Is the key known to reload itself?
    #[must_use]
    pub fn is_looping(&self, key: &K) -> bool {
        self.suspects
            .get(key)
            .is_some_and(|suspect| matches!(suspect.phase, Phase::Looping))
    }

    /// Forgets a key that is no longer there.
    pub fn forget(&mut self, key: &K) {
        self.suspects.remove(key);
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
