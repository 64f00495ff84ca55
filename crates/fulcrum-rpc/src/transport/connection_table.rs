//! The open connections of a service, and which of them is evicted at a limit.
//!
//! The number of connections is limited, and opening one costs a peer nothing. So a new
//! connection is always accepted, and the one without a request for the longest time is
//! evicted: a peer that opens connections and keeps them evicts its own. Memory is limited in
//! the same way: unfinished requests and unread responses are buffered up to a limit for all
//! connections together, beyond which the connection with the largest share is evicted. A
//! connection on which a managed process is registered is never evicted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tokio_util::sync::CancellationToken;

use super::limits::{MAX_BUFFERED, MAX_HANDSHAKES};
use super::rate_limited_log::RateLimitedLog;

/// The connections of one service.
pub(crate) struct ConnectionTable {
    capacity: usize,
    /// A counter that orders requests: a greater value is later.
    clock: AtomicU64,
    /// Held for single steps only.
    slots: Mutex<HashMap<u64, Arc<ConnectionState>>>,
    /// Bytes buffered for all connections together.
    buffered_bytes: AtomicUsize,
    log: RateLimitedLog,
}

/// One connection, shared by its tasks.
pub(crate) struct ConnectionState {
    /// Cancelling it closes the connection.
    cut: CancellationToken,
    /// The HTTP/2 preface was received.
    handshake_done: AtomicBool,
    /// The time of the last request, by the table's clock.
    last_request: AtomicU64,
    /// The number of pins: registered streams of managed processes.
    pins: AtomicUsize,
    /// The domain that registered first on one of its streams.
    registered: OnceLock<Arc<str>>,
    /// Bytes buffered for it: unfinished requests and unread responses.
    buffered_bytes: AtomicUsize,
    table: Weak<ConnectionTable>,
}

/// A connection's entry in the table, until it is dropped.
pub(crate) struct ConnectionSlot {
    table: Arc<ConnectionTable>,
    id: u64,
    connection: Arc<ConnectionState>,
}

/// The result of admitting a new connection.
pub(crate) enum AdmitResult {
    /// There was a free slot.
    Accepted(ConnectionSlot),
    /// Another connection was evicted for it.
    EvictedOther(ConnectionSlot),
    /// Every connection is pinned.
    Full,
}

impl ConnectionTable {
    pub(crate) fn new(capacity: usize, log: RateLimitedLog) -> Arc<Self> {
        Arc::new(Self {
            capacity,
            clock: AtomicU64::new(0),
            slots: Mutex::default(),
            buffered_bytes: AtomicUsize::new(0),
            log,
        })
    }

