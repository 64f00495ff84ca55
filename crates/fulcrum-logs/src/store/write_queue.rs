//! The queue between the hub and the writer thread.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::chunk::Chunk;

/// Bytes that may be queued before pumps wait.
const QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// Bytes that may be queued before pumps give the writer a moment: what it writes is then still in the
/// caches of the processor. Measured: the writer needs up to four times as long for bytes that are not.
const PACED_BYTES: usize = 1024 * 1024;

/// That moment. A disk that takes longer needs the rest of the queue.
const PACE: Duration = Duration::from_millis(10);

/// A disk that completes no write for this time is stalled, and pumps no longer wait for it. It is the
/// longest time that a domain is blocked, and less than a heartbeat interval.
const STALL_TIMEOUT: Duration = Duration::from_millis(250);

/// Bytes that are written at once without waiting for more.
const BATCH_BYTES: usize = 256 * 1024;

/// How long the writer waits for more lines: otherwise each read of a pipe would wake it.
const COALESCE_DELAY: Duration = Duration::from_millis(1);

/// How long nothing must come until the writer has time for other work.
const PAUSE: Duration = Duration::from_millis(50);

/// Chunks to write, in order, bounded.
#[derive(Debug, Default)]
pub(crate) struct WriteQueue {
    queue: Mutex<Queue>,
    /// Wakes the writer.
    work: Condvar,
    /// Wakes tasks that wait for capacity.
    capacity: Notify,
    /// Wakes tasks that wait for a flush.
    completed: Notify,
    /// Lines that are not on disk, because it stalled or an error occurred.
    dropped_lines: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<Arc<Chunk>>,
    /// Bytes of queued chunks and of those being written.
    bytes: usize,
    /// Chunks accepted.
    accepted: u64,
    /// Chunks written or dropped by the writer.
    completed: u64,
    /// The disk is stalled: chunks beyond the limit are dropped.
    stalled: bool,
    /// Dropped lines, by domain.
    dropped: BTreeMap<Arc<str>, u64>,
    closed: bool,
    /// What the writer waits for.
    writer: WriterState,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum WriterState {
    /// It is writing.
    #[default]
    Busy,
    /// It waits for any chunk.
    Idle,
    /// It waits for [`BATCH_BYTES`].
    Coalescing,
}

/// What the writer does next.
#[derive(Debug)]
pub(super) enum Work {
    /// Write chunks.
    Batch(WriteBatch),
    /// Nothing has come for a moment.
    Pause,
    /// The queue is closed and empty.
    Closed,
}

/// What the writer gets.
#[derive(Debug)]
pub(super) struct WriteBatch {
    pub(super) chunks: VecDeque<Arc<Chunk>>,
    /// Lines dropped before these, by domain.
    pub(super) dropped: BTreeMap<Arc<str>, u64>,
}

impl WriteQueue {
    /// The number of lines that were dropped.
    pub(crate) fn dropped_lines(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.dropped_lines)
    }

    /// Adds a chunk, without waiting.
    pub(crate) fn push(&self, chunk: &Arc<Chunk>) {
        let mut queue = self.lock();
        if queue.closed || (queue.stalled && queue.bytes > QUEUE_BYTES) {
            let domain = Arc::clone(&chunk.source.domain);
            *queue.dropped.entry(domain).or_default() += u64::from(chunk.lines.lines);
            return;
        }
        queue.accepted += 1;
        queue.bytes += chunk.memory_cost();
        queue.chunks.push_back(Arc::clone(chunk));
        let wake = match queue.writer {
            WriterState::Busy => false,
            WriterState::Idle => true,
            WriterState::Coalescing => queue.bytes >= BATCH_BYTES,
        };
        drop(queue);
        if wake {
            self.work.notify_one();
        }
    }

    /// Waits until there is capacity, or the disk is stalled. Also, for a moment, until the writer has
    /// caught up.
    pub(crate) async fn wait_for_capacity(&self) {
        loop {
            let notified = self.capacity.notified();
            let (before, is_full) = {
                let queue = self.lock();
                if queue.bytes <= PACED_BYTES || queue.stalled || queue.closed {
                    return;
                }
                (queue.completed, queue.bytes > QUEUE_BYTES)
            };
            let limit = if is_full { STALL_TIMEOUT } else { PACE };
            if timeout(limit, notified).await.is_err() {
                if !is_full {
                    return;
                }
                let mut queue = self.lock();
                queue.stalled |= queue.completed == before;
            }
        }
    }

    /// Waits until all chunks accepted so far are written, or the disk is stalled.
    pub(crate) async fn flushed(&self) {
        let goal = self.lock().accepted;
        loop {
            let notified = self.completed.notified();
            let before = {
                let queue = self.lock();
                if queue.completed >= goal || queue.stalled {
                    return;
                }
                queue.completed
            };
            if timeout(STALL_TIMEOUT, notified).await.is_err() && self.lock().completed == before {
                return;
            }
        }
    }

