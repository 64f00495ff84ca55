//! Who is connected, and who gives way when it gets full.
//!
//! Places are limited, and connecting costs a stranger nothing. So a newcomer is let in
//! always, and the one that has asked for nothing for longest gives way: whoever opens
//! connections and keeps them only pushes out their own. A connection on which a domain of
//! ours is registered never gives way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::MAX_HANDSHAKES;

/// The connections of one service.
pub(crate) struct Guests {
    places: usize,
    /// Counts up with each thing that a guest does: what is greater was later.
    clock: AtomicU64,
    /// Held for single steps only.
    seated: Mutex<HashMap<u64, Arc<Guest>>>,
}

/// One connection, for all that have to do with it.
#[derive(Debug)]
pub(crate) struct Guest {
    /// Ends it.
    cut: CancellationToken,
    /// It has sent the HTTP/2 preface.
    proven: AtomicBool,
    /// When, by the guests' clock, it last asked for something.
    asked: AtomicU64,
    /// How many of its streams are registered domains.
    domains: AtomicUsize,
}

/// A guest's place, until this is dropped.
pub(crate) struct Seat {
    guests: Arc<Guests>,
    id: u64,
    guest: Arc<Guest>,
}

/// What a newcomer finds.
pub(crate) enum Entry {
    /// A place.
    Free(Seat),
    /// A place that another had to leave.
    Instead(Seat),
    /// Only domains that are registered.
    Full,
}

impl Guests {
    pub(crate) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self {
            places,
            clock: AtomicU64::new(0),
            seated: Mutex::default(),
        })
    }

    pub(crate) fn places(&self) -> usize {
        self.places
    }

    /// Lets a newcomer in, which `cut` ends.
    pub(crate) fn enter(self: &Arc<Self>, cut: CancellationToken) -> Entry {
        let mut seated = self.seated();
        let unproven = |guest: &Guest| !guest.proven.load(Ordering::Relaxed);
        if seated.values().filter(|guest| unproven(guest)).count() >= MAX_HANDSHAKES {
            dismiss(&mut seated, unproven);
        }
        let full = seated.len() >= self.places;
        if full
            && !dismiss(&mut seated, |guest| {
                guest.domains.load(Ordering::Relaxed) == 0
            })
        {
            return Entry::Full;
        }
        let id = self.tick();
        let guest = Arc::new(Guest {
            cut,
            proven: AtomicBool::new(false),
            asked: AtomicU64::new(id),
            domains: AtomicUsize::new(0),
        });
        seated.insert(id, Arc::clone(&guest));
        drop(seated);
        let seat = Seat {
            guests: Arc::clone(self),
            id,
            guest,
        };
        if full {
            Entry::Instead(seat)
        } else {
            Entry::Free(seat)
        }
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    fn seated(&self) -> MutexGuard<'_, HashMap<u64, Arc<Guest>>> {
        // Each change is one step: a holder that panicked left it whole.
        self.seated.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the one of these that asked for nothing for longest; false where there is none.
fn dismiss(seated: &mut HashMap<u64, Arc<Guest>>, may_go: impl Fn(&Guest) -> bool) -> bool {
    let those = seated.iter().filter(|(_, guest)| may_go(guest));
    let Some((&id, _)) = those.min_by_key(|(_, guest)| guest.asked.load(Ordering::Relaxed)) else {
        return false;
    };
    if let Some(guest) = seated.remove(&id) {
        guest.cut.cancel();
    }
    true
}

impl Seat {
    pub(crate) fn guest(&self) -> &Arc<Guest> {
        &self.guest
    }

    /// It speaks HTTP/2.
    pub(crate) fn proven(&self) {
        self.guest.proven.store(true, Ordering::Relaxed);
    }

    /// It asks for something now.
    pub(crate) fn asks(&self) {
        self.guest
            .asked
            .store(self.guests.tick(), Ordering::Relaxed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.guests.seated().remove(&self.id);
    }
}

impl Guest {
    pub(crate) fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// Keeps its place whoever comes, until what this gives is dropped: a domain is
    /// registered on one of its streams.
    pub(crate) fn stay(self: &Arc<Self>) -> Staying {
        self.domains.fetch_add(1, Ordering::Relaxed);
        Staying(Arc::clone(self))
    }
}

/// See [`Guest::stay`].
#[derive(Debug)]
pub(crate) struct Staying(Arc<Guest>);

impl Drop for Staying {
    fn drop(&mut self) {
        self.0.domains.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(guests: &Arc<Guests>) -> Option<Seat> {
        match guests.enter(CancellationToken::new()) {
            Entry::Free(seat) | Entry::Instead(seat) => Some(seat),
            Entry::Full => None,
        }
    }

    fn is_cut(seat: &Seat) -> bool {
        seat.guest().cut().is_cancelled()
    }

    #[test]
    fn the_one_that_asked_for_nothing_for_longest_gives_way() {
        let guests = Guests::new(3);
        let seats: Vec<Seat> = (0..3).filter_map(|_| enter(&guests)).collect();
        seats[0].asks();
        let newcomer = enter(&guests).expect("let in");
        assert_eq!([0, 1, 2].map(|n| is_cut(&seats[n])), [false, true, false]);
        // The place is gone with the one that had it, whenever that notices.
        drop(seats);
        assert!(!is_cut(&newcomer));
        assert_eq!(guests.seated().len(), 1);
    }

    #[test]
    fn a_domain_never_gives_way() {
        let guests = Guests::new(2);
        let (one, other) = (enter(&guests).expect("in"), enter(&guests).expect("in"));
        let (first, second) = (one.guest().stay(), one.guest().stay());
        let staying = other.guest().stay();
        assert!(enter(&guests).is_none(), "only domains");
        drop(staying);
        drop(first);
        let newcomer = enter(&guests).expect("let in");
        assert!(is_cut(&other) && !is_cut(&one));
        drop(second);
        drop(newcomer);
        assert!(enter(&guests).is_some() && !is_cut(&one), "there was room");
    }

    #[test]
    fn those_who_never_greet_push_out_each_other_only() {
        let guests = Guests::new(10 * MAX_HANDSHAKES);
        let polite = enter(&guests).expect("in");
        polite.proven();
        let silent: Vec<Seat> = (0..2 * MAX_HANDSHAKES)
            .filter_map(|_| enter(&guests))
            .collect();
        assert!(!is_cut(&polite));
        assert_eq!(
            silent.iter().filter(|seat| is_cut(seat)).count(),
            MAX_HANDSHAKES
        );
        assert!(
            silent[..MAX_HANDSHAKES].iter().all(is_cut),
            "the oldest go first"
        );
    }
}
