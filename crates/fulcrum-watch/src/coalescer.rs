//! When to act on changes: on the first at once, on a burst as rarely as possible.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long to wait for further changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoalescerConfig {
    /// A change after this time without changes is the first of a burst and due at once.
    pub idle: Duration,
    /// Within a burst, an action is due after this time without changes.
    pub quiet: Duration,
    /// The longest wait of a change within a burst.
    pub max_delay: Duration,
    /// The wait of a first change that is not single (others are in the same batch, or pending), to
    /// find out whether it begins a bulk change.
    pub batch_window: Duration,
    /// A burst of more different items than this is a bulk change, such as a checkout of another
    /// branch.
    pub bulk_threshold: usize,
    /// Like `quiet`, for a bulk change, in which the disk may pause.
    pub bulk_quiet: Duration,
    /// Like `max_delay`, for a bulk change.
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

/// An action that is due for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueAction<K, T> {
    /// The key.
    pub key: K,
    /// What has changed for the key since its last action.
    pub items: BTreeSet<T>,
}

#[derive(Debug)]
struct Pending<T> {
    items: BTreeSet<T>,
    since: Instant,
    last: Instant,
    /// When the first change of a burst is due, unless the burst becomes a bulk change.
    first: Option<Instant>,
}

/// Decides when to act on the changes of many keys.
///
/// Guarantees:
/// - Each change is followed by an action for its key within
///   [`max_delay`](CoalescerConfig::max_delay), or within
///   [`bulk_max_delay`](CoalescerConfig::bulk_max_delay) for a bulk change.
/// - A single change after an idle time is due at once.
/// - A bulk change that takes less than `bulk_max_delay` leads to at most two actions for each key.
///
/// A burst comprises the changes of all keys, since a checkout concerns many of them. While it is no
/// bulk change, the first change of an idle key is still due at once.
#[derive(Debug)]
pub struct Coalescer<K, T> {
    config: CoalescerConfig,
    pending: BTreeMap<K, Pending<T>>,
    /// The time of each key's last change.
    last: BTreeMap<K, Instant>,
    /// The items of the current burst; no more are stored than identify a bulk change.
    burst: BTreeSet<T>,
    burst_last: Option<Instant>,
}

impl<K: Ord + Clone, T: Ord + Clone> Coalescer<K, T> {
    /// A coalescer without changes.
    #[must_use]
    pub fn new(config: CoalescerConfig) -> Self {
        Self {
            config,
            pending: BTreeMap::new(),
            last: BTreeMap::new(),
            burst: BTreeSet::new(),
            burst_last: None,
        }
    }

    /// Records a change of a key. `single`: no other change happened at the same time, and none is
    /// pending ([`Batch::is_single`](crate::Batch::is_single)).
    pub fn changed(&mut self, key: K, item: T, single: bool, now: Instant) {
        let config = self.config;
        let is_idle = |last: Option<Instant>| last.is_none_or(|last| now >= last + config.idle);
        let longest = if self.is_bulk() {
            config.bulk_quiet.max(config.idle)
        } else {
            config.idle
        };
        if self.burst_last.is_none_or(|last| now >= last + longest) {
            self.burst.clear();
        }
        self.burst_last = Some(now);
        if !self.is_bulk() {
            self.burst.insert(item.clone());
        }
        let is_first = is_idle(self.last.insert(key.clone(), now));
        let first = is_first.then(|| {
            if single {
                now
            } else {
                now + config.batch_window
            }
        });
        let pending = self.pending.entry(key).or_insert_with(|| Pending {
            items: BTreeSet::new(),
            since: now,
            last: now,
            first,
        });
        pending.items.insert(item);
        pending.last = now;
    }

    /// The actions that are due. To be called after changes, and at each
    /// [`deadline`](Self::deadline).
    pub fn due(&mut self, now: Instant) -> Vec<DueAction<K, T>> {
        let keys: Vec<K> = self
            .pending
            .iter()
            .filter(|(_, pending)| self.due_at(pending) <= now)
            .map(|(key, _)| key.clone())
            .collect();
        keys.into_iter()
            .filter_map(|key| {
                let items = self.pending.remove(&key)?.items;
                Some(DueAction { key, items })
            })
            .collect()
    }

    /// When the next action is due, if nothing changes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.pending
            .values()
            .map(|pending| self.due_at(pending))
            .min()
    }

    /// Removes a key and its pending changes.
    pub fn remove(&mut self, key: &K) {
        self.pending.remove(key);
        self.last.remove(key);
    }

    fn is_bulk(&self) -> bool {
        self.burst.len() > self.config.bulk_threshold
    }

    fn due_at(&self, pending: &Pending<T>) -> Instant {
        let config = self.config;
        if self.is_bulk() {
            // A bulk change is quiet when all keys are.
            let last = self
                .burst_last
                .map_or(pending.last, |last| last.max(pending.last));
            return (last + config.bulk_quiet).min(pending.since + config.bulk_max_delay);
        }
        let trailing = (pending.last + config.quiet).min(pending.since + config.max_delay);
        pending.first.map_or(trailing, |first| first.min(trailing))
    }
}

#[cfg(test)]
mod tests;
