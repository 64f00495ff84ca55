//! Who is connected, and who gives way when it gets full.
//!
//! Places are limited, and connecting costs a stranger nothing. So a newcomer is let in
//! always, and the one that has asked for nothing for longest gives way: whoever opens
//! connections and keeps them only pushes out their own. So it is with memory: requests that
//! aren't finished and answers that aren't read are held up to a limit for all, beyond which
//! the one that has most of it goes. A connection on which a domain of
//! ours is registered never gives way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio_util::sync::CancellationToken;

use super::rate_limited_log::RateLimitedLog;
use super::{MAX_BUFFERED, MAX_HANDSHAKES};

/// The connections of one service.
pub(crate) struct ConnectionTable {
    places: usize,
    /// Counts up with each thing that a guest does: what is greater was later.
    clock: AtomicU64,
    /// Held for single steps only.
    slots: Mutex<HashMap<u64, Arc<ConnectionState>>>,
    /// What all of them together make us keep, in bytes.
    buffered_bytes: AtomicUsize,
    complaints: RateLimitedLog,
}

/// One connection, for all that have to do with it.
pub(crate) struct ConnectionState {
    /// Ends it.
    cut: CancellationToken,
    /// It has sent the HTTP/2 preface.
    handshake_done: AtomicBool,
    /// When, by the guests' clock, it last asked for something.
    asked: AtomicU64,
    /// How many of its streams are registered domains.
    domains: AtomicUsize,
    registered: AtomicBool,
    /// What it makes us keep, in bytes: requests it hasn't finished, answers it hasn't read.
    buffered_bytes: AtomicUsize,
    guests: Weak<ConnectionTable>,
}

/// A guest's place, until this is dropped.
pub(crate) struct ConnectionSlot {
    guests: Arc<ConnectionTable>,
    id: u64,
    guest: Arc<ConnectionState>,
}

/// What a newcomer finds.
pub(crate) enum AdmitResult {
    /// A place.
    Accepted(ConnectionSlot),
    /// A place that another had to leave.
    EvictedOther(ConnectionSlot),
    /// Only domains that are registered.
    Full,
}

impl ConnectionTable {
    pub(crate) fn new(places: usize, complaints: RateLimitedLog) -> Arc<Self> {
        Arc::new(Self {
            places,
            clock: AtomicU64::new(0),
            slots: Mutex::default(),
            buffered_bytes: AtomicUsize::new(0),
            complaints,
        })
    }

    pub(crate) fn places(&self) -> usize {
        self.places
    }

    /// Lets a newcomer in, which `cut` ends.
    pub(crate) fn admit(self: &Arc<Self>, cut: CancellationToken) -> AdmitResult {
        let mut seated = self.slots();
        let unproven = |guest: &ConnectionState| !guest.handshake_done.load(Ordering::Relaxed);
        if seated.values().filter(|guest| unproven(guest)).count() >= MAX_HANDSHAKES {
            evict_idlest(&mut seated, unproven);
        }
        let full = seated.len() >= self.places;
        if full
            && !evict_idlest(&mut seated, |guest| {
                guest.domains.load(Ordering::Relaxed) == 0
            })
        {
            return AdmitResult::Full;
        }
        let id = self.tick();
        let guest = Arc::new(ConnectionState {
            cut,
            handshake_done: AtomicBool::new(false),
            asked: AtomicU64::new(id),
            domains: AtomicUsize::new(0),
            registered: AtomicBool::new(false),
            buffered_bytes: AtomicUsize::new(0),
            guests: Arc::downgrade(self),
        });
        seated.insert(id, Arc::clone(&guest));
        drop(seated);
        let seat = ConnectionSlot {
            guests: Arc::clone(self),
            id,
            guest,
        };
        if full {
            AdmitResult::EvictedOther(seat)
        } else {
            AdmitResult::Accepted(seat)
        }
    }

