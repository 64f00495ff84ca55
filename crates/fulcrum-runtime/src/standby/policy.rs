//! Which domains have a spare, and which spare goes: the decisions alone.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The spares of an instance, by domain. `S` is one that was started.
#[derive(Debug)]
pub(crate) struct PoolPolicy<S> {
    /// How many there may be altogether, those that are being made included.
    capacity: usize,
    slots: BTreeMap<String, PoolSlot<S>>,
    /// Tells one spare of a domain from the next.
    count: u64,
}

#[derive(Debug)]
struct PoolSlot<S> {
    id: u64,
    /// When it was last asked for: who was asked for longest ago goes first.
    asked: Instant,
    state: SlotState<S>,
}

#[derive(Debug)]
enum SlotState<S> {
    /// To be made then: not at once, since the domain itself has just started and needs the cores.
    Scheduled(Instant),
    Starting,
    Ready(S),
}

/// What is to be done at a moment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PoolWork<S> {
    /// A spare has to be made for these domains, to be handed in by the number.
    pub(crate) make: Vec<(String, u64)>,
    /// Nobody has asked for these for too long.
    pub(crate) end: Vec<S>,
}

impl<S> PoolPolicy<S> {
    /// How long a domain has to itself before a spare is made for it.
    pub(crate) const START_DELAY: Duration = Duration::from_millis(150);
    /// How long a spare is kept for a domain that is neither edited nor crashes.
    pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(300);

    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            slots: BTreeMap::new(),
            count: 0,
        }
    }

    /// A domain was edited or has crashed: it may need a spare soon. Gives the one that had to make
    /// room.
    pub(crate) fn ask(&mut self, domain: &str, now: Instant) -> Option<S> {
        if let Some(slot) = self.slots.get_mut(domain) {
            slot.asked = now;
            return None;
        }
        let mut evicted = None;
        if self.slots.len() >= self.capacity {
            let oldest = self.slots.iter().min_by_key(|(_, slot)| slot.asked);
            let oldest = oldest.map(|(name, _)| name.clone())?;
            evicted = self.take(&oldest);
        }
        self.count += 1;
        let slot = PoolSlot {
            id: self.count,
            asked: now,
            state: SlotState::Scheduled(now + Self::START_DELAY),
        };
        self.slots.insert(domain.to_owned(), slot);
        evicted
    }

    /// The next moment at which there is something to do.
    pub(crate) fn due(&self) -> Option<Instant> {
        let dues = self.slots.values().map(|slot| match slot.state {
            SlotState::Scheduled(at) => at,
            SlotState::Starting | SlotState::Ready(_) => slot.asked + Self::IDLE_TIMEOUT,
        });
        dues.min()
    }

    /// What is to be done now.
    pub(crate) fn work(&mut self, now: Instant) -> PoolWork<S> {
        let mut work = PoolWork {
            make: Vec::new(),
            end: Vec::new(),
        };
        let idle = |slot: &PoolSlot<S>| slot.asked + Self::IDLE_TIMEOUT <= now;
        let forgotten: Vec<String> = self
            .slots
            .iter()
            .filter(|(_, slot)| idle(slot))
            .map(|(name, _)| name.clone())
            .collect();
        for name in forgotten {
            work.end.extend(self.take(&name));
        }
        for (name, slot) in &mut self.slots {
            if matches!(slot.state, SlotState::Scheduled(at) if at <= now) {
                slot.state = SlotState::Starting;
                work.make.push((name.clone(), slot.id));
            }
        }
        work
    }

    /// One was made, or couldn't be. Gives it back if nobody wants it any more.
    pub(crate) fn insert(&mut self, domain: &str, id: u64, made: Option<S>) -> Option<S> {
        let wanted = self.slots.get_mut(domain).filter(|slot| slot.id == id);
        match (wanted, made) {
            (Some(slot), Some(spare)) => {
                slot.state = SlotState::Ready(spare);
                None
            }
            (Some(_), None) => self.take(domain),
            (None, made) => made,
        }
    }

    /// One has ended by itself. Gives what is left of it.
    pub(crate) fn on_exit(&mut self, domain: &str, id: u64) -> Option<S> {
        let there = self.slots.get(domain).is_some_and(|slot| slot.id == id);
        there.then(|| self.take(domain)).flatten()
    }

    /// The domain starts: its spare, if it is there. One that is being made comes too late.
    pub(crate) fn take(&mut self, domain: &str) -> Option<S> {
        match self.slots.remove(domain)?.state {
            SlotState::Ready(spare) => Some(spare),
            SlotState::Scheduled(_) | SlotState::Starting => None,
        }
    }

    /// All that there are. From now on there are none.
    pub(crate) fn close(&mut self) -> Vec<S> {
        self.capacity = 0;
        let slots = std::mem::take(&mut self.slots).into_values();
        slots
            .filter_map(|slot| match slot.state {
                SlotState::Ready(spare) => Some(spare),
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

    fn made(shelf: &mut Names, domain: &str, spare: &'static str, now: Instant) {
        assert_eq!(shelf.ask(domain, now), None);
        let work = shelf.work(now + Names::START_DELAY);
        let [(name, id)] = work.make.as_slice() else {
            panic!("{work:?}");
        };
        assert_eq!(name, domain);
        assert_eq!(shelf.insert(domain, *id, Some(spare)), None);
    }

    #[test]
    fn a_spare_is_made_once_the_domain_has_had_its_start_and_taken_once() {
        let (mut shelf, now) = (Names::new(1), start());
        assert_eq!(shelf.due(), None);
        shelf.ask("users", now);
        assert_eq!(shelf.due(), Some(now + Names::START_DELAY));
        assert_eq!(
            shelf.work(now),
            PoolWork {
                make: vec![],
                end: vec![]
            }
        );
        shelf.close();
        let mut shelf = Names::new(1);
        made(&mut shelf, "users", "one", now);
        // Asked again, it is the same one.
        assert_eq!(shelf.ask("users", now), None);
        assert!(shelf.work(now + Names::START_DELAY).make.is_empty());
        assert_eq!(shelf.take("users"), Some("one"));
        assert_eq!(shelf.take("users"), None);
    }

    #[test]
    fn who_was_asked_for_longest_ago_makes_room() {
        let (mut shelf, now) = (Names::new(2), start());
        let later = |ms| now + Duration::from_millis(ms);
        made(&mut shelf, "a", "spare of a", later(0));
        made(&mut shelf, "b", "spare of b", later(1));
        assert_eq!(shelf.ask("a", later(2)), None);
        assert_eq!(shelf.ask("c", later(3)), Some("spare of b"));
        assert_eq!(shelf.take("a"), Some("spare of a"));
    }

    #[test]
    fn what_comes_too_late_is_given_back() {
        let (mut shelf, now) = (Names::new(1), start());
        shelf.ask("a", now);
        let first = shelf.work(now + Names::START_DELAY).make.remove(0).1;
        // The domain started cold meanwhile, and is asked for again.
        assert_eq!(shelf.take("a"), None);
        shelf.ask("a", now);
        let second = shelf.work(now + Names::START_DELAY).make.remove(0).1;
        assert_eq!(
            shelf.insert("a", first, Some("of before")),
            Some("of before")
        );
        assert_eq!(shelf.insert("a", second, Some("of now")), None);
        // The end of the one of before is no end of this one.
        assert_eq!(shelf.on_exit("a", first), None);
        assert_eq!(shelf.on_exit("a", second), Some("of now"));
        assert_eq!(shelf.due(), None);
    }

    #[test]
    fn one_that_cant_be_made_leaves_its_place() {
        let (mut shelf, now) = (Names::new(1), start());
        shelf.ask("a", now);
        let id = shelf.work(now + Names::START_DELAY).make.remove(0).1;
        assert_eq!(shelf.insert("a", id, None), None);
        made(&mut shelf, "b", "spare of b", now);
    }

    #[test]
    fn a_spare_that_nobody_needs_goes() {
        let (mut shelf, now) = (Names::new(2), start());
        made(&mut shelf, "a", "spare of a", now);
        assert_eq!(shelf.due(), Some(now + Names::IDLE_TIMEOUT));
        assert_eq!(shelf.work(now + Names::IDLE_TIMEOUT).end, ["spare of a"]);
        assert_eq!(shelf.due(), None);
    }

    #[test]
    fn without_places_and_after_the_end_there_are_none() {
        let (mut shelf, now) = (Names::new(0), start());
        assert_eq!(shelf.ask("a", now), None);
        assert_eq!(shelf.due(), None);
        let mut shelf = Names::new(2);
        made(&mut shelf, "a", "spare of a", now);
        shelf.ask("b", now);
        let id = shelf.work(now + Names::START_DELAY).make.remove(0).1;
        assert_eq!(shelf.close(), ["spare of a"]);
        assert_eq!(shelf.insert("b", id, Some("late")), Some("late"));
        assert_eq!(shelf.ask("a", now), None);
        assert_eq!(shelf.due(), None);
    }
}
