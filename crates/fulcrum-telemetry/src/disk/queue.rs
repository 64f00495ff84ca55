//! The queue to the thread that writes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;

use crate::export::Signal;

/// The memory for requests that wait, in bytes.
const LIMIT: usize = 8 * 1024 * 1024;

/// As soon as so many bytes wait, they are written.
const BATCH: usize = 1024 * 1024;

/// How long fewer wait for others: each batch waits for the disk.
const BATCH_DELAY: Duration = Duration::from_secs(1);

/// What a request takes besides its bytes.
const OVERHEAD: usize = 64;

/// An encoded request.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) signal: Signal,
    pub(super) body: Bytes,
}

/// Requests that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Entry>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    /// Adds a request, which is lost if there is no room. Never waits for the disk.
    pub(super) fn push(&self, signal: Signal, body: Bytes) {
        let mut state = self.lock();
        let size = body.len() + OVERHEAD;
        if state.closed || state.bytes + size > LIMIT {
            drop(state);
            return self.add_lost(1);
        }
        let was_empty = state.waiting.is_empty();
        state.bytes += size;
        state.waiting.push_back(Entry { signal, body });
        if was_empty || state.bytes >= BATCH {
            self.changed.notify_one();
        }
    }

    /// The next batch, once there is one; none if the queue is closed and empty.
    pub(super) fn take(&self) -> Option<Vec<Entry>> {
        let state = self
            .changed
            .wait_while(self.lock(), |state| {
                state.waiting.is_empty() && !state.closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, BATCH_DELAY, |state| {
                state.bytes < BATCH && !state.closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.bytes = 0;
        let batch: Vec<Entry> = std::mem::take(&mut state.waiting).into();
        (!batch.is_empty()).then_some(batch)
    }

    /// Nothing is added any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// So many requests were not written.
    pub(super) fn add_lost(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::Relaxed);
    }

    /// How many requests were not written, since the start.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_lost_and_counted() {
        let queue = Queue::default();
        let body = Bytes::from(vec![0; 1024 * 1024]);
        for _ in 0..20 {
            queue.push(Signal::Traces, body.clone());
        }
        assert_eq!(queue.lost(), 13);
        assert_eq!(queue.take().map(|batch| batch.len()), Some(7));
        queue.push(Signal::Logs, body.clone());
        queue.close();
        queue.push(Signal::Logs, body);
        assert_eq!(queue.lost(), 14);
        assert_eq!(queue.take().map(|batch| batch.len()), Some(1));
        assert!(queue.take().is_none());
    }
}