    /// The one that makes us keep most goes.
    fn evict_largest(&self) {
        let mut seated = self.slots();
        let strangers = seated
            .iter()
            .filter(|(_, guest)| guest.domains.load(Ordering::Relaxed) == 0);
        let held = |guest: &ConnectionState| guest.buffered_bytes.load(Ordering::Relaxed);
        let Some((&id, guest)) = strangers.max_by_key(|(_, guest)| held(guest)) else {
            return;
        };
        self.complaints.warn(&format_args!(
            "{} MiB of messages are kept, and of these it has {} MiB that it doesn't finish or read",
            MAX_BUFFERED >> 20,
            held(guest) >> 20
        ));
        guest.cut.cancel();
        seated.remove(&id);
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<u64, Arc<ConnectionState>>> {
        // Each change is one step: a holder that panicked left it whole.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the one of these that asked for nothing for longest; false where there is none.
fn evict_idlest(
    seated: &mut HashMap<u64, Arc<ConnectionState>>,
    may_go: impl Fn(&ConnectionState) -> bool,
) -> bool {
    let those = seated.iter().filter(|(_, guest)| may_go(guest));
    let Some((&id, _)) = those.min_by_key(|(_, guest)| guest.asked.load(Ordering::Relaxed)) else {
        return false;
    };
    if let Some(guest) = seated.remove(&id) {
        guest.cut.cancel();
    }
    true
}

impl ConnectionSlot {
    pub(crate) fn guest(&self) -> &Arc<ConnectionState> {
        &self.guest
    }

    /// It speaks HTTP/2.
    pub(crate) fn handshake_done(&self) {
        self.guest.handshake_done.store(true, Ordering::Relaxed);
    }

    /// It asks for something now.
    pub(crate) fn touch(&self) {
        self.guest
            .asked
            .store(self.guests.tick(), Ordering::Relaxed);
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.guests.slots().remove(&self.id);
        self.guest.release(usize::MAX);
    }
}

impl ConnectionState {
    pub(crate) fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// So many bytes more are kept for it.
    pub(crate) fn hold(&self, bytes: usize) {
        self.buffered_bytes.fetch_add(bytes, Ordering::Relaxed);
        if let Some(guests) = self.guests.upgrade() {
            let before = guests.buffered_bytes.fetch_add(bytes, Ordering::Relaxed);
            if before.saturating_add(bytes) > MAX_BUFFERED {
                guests.evict_largest();
            }
        }
    }

    /// So many bytes, or as many as there are, are no longer.
    pub(crate) fn release(&self, bytes: usize) {
        let less = |held: usize| (held > 0).then(|| held.saturating_sub(bytes));
        let before = self
            .buffered_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        if let (Ok(before), Some(guests)) = (before, self.guests.upgrade()) {
            guests
                .buffered_bytes
                .fetch_sub(before.min(bytes), Ordering::Relaxed);
        }
    }

    /// Whether one of its streams has been registered. Such a stream is never finished, and
    /// what comes on it is read message by message.
    pub(crate) fn is_registered(&self) -> bool {
        self.registered.load(Ordering::Relaxed)
    }

    /// One of its streams is registered as a domain's.
    pub(crate) fn registered(&self) {
        self.registered.store(true, Ordering::Relaxed);
    }

    /// Keeps its place whoever comes, until what this gives is dropped: a domain of ours is
    /// registered on one of its streams.
    pub(crate) fn pin(self: &Arc<Self>) -> PinGuard {
        self.domains.fetch_add(1, Ordering::Relaxed);
        PinGuard(Arc::clone(self))
    }
}

/// See [`Guest::stay`].
pub(crate) struct PinGuard(Arc<ConnectionState>);

impl Drop for PinGuard {
    fn drop(&mut self) {
        self.0.domains.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house(places: usize) -> Arc<ConnectionTable> {
        ConnectionTable::new(places, RateLimitedLog::new("a test"))
    }

    #[tokio::test]
    async fn who_makes_us_keep_most_goes_and_takes_it_along() {
        let guests = house(5);
        let seats: Vec<ConnectionSlot> = (0..3).filter_map(|_| enter(&guests)).collect();
        let _staying = seats[2].guest().pin();
        seats[2].guest().hold(MAX_BUFFERED / 2);
        seats[0].guest().hold(MAX_BUFFERED / 4);
        seats[1].guest().hold(MAX_BUFFERED / 8);
        seats[1].guest().release(MAX_BUFFERED);
        seats[1].guest().hold(MAX_BUFFERED / 8);
        assert!(!seats.iter().any(is_cut));
        seats[1].guest().hold(MAX_BUFFERED / 4);
        assert_eq!([0, 1, 2].map(|n| is_cut(&seats[n])), [false, true, false]);
        drop(seats);
        assert_eq!(guests.buffered_bytes.load(Ordering::Relaxed), 0);
    }

    fn enter(guests: &Arc<ConnectionTable>) -> Option<ConnectionSlot> {
        match guests.admit(CancellationToken::new()) {
            AdmitResult::Accepted(seat) | AdmitResult::EvictedOther(seat) => Some(seat),
            AdmitResult::Full => None,
        }
    }

    fn is_cut(seat: &ConnectionSlot) -> bool {
        seat.guest().cut().is_cancelled()
    }

    #[test]
    fn the_one_that_asked_for_nothing_for_longest_gives_way() {
        let guests = house(3);
        let seats: Vec<ConnectionSlot> = (0..3).filter_map(|_| enter(&guests)).collect();
        seats[0].touch();
        let newcomer = enter(&guests).expect("let in");
        assert_eq!([0, 1, 2].map(|n| is_cut(&seats[n])), [false, true, false]);
        // The place is gone with the one that had it, whenever that notices.
        drop(seats);
        assert!(!is_cut(&newcomer));
        assert_eq!(guests.slots().len(), 1);
    }

    #[test]
    fn a_domain_never_gives_way() {
        let guests = house(2);
        let (one, other) = (enter(&guests).expect("in"), enter(&guests).expect("in"));
        let (first, second) = (one.guest().pin(), one.guest().pin());
        let staying = other.guest().pin();
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
        let guests = house(10 * MAX_HANDSHAKES);
        let polite = enter(&guests).expect("in");
        polite.handshake_done();
        let silent: Vec<ConnectionSlot> = (0..2 * MAX_HANDSHAKES)
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