    /// The number of open connections.
    pub(crate) fn len(&self) -> usize {
        self.slots().len()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Admits a new connection, which is closed by cancelling `cut`.
    pub(crate) fn admit(self: &Arc<Self>, cut: CancellationToken) -> AdmitResult {
        let mut slots = self.slots();
        let in_handshake =
            |connection: &ConnectionState| !connection.handshake_done.load(Ordering::Relaxed);
        let handshakes = slots.values().filter(|connection| in_handshake(connection));
        if handshakes.count() >= MAX_HANDSHAKES {
            evict_idlest(&mut slots, in_handshake);
        }
        let full = slots.len() >= self.capacity;
        if full && !evict_idlest(&mut slots, |connection| !connection.is_pinned()) {
            return AdmitResult::Full;
        }
        let id = self.tick();
        let connection = Arc::new(ConnectionState {
            cut,
            handshake_done: AtomicBool::new(false),
            last_request: AtomicU64::new(id),
            pins: AtomicUsize::new(0),
            registered: OnceLock::new(),
            buffered_bytes: AtomicUsize::new(0),
            table: Arc::downgrade(self),
        });
        slots.insert(id, Arc::clone(&connection));
        drop(slots);
        let slot = ConnectionSlot {
            table: Arc::clone(self),
            id,
            connection,
        };
        if full {
            AdmitResult::EvictedOther(slot)
        } else {
            AdmitResult::Accepted(slot)
        }
    }

    /// Evicts the connection for which most is buffered.
    fn evict_largest(&self) {
        let mut slots = self.slots();
        let evictable = slots
            .iter()
            .filter(|(_, connection)| !connection.is_pinned());
        let buffered =
            |connection: &ConnectionState| connection.buffered_bytes.load(Ordering::Relaxed);
        let Some((&id, connection)) = evictable.max_by_key(|(_, connection)| buffered(connection))
        else {
            return;
        };
        self.log.warn(&format_args!(
            "more than {} MiB of messages are buffered, {} MiB of them for this connection's \
             unfinished requests and unread responses",
            MAX_BUFFERED >> 20,
            buffered(connection) >> 20
        ));
        connection.cut.cancel();
        slots.remove(&id);
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<u64, Arc<ConnectionState>>> {
        // Each change is one step, so a holder that panicked left the map consistent.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Evicts the connection without a request for the longest time, of those that `may_evict`
/// accepts; false if there is none.
fn evict_idlest(
    slots: &mut HashMap<u64, Arc<ConnectionState>>,
    may_evict: impl Fn(&ConnectionState) -> bool,
) -> bool {
    let candidates = slots.iter().filter(|(_, connection)| may_evict(connection));
    let idlest = candidates
        .min_by_key(|(_, connection)| connection.last_request.load(Ordering::Relaxed))
        .map(|(id, _)| *id);
    match idlest.and_then(|id| slots.remove(&id)) {
        Some(connection) => {
            connection.cut.cancel();
            true
        }
        None => false,
    }
}

impl ConnectionSlot {
    pub(crate) fn connection(&self) -> &Arc<ConnectionState> {
        &self.connection
    }

    /// Records that the HTTP/2 preface was received.
    pub(crate) fn handshake_done(&self) {
        self.connection
            .handshake_done
            .store(true, Ordering::Relaxed);
    }

    /// Records a request.
    pub(crate) fn touch(&self) {
        self.connection
            .last_request
            .store(self.table.tick(), Ordering::Relaxed);
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.table.slots().remove(&self.id);
        self.connection.release(usize::MAX);
    }
}

impl ConnectionState {
    pub(crate) fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    fn is_pinned(&self) -> bool {
        self.pins.load(Ordering::Relaxed) > 0
    }

    /// Records that `bytes` more are buffered for it.
    pub(crate) fn hold(&self, bytes: usize) {
        // The table's count comes first here and last in `release`, so it is never below the sum
        // of the connections' counts: another thread may release as soon as it sees these bytes.
        let table = self.table.upgrade();
        let before = table
            .as_ref()
            .map(|table| table.buffered_bytes.fetch_add(bytes, Ordering::AcqRel));
        self.buffered_bytes.fetch_add(bytes, Ordering::AcqRel);
        if let (Some(table), Some(before)) = (table, before)
            && before.saturating_add(bytes) > MAX_BUFFERED
        {
            table.evict_largest();
        }
    }

    /// Records that `bytes`, or all of them if there are fewer, are no longer buffered.
    pub(crate) fn release(&self, bytes: usize) {
        let less = |held: usize| (held > 0).then(|| held.saturating_sub(bytes));
        let before = self
            .buffered_bytes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        if let (Ok(before), Some(table)) = (before, self.table.upgrade()) {
            table
                .buffered_bytes
                .fetch_sub(before.min(bytes), Ordering::AcqRel);
        }
    }

    /// Whether one of its streams has been registered. Such a stream stays unfinished, and its
    /// messages are read one by one.
    pub(crate) fn is_registered(&self) -> bool {
        self.registered.get().is_some()
    }

    /// The domain that is registered on one of its streams: it is also who makes the calls on it.
    pub(crate) fn domain(&self) -> Option<Arc<str>> {
        self.registered.get().cloned()
    }

    /// Records that one of its streams is registered as a domain's.
    pub(crate) fn set_registered(&self, domain: &str) {
        self.registered.get_or_init(|| domain.into());
    }

    /// Excludes the connection from eviction until the returned guard is dropped: a managed
    /// process is registered on one of its streams.
    pub(crate) fn pin(self: &Arc<Self>) -> PinGuard {
        self.pins.fetch_add(1, Ordering::Relaxed);
        PinGuard(Arc::clone(self))
    }
}

/// Excludes a connection from eviction while it exists.
pub(crate) struct PinGuard(Arc<ConnectionState>);

impl Drop for PinGuard {
    fn drop(&mut self) {
        self.0.pins.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(capacity: usize) -> Arc<ConnectionTable> {
        ConnectionTable::new(capacity, RateLimitedLog::new("a test"))
    }

    fn admit(table: &Arc<ConnectionTable>) -> Option<ConnectionSlot> {
        match table.admit(CancellationToken::new()) {
            AdmitResult::Accepted(slot) | AdmitResult::EvictedOther(slot) => Some(slot),
            AdmitResult::Full => None,
        }
    }

    fn is_cut(slot: &ConnectionSlot) -> bool {
        slot.connection().cut().is_cancelled()
    }

    #[tokio::test]
    async fn the_connection_with_most_buffered_bytes_is_evicted() {
        let table = table(5);
        let slots: Vec<ConnectionSlot> = (0..3).filter_map(|_| admit(&table)).collect();
        let _pin = slots[2].connection().pin();
        slots[2].connection().hold(MAX_BUFFERED / 2);
        slots[0].connection().hold(MAX_BUFFERED / 4);
        slots[1].connection().hold(MAX_BUFFERED / 8);
        slots[1].connection().release(MAX_BUFFERED);
        slots[1].connection().hold(MAX_BUFFERED / 8);
        assert!(!slots.iter().any(is_cut));
        slots[1].connection().hold(MAX_BUFFERED / 4);
        assert_eq!([0, 1, 2].map(|n| is_cut(&slots[n])), [false, true, false]);
        drop(slots);
        assert_eq!(table.buffered_bytes.load(Ordering::Relaxed), 0);
    }

    /// What is written to a connection is released whether it was held or not, as soon as it is
    /// written, which other threads do.
    #[test]
    fn bytes_that_other_threads_release_at_once_evict_no_connection() {
        const TIMES: usize = 300_000;
        let table = table(1);
        let slot = admit(&table).expect("admitted");
        let connection = slot.connection();
        // More threads than cores, so that some are suspended in the middle of a step.
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..TIMES).for_each(|_| connection.hold(1)));
                scope.spawn(|| (0..TIMES).for_each(|_| connection.release(1000)));
            }
        });
        assert!(!is_cut(&slot), "at most 1.2 MB were held");
        connection.release(usize::MAX);
        assert_eq!(table.buffered_bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_connection_without_a_request_for_longest_is_evicted() {
        let table = table(3);
        let slots: Vec<ConnectionSlot> = (0..3).filter_map(|_| admit(&table)).collect();
        slots[0].touch();
        let new = admit(&table).expect("admitted");
        assert_eq!([0, 1, 2].map(|n| is_cut(&slots[n])), [false, true, false]);
        // The slot of the evicted connection is gone already, whenever its owner drops it.
        drop(slots);
        assert!(!is_cut(&new));
        assert_eq!(table.slots().len(), 1);
    }

    #[test]
    fn a_pinned_connection_is_never_evicted() {
        let table = table(2);
        let (one, other) = (
            admit(&table).expect("admitted"),
            admit(&table).expect("admitted"),
        );
        let (first, second) = (one.connection().pin(), one.connection().pin());
        let pin = other.connection().pin();
        assert!(admit(&table).is_none(), "all are pinned");
        drop(pin);
        drop(first);
        let new = admit(&table).expect("admitted");
        assert!(is_cut(&other) && !is_cut(&one));
        drop(second);
        drop(new);
        assert!(
            admit(&table).is_some() && !is_cut(&one),
            "there was a free slot"
        );
    }

    #[test]
    fn connections_without_a_preface_evict_only_each_other() {
        let table = table(10 * MAX_HANDSHAKES);
        let done = admit(&table).expect("admitted");
        done.handshake_done();
        let silent: Vec<ConnectionSlot> = (0..2 * MAX_HANDSHAKES)
            .filter_map(|_| admit(&table))
            .collect();
        assert!(!is_cut(&done));
        assert_eq!(
            silent.iter().filter(|slot| is_cut(slot)).count(),
            MAX_HANDSHAKES
        );
        assert!(
            silent[..MAX_HANDSHAKES].iter().all(is_cut),
            "the oldest are evicted first"
        );
    }
}