    /// Waits for chunks. With `pauses`, it also returns when none have come for a moment.
    pub(super) fn take(&self, pauses: bool) -> Work {
        let mut queue = self.lock();
        while queue.chunks.is_empty() && queue.dropped.is_empty() {
            if queue.closed {
                return Work::Closed;
            }
            queue.writer = WriterState::Idle;
            if pauses {
                let woken = self.work.wait_timeout(queue, PAUSE);
                let (after, waited) = woken.unwrap_or_else(PoisonError::into_inner);
                queue = after;
                if waited.timed_out() && queue.chunks.is_empty() && !queue.closed {
                    queue.writer = WriterState::Busy;
                    return Work::Pause;
                }
            } else {
                let woken = self.work.wait(queue);
                queue = woken.unwrap_or_else(PoisonError::into_inner);
            }
        }
        if queue.bytes < BATCH_BYTES && !queue.closed {
            queue.writer = WriterState::Coalescing;
            let woken = self.work.wait_timeout(queue, COALESCE_DELAY);
            queue = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        queue.writer = WriterState::Busy;
        Work::Batch(WriteBatch {
            chunks: std::mem::take(&mut queue.chunks),
            dropped: std::mem::take(&mut queue.dropped),
        })
    }

    /// Records that the writer has completed chunks of so many bytes.
    pub(super) fn complete(&self, chunks: usize, bytes: usize) {
        let mut queue = self.lock();
        let was_full = queue.bytes > QUEUE_BYTES;
        queue.bytes = queue.bytes.saturating_sub(bytes);
        queue.completed += chunks as u64;
        queue.stalled = false;
        let is_full = queue.bytes > QUEUE_BYTES;
        let has_capacity = queue.bytes <= PACED_BYTES || (was_full && !is_full);
        drop(queue);
        self.completed.notify_waiters();
        if has_capacity {
            self.capacity.notify_waiters();
        }
    }

    /// Accepts no more chunks; queued ones are still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_one();
        self.capacity.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is consistent after every statement.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::test_support::line;

    fn chunk() -> Arc<Chunk> {
        Arc::new(Chunk::single_line(&line("users", "x")))
    }

    #[tokio::test(start_paused = true)]
    async fn a_flush_does_not_wait_for_later_chunks() {
        let queue = WriteQueue::default();
        queue.flushed().await;
        (0..3).for_each(|_| queue.push(&chunk()));
        let mut waiting = std::pin::pin!(queue.flushed());
        let early = timeout(Duration::from_millis(20), waiting.as_mut()).await;
        assert!(early.is_err(), "nothing is written yet");
        let Work::Batch(batch) = queue.take(false) else {
            panic!("three chunks");
        };
        queue.push(&chunk());
        queue.complete(2, 0);
        let early = timeout(Duration::from_millis(20), waiting.as_mut()).await;
        assert!(early.is_err(), "two of {} are written", batch.chunks.len());
        queue.complete(1, 0);
        waiting.await;
    }

    #[test]
    fn a_writer_with_other_work_is_told_of_a_pause() {
        let queue = WriteQueue::default();
        queue.push(&chunk());
        assert!(matches!(queue.take(true), Work::Batch(_)));
        assert!(matches!(queue.take(true), Work::Pause));
        queue.close();
        assert!(matches!(queue.take(true), Work::Closed));
    }

    fn chunk_of(bytes: usize) -> Arc<Chunk> {
        Arc::new(Chunk::single_line(&line("users", vec![b'x'; bytes])))
    }

    #[tokio::test(start_paused = true)]
    async fn pumps_give_the_writer_a_moment_and_wait_for_it_when_the_queue_is_full() {
        let queue = WriteQueue::default();
        let waited = async || {
            let start = Instant::now();
            queue.wait_for_capacity().await;
            start.elapsed()
        };
        queue.push(&chunk_of(PACED_BYTES / 2));
        assert_eq!(waited().await, Duration::ZERO);
        queue.push(&chunk_of(PACED_BYTES / 2));
        let moment = waited().await;
        assert!((PACE..2 * PACE).contains(&moment), "{moment:?}");
        queue.push(&chunk_of(QUEUE_BYTES - PACED_BYTES));
        // It works, if slowly: longer than the moment, and no reason to drop lines.
        let mut waiting = std::pin::pin!(queue.wait_for_capacity());
        for _ in 0..3 {
            let early = timeout(STALL_TIMEOUT - PACE, waiting.as_mut()).await;
            assert!(early.is_err(), "the queue is full");
            queue.complete(1, 10);
        }
        queue.complete(1, QUEUE_BYTES - PACED_BYTES);
        let moment = Instant::now();
        waiting.await;
        assert!(moment.elapsed() < 2 * PACE);
        queue.complete(1, PACED_BYTES / 2);
        assert_eq!(waited().await, Duration::ZERO);
        assert!(queue.lock().dropped.is_empty() && !queue.lock().stalled);
    }

    #[tokio::test(start_paused = true)]
    async fn pumps_go_on_as_soon_as_the_writer_has_caught_up() {
        let queue = WriteQueue::default();
        (0..2).for_each(|_| queue.push(&chunk_of(PACED_BYTES)));
        let mut waiting = std::pin::pin!(queue.wait_for_capacity());
        assert!(timeout(PACE / 2, waiting.as_mut()).await.is_err());
        queue.complete(2, 2 * chunk_of(PACED_BYTES).memory_cost());
        let start = Instant::now();
        waiting.await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_disk_is_not_waited_for() {
        let queue = WriteQueue::default();
        queue.push(&chunk());
        let start = Instant::now();
        queue.flushed().await;
        assert!(start.elapsed() >= STALL_TIMEOUT);
    }
}
