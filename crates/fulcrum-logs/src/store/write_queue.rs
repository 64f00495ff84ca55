//! Between those who say something and the thread that writes it down.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::Chunk;

/// What may wait to be written before those who read pipes wait, too.
const QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// A disk that has finished nothing for so long stands still, and nobody waits for it any more. A
/// domain may be frozen for as long; heartbeats are rarer.
const STALL_TIMEOUT: Duration = Duration::from_millis(250);

/// So much is written at once where there is so much; less, after a moment.
const BATCH_BYTES: usize = 256 * 1024;

/// How long the writer lets lines gather: a flood would wake it for every read of a pipe.
const COALESCE_DELAY: Duration = Duration::from_millis(1);

/// What waits to be written: bounded, in order.
#[derive(Debug, Default)]
pub(crate) struct WriteQueue {
    queue: Mutex<Queue>,
    /// Wakes the writer.
    work: Condvar,
    /// Wakes those who wait for room.
    room: Notify,
    /// Wakes those who wait until something is written.
    written: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Arc<Chunk>>,
    /// Of what waits and of what is being written.
    bytes: usize,
    /// How many chunks were taken in.
    taken: u64,
    /// How many of them the writer is done with.
    progress: u64,
    /// The writer stands still: what it has no room for is left out.
    stalled: bool,
    /// Lines that were left out, by domain.
    dropped: BTreeMap<Arc<str>, u64>,
    closed: bool,
    /// The writer sleeps until something comes, or until enough has.
    writer: WriterState,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum WriterState {
    #[default]
    Nobody,
    Anything,
    Enough,
}

/// What the writer is handed.
#[derive(Debug)]
pub(super) struct WriteBatch {
    pub(super) chunks: VecDeque<Arc<Chunk>>,
    /// Lines that were left out before these, by domain.
    pub(super) dropped: BTreeMap<Arc<str>, u64>,
}

impl WriteQueue {
    /// Takes a chunk, without waiting.
    pub(crate) fn push(&self, chunk: &Arc<Chunk>) {
        let mut queue = self.lock();
        if queue.closed || (queue.stalled && queue.bytes > QUEUE_BYTES) {
            let domain = Arc::clone(&chunk.source.domain);
            *queue.dropped.entry(domain).or_default() += u64::from(chunk.lines.lines);
            return;
        }
        queue.taken += 1;
        queue.bytes += chunk.memory_cost();
        queue.waiting.push_back(Arc::clone(chunk));
        let wake = match queue.writer {
            WriterState::Nobody => false,
            WriterState::Anything => true,
            WriterState::Enough => queue.bytes >= BATCH_BYTES,
        };
        drop(queue);
        if wake {
            self.work.notify_one();
        }
    }

    /// Returns once there is room, or the disk stands still.
    pub(crate) async fn room(&self) {
        loop {
            let news = self.room.notified();
            let before = {
                let queue = self.lock();
                if queue.bytes <= QUEUE_BYTES || queue.stalled || queue.closed {
                    return;
                }
                queue.progress
            };
            if timeout(STALL_TIMEOUT, news).await.is_err() {
                let mut queue = self.lock();
                queue.stalled |= queue.progress == before;
            }
        }
    }

    /// Returns once everything that was taken in until now is written, or the disk stands still.
    pub(crate) async fn written(&self) {
        let goal = self.lock().taken;
        loop {
            let news = self.written.notified();
            let before = {
                let queue = self.lock();
                if queue.progress >= goal || queue.stalled {
                    return;
                }
                queue.progress
            };
            if timeout(STALL_TIMEOUT, news).await.is_err() && self.lock().progress == before {
                return;
            }
        }
    }

    /// Waits for work; none when it is closed and everything was taken.
    pub(super) fn take(&self) -> Option<WriteBatch> {
        let mut queue = self.lock();
        while queue.waiting.is_empty() && queue.dropped.is_empty() {
            if queue.closed {
                return None;
            }
            queue.writer = WriterState::Anything;
            let woken = self.work.wait(queue);
            queue = woken.unwrap_or_else(PoisonError::into_inner);
        }
        if queue.bytes < BATCH_BYTES && !queue.closed {
            queue.writer = WriterState::Enough;
            let woken = self.work.wait_timeout(queue, COALESCE_DELAY);
            queue = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        queue.writer = WriterState::Nobody;
        Some(WriteBatch {
            chunks: std::mem::take(&mut queue.waiting),
            dropped: std::mem::take(&mut queue.dropped),
        })
    }

    /// So many of the chunks are done with, and so many bytes.
    pub(super) fn done(&self, chunks: usize, bytes: usize) {
        let mut queue = self.lock();
        queue.bytes = queue.bytes.saturating_sub(bytes);
        queue.progress += chunks as u64;
        queue.stalled = false;
        let room = queue.bytes <= QUEUE_BYTES;
        drop(queue);
        self.written.notify_waiters();
        if room {
            self.room.notify_waiters();
        }
    }

    /// Nothing is taken any more; what is there is still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_one();
        self.room.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Whole after every statement.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::time::Instant;

    use super::*;
    use crate::{LogLine, Source, Stream};

    fn chunk() -> Arc<Chunk> {
        Arc::new(Chunk::single_line(&LogLine {
            seq: 1,
            time: std::time::SystemTime::UNIX_EPOCH,
            source: Source {
                domain: Arc::from("users"),
                generation: 1,
                pid: 1,
            },
            stream: Stream::Stdout,
            level: None,
            message: Bytes::from_static(b"x"),
            partial: false,
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_later_is_not_waited_for() {
        let intake = WriteQueue::default();
        intake.written().await;
        (0..3).for_each(|_| intake.push(&chunk()));
        let mut waiting = std::pin::pin!(intake.written());
        let early = timeout(Duration::from_millis(20), waiting.as_mut()).await;
        assert!(early.is_err(), "nothing is written yet");
        let work = intake.take().expect("three chunks");
        intake.push(&chunk());
        intake.done(2, 0);
        let early = timeout(Duration::from_millis(20), waiting.as_mut()).await;
        assert!(early.is_err(), "two of {} are written", work.chunks.len());
        intake.done(1, 0);
        waiting.await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_stands_still_is_not_waited_for() {
        let intake = WriteQueue::default();
        intake.push(&chunk());
        let begun = Instant::now();
        intake.written().await;
        assert!(begun.elapsed() >= STALL_TIMEOUT);
    }
}
