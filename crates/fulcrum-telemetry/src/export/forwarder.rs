//! The queue to a collector. Who passes something on never waits: what a slow or absent collector
//! does not take in time is dropped, counted and reported.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use axum::body::Bytes;
use tokio::sync::mpsc;

/// Requests that may wait.
const QUEUE: usize = 1024;

/// The memory for requests that wait, in bytes.
const QUEUE_BYTES: usize = 8 * 1024 * 1024;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Spans.
    Traces,
    /// Points of metrics.
    Metrics,
    /// Log records.
    Logs,
}

/// A request that waits: an encoded message of OTLP.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) signal: Signal,
    pub(super) body: Bytes,
}

/// The sending end of the queue; clones are handles to the same.
#[derive(Clone, Debug)]
pub struct Forwarder {
    queue: mpsc::Sender<Outgoing>,
    state: Arc<QueueState>,
}

/// What waits, and what was lost.
#[derive(Debug, Default)]
pub(super) struct QueueState {
    bytes: AtomicUsize,
    dropped: AtomicU64,
}

impl QueueState {
    /// A request has left the queue.
    pub(super) fn release(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// A request is lost.
    pub(super) fn add_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests were lost.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Forwarder {
    /// A queue and its receiving end.
    pub(super) fn new() -> (Self, mpsc::Receiver<Outgoing>, Arc<QueueState>) {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let state = Arc::new(QueueState::default());
        let forwarder = Self {
            queue,
            state: Arc::clone(&state),
        };
        (forwarder, receiver, state)
    }

    /// Adds a request. Never waits.
    pub(crate) fn push(&self, signal: Signal, body: Bytes) {
        let size = body.len();
        let waiting = self.state.bytes.fetch_add(size, Ordering::Relaxed);
        let fits = waiting + size <= QUEUE_BYTES;
        if !fits || self.queue.try_send(Outgoing { signal, body }).is_err() {
            self.state.release(size);
            self.state.add_dropped();
        }
    }

    /// How many requests were lost, since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.state.dropped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_and_counts() {
        let (forwarder, mut receiver, state) = Forwarder::new();
        let body = Bytes::from(vec![0; QUEUE_BYTES / 4]);
        for _ in 0..6 {
            forwarder.push(Signal::Traces, body.clone());
        }
        assert_eq!(forwarder.dropped(), 2);
        let sent = receiver.try_recv().expect("waits");
        state.release(sent.body.len());
        forwarder.push(Signal::Logs, body);
        assert_eq!(forwarder.dropped(), 2);
        for _ in 0..2 * QUEUE {
            forwarder.push(Signal::Logs, Bytes::new());
        }
        assert!(forwarder.dropped() > QUEUE as u64);
    }
}
