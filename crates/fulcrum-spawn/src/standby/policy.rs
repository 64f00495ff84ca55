//! Which domains have a standby process, and which one is ended: decisions without side effects.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The standby processes by domain. `S` is one that was started.
#[derive(Debug)]
pub(crate) struct PoolPolicy<S> {
    /// The maximum number, including those that are being started.
    capacity: usize,
    slots: BTreeMap<String, PoolSlot<S>>,
    /// The id of the latest slot: distinguishes standby processes of one domain.
    count: u64,
}

#[derive(Debug)]
struct PoolSlot<S> {
    id: u64,
    /// When it was last requested: the least recently requested one is evicted first.
    requested_at: Instant,
    state: SlotState<S>,
}

#[derive(Debug)]
enum SlotState<S> {
    /// To be started then: not at once, since the domain itself has just started and needs the cores.
    Scheduled(Instant),
    Starting,
    Ready(S),
}

/// What is due now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PoolWork<S> {
    /// Start one for these domains, and pass it to [`PoolPolicy::insert`] with this id.
    pub(crate) start: Vec<(String, u64)>,
    /// End these: not requested within [`PoolPolicy::IDLE_TIMEOUT`].
    pub(crate) end: Vec<S>,
}

impl<S> PoolPolicy<S> {
    /// The delay between the request and the start of the standby process.
    pub(crate) const START_DELAY: Duration = Duration::from_millis(150);
    /// How long a standby process is retained without a further request.
    pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(300);

    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            slots: BTreeMap::new(),
            count: 0,
        }
    }

    /// Requests one for a domain that was edited or has crashed. Returns the one that is evicted.
    pub(crate) fn prepare(&mut self, domain: &str, now: Instant) -> Option<S> {
        if let Some(slot) = self.slots.get_mut(domain) {
            slot.requested_at = now;
            return None;
        }
        let mut evicted = None;
        if self.slots.len() >= self.capacity {
            let oldest = self.slots.iter().min_by_key(|(_, slot)| slot.requested_at);
            let oldest = oldest.map(|(name, _)| name.clone())?;
            evicted = self.take(&oldest);
        }
        self.count += 1;
        let slot = PoolSlot {
            id: self.count,
            requested_at: now,
            state: SlotState::Scheduled(now + Self::START_DELAY),
        };
        self.slots.insert(domain.to_owned(), slot);
        evicted
    }

    /// When [`PoolPolicy::work`] has to be called next.
    pub(crate) fn due(&self) -> Option<Instant> {
        let dues = self.slots.values().map(|slot| match slot.state {
            SlotState::Scheduled(at) => at,
            SlotState::Starting | SlotState::Ready(_) => slot.requested_at + Self::IDLE_TIMEOUT,
        });
        dues.min()
    }

    /// What is due now; it counts as done afterwards.
    pub(crate) fn work(&mut self, now: Instant) -> PoolWork<S> {
        let mut work = PoolWork {
            start: Vec::new(),
            end: Vec::new(),
        };
        let idle = |slot: &PoolSlot<S>| slot.requested_at + Self::IDLE_TIMEOUT <= now;
        let expired: Vec<String> = self
            .slots
            .iter()
            .filter(|(_, slot)| idle(slot))
            .map(|(name, _)| name.clone())
            .collect();
        for name in expired {
            work.end.extend(self.take(&name));
        }
        for (name, slot) in &mut self.slots {
            if matches!(slot.state, SlotState::Scheduled(at) if at <= now) {
                slot.state = SlotState::Starting;
                work.start.push((name.clone(), slot.id));
            }
        }
        work
    }

    /// One was started, or could not be. Returns it if it is no longer requested.
    pub(crate) fn insert(&mut self, domain: &str, id: u64, started: Option<S>) -> Option<S> {
        let slot = self.slots.get_mut(domain).filter(|slot| slot.id == id);
        match (slot, started) {
            (Some(slot), Some(standby)) => {
                slot.state = SlotState::Ready(standby);
                None
            }
            (Some(_), None) => self.take(domain),
            (None, started) => started,
        }
    }

    /// One has exited by itself. Removes and returns it.
    pub(crate) fn on_exit(&mut self, domain: &str, id: u64) -> Option<S> {
        let current = self.slots.get(domain).is_some_and(|slot| slot.id == id);
        current.then(|| self.take(domain)).flatten()
    }

    /// The domain starts: removes and returns its standby process, if that is ready. One that is being
    /// started is given up.
    pub(crate) fn take(&mut self, domain: &str) -> Option<S> {
        match self.slots.remove(domain)?.state {
            SlotState::Ready(standby) => Some(standby),
            SlotState::Scheduled(_) | SlotState::Starting => None,
        }
    }

    /// Removes and returns all. From now on there are none.
    pub(crate) fn close(&mut self) -> Vec<S> {
        self.capacity = 0;
        let slots = std::mem::take(&mut self.slots).into_values();
        slots
            .filter_map(|slot| match slot.state {
                SlotState::Ready(standby) => Some(standby),
                SlotState::Scheduled(_) | SlotState::Starting => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Names = PoolPolicy<&'static str>;

    #[expect(clippy::disallowed_methods, reason = "an origin for virtual time")]
    fn start() -> Instant {
        Instant::now()
    }

    fn add(policy: &mut Names, domain: &str, standby: &'static str, now: Instant) {
        assert_eq!(policy.prepare(domain, now), None);
        let work = policy.work(now + Names::START_DELAY);
        let [(name, id)] = work.start.as_slice() else {
            panic!("{work:?}");
        };
        assert_eq!(name, domain);
        assert_eq!(policy.insert(domain, *id, Some(standby)), None);
    }

    #[test]
    fn a_standby_process_is_started_after_a_delay_and_taken_once() {
        let (mut policy, now) = (Names::new(1), start());
        assert_eq!(policy.due(), None);
        policy.prepare("users", now);
        assert_eq!(policy.due(), Some(now + Names::START_DELAY));
        assert_eq!(
            policy.work(now),
            PoolWork {
                start: vec![],
                end: vec![]
            }
        );
        policy.close();
        let mut policy = Names::new(1);
        add(&mut policy, "users", "one", now);
        // A further request does not start another one.
        assert_eq!(policy.prepare("users", now), None);
        assert!(policy.work(now + Names::START_DELAY).start.is_empty());
        assert_eq!(policy.take("users"), Some("one"));
        assert_eq!(policy.take("users"), None);
    }

    #[test]
    fn the_least_recently_requested_one_is_evicted() {
        let (mut policy, now) = (Names::new(2), start());
        let later = |ms| now + Duration::from_millis(ms);
        add(&mut policy, "a", "standby of a", later(0));
        add(&mut policy, "b", "standby of b", later(1));
        assert_eq!(policy.prepare("a", later(2)), None);
        assert_eq!(policy.prepare("c", later(3)), Some("standby of b"));
        assert_eq!(policy.take("a"), Some("standby of a"));
    }

    #[test]
    fn one_that_was_started_too_late_is_returned() {
        let (mut policy, now) = (Names::new(1), start());
        policy.prepare("a", now);
        let first = policy.work(now + Names::START_DELAY).start.remove(0).1;
        // Meanwhile the domain had a cold start, and one is requested again.
        assert_eq!(policy.take("a"), None);
        policy.prepare("a", now);
        let second = policy.work(now + Names::START_DELAY).start.remove(0).1;
        assert_eq!(
            policy.insert("a", first, Some("previous")),
            Some("previous")
        );
        assert_eq!(policy.insert("a", second, Some("current")), None);
        // The exit of the previous one does not remove this one.
        assert_eq!(policy.on_exit("a", first), None);
        assert_eq!(policy.on_exit("a", second), Some("current"));
        assert_eq!(policy.due(), None);
    }

    #[test]
    fn a_failed_start_frees_its_slot() {
        let (mut policy, now) = (Names::new(1), start());
        policy.prepare("a", now);
        let id = policy.work(now + Names::START_DELAY).start.remove(0).1;
        assert_eq!(policy.insert("a", id, None), None);
        add(&mut policy, "b", "standby of b", now);
    }

    #[test]
    fn an_idle_standby_process_is_ended() {
        let (mut policy, now) = (Names::new(2), start());
        add(&mut policy, "a", "standby of a", now);
        assert_eq!(policy.due(), Some(now + Names::IDLE_TIMEOUT));
        assert_eq!(policy.work(now + Names::IDLE_TIMEOUT).end, ["standby of a"]);
        assert_eq!(policy.due(), None);
    }

    #[test]
    fn there_are_none_without_capacity_or_after_close() {
        let (mut policy, now) = (Names::new(0), start());
        assert_eq!(policy.prepare("a", now), None);
        assert_eq!(policy.due(), None);
        let mut policy = Names::new(2);
        add(&mut policy, "a", "standby of a", now);
        policy.prepare("b", now);
        let id = policy.work(now + Names::START_DELAY).start.remove(0).1;
        assert_eq!(policy.close(), ["standby of a"]);
        assert_eq!(policy.insert("b", id, Some("late")), Some("late"));
        assert_eq!(policy.prepare("a", now), None);
        assert_eq!(policy.due(), None);
    }
}
