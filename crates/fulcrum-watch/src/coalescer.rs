//! When to act on changes: the first at once, a burst as few times as can be.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long to wait for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoalescerConfig {
    /// After a time without changes this long, a change is the first of a burst and acted on at
    /// once.
    pub idle: Duration,
    /// Within a burst, an action follows when there was no change for this long.
    pub quiet: Duration,
    /// The longest that a change in a burst waits.
    pub max_delay: Duration,
    /// A first change that doesn't come alone (others come in the same batch, or are about to)
    /// waits this long, to see whether it is a flood.
    pub batch_window: Duration,
    /// More different items than this in a burst are a flood: somebody switches branches, not
    /// saves a file.
    pub bulk_threshold: usize,
    /// Like `quiet`, in a flood: the disk may pause.
    pub bulk_quiet: Duration,
    /// Like `longest`, in a flood.
    pub bulk_max_delay: Duration,
}

impl Default for CoalescerConfig {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            idle: ms(250),
            quiet: ms(75),
            max_delay: ms(500),
            batch_window: ms(15),
            bulk_threshold: 20,
            bulk_quiet: ms(250),
            bulk_max_delay: Duration::from_secs(10),
        }
    }
}

/// Something is to be done for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueAction<K, T> {
    /// For whom.
    pub key: K,
    /// All that has changed for it since its last action, each once.
    pub items: BTreeSet<T>,
}

#[derive(Debug)]
struct Waiting<T> {
    items: BTreeSet<T>,
    since: Instant,
    last: Instant,
    /// The first of a burst is due then, if it doesn't turn out as a flood.
    first: Option<Instant>,
}

/// Decides when to act on the changes of many keys.
///
/// It promises that each change is followed by an action for its key, at most
/// [`longest`](Pace::longest) later ([`flood_longest`](Pace::flood_longest) in a flood); that one
/// which comes alone after a calm is acted on at once; and that a flood, however many keys it
/// concerns, leads to at most two actions for each, if it is shorter than `flood_longest`.
///
/// The burst is that of all keys together: a checkout concerns many of them, and what is the first
/// change for one of them is none to the disk. A key on which nothing has changed for a while is
/// still acted on at once, as long as the burst is no flood.
#[derive(Debug)]
pub struct Coalescer<K, T> {
    pace: CoalescerConfig,
    waiting: BTreeMap<K, Waiting<T>>,
    /// When each key last had a change.
    last: BTreeMap<K, Instant>,
    /// What has changed in the burst that goes on; not more than tells a flood.
    burst: BTreeSet<T>,
    burst_last: Option<Instant>,
}

impl<K: Ord + Clone, T: Ord + Clone> Coalescer<K, T> {
    /// One for which nothing has changed yet.
    #[must_use]
    pub fn new(pace: CoalescerConfig) -> Self {
        Self {
            pace,
            waiting: BTreeMap::new(),
            last: BTreeMap::new(),
            burst: BTreeSet::new(),
            burst_last: None,
        }
    }

    /// Something has changed for a key. `alone`: nothing else has in the same moment, nor is about
    /// to ([`Batch::is_alone`](crate::Batch::is_alone)).
    pub fn changed(&mut self, key: K, item: T, alone: bool, now: Instant) {
        let pace = self.pace;
        let calm = |last: Option<Instant>| last.is_none_or(|last| now >= last + pace.idle);
        let longest = if self.is_flood() {
            pace.bulk_quiet.max(pace.idle)
        } else {
            pace.idle
        };
        if self.burst_last.is_none_or(|last| now >= last + longest) {
            self.burst.clear();
        }
        self.burst_last = Some(now);
        if !self.is_flood() {
            self.burst.insert(item.clone());
        }
        let is_first = calm(self.last.insert(key.clone(), now));
        let first = is_first.then(|| if alone { now } else { now + pace.batch_window });
        let waiting = self.waiting.entry(key).or_insert_with(|| Waiting {
            items: BTreeSet::new(),
            since: now,
            last: now,
            first,
        });
        waiting.items.insert(item);
        waiting.last = now;
    }

    /// What is to be done now. Call it after changes, and at each [`deadline`](Self::deadline).
    pub fn due(&mut self, now: Instant) -> Vec<DueAction<K, T>> {
        let keys: Vec<K> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| self.due_at(waiting) <= now)
            .map(|(key, _)| key.clone())
            .collect();
        keys.into_iter()
            .filter_map(|key| {
                let items = self.waiting.remove(&key)?.items;
                Some(DueAction { key, items })
            })
            .collect()
    }

    /// When something is to be done, if nothing changes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting
            .values()
            .map(|waiting| self.due_at(waiting))
            .min()
    }

    /// Forgets a key that is no longer there, and what waits for it.
    pub fn forget(&mut self, key: &K) {
        self.waiting.remove(key);
        self.last.remove(key);
    }

    fn is_flood(&self) -> bool {
        self.burst.len() > self.pace.bulk_threshold
    }

    fn due_at(&self, waiting: &Waiting<T>) -> Instant {
        let pace = self.pace;
        if self.is_flood() {
            // Quiet on the whole disk, not only for this key.
            let last = self
                .burst_last
                .map_or(waiting.last, |last| last.max(waiting.last));
            return (last + pace.bulk_quiet).min(waiting.since + pace.bulk_max_delay);
        }
        let trailing = (waiting.last + pace.quiet).min(waiting.since + pace.max_delay);
        waiting.first.map_or(trailing, |first| first.min(trailing))
    }
}

#[cfg(test)]
mod tests;
