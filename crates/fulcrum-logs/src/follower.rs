//! A reader of the hub with its own bounded queue.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::chunk::{Chunk, ChunkCursor};
use crate::line::LogLine;
use crate::message::MessageGrouper;
use crate::query::LogQuery;

/// The size of a follower's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Bytes of lines, overhead included. The newest chunk is stored in any case, even if it is
    /// larger.
    pub bytes: usize,
}

impl Default for Capacity {
    /// 1 MiB, about five thousand lines of average length.
    fn default() -> Self {
        Self { bytes: 1024 * 1024 }
    }
}

/// What a follower receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The next line.
    Line(LogLine),
    /// Lines were dropped here.
    Gap(Gap),
}

/// What a reader of whole chunks receives.
#[derive(Debug, Clone, PartialEq)]
pub enum ChunkDelivery {
    /// An earlier line, or one of a chunk that was read in part.
    Line(LogLine),
    /// The next lines, as they were read.
    Chunk(Arc<Chunk>),
    /// Lines were dropped here.
    Gap(Gap),
}

/// A follower was too slow, and its oldest queued lines were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The number of dropped lines that match the query.
    pub missed: u64,
}

/// Receives lines as they are published; created by [`Hub::subscribe`](crate::Hub::subscribe).
///
/// Dropping it ends the subscription. It does not keep the hub open.
pub struct Follower {
    /// Earlier lines; they do not count toward the capacity and are bounded by the ring buffer.
    backlog: VecDeque<LogLine>,
    /// Finds which queued lines continue a message. The backlog has passed it.
    grouper: MessageGrouper,
    queue: Arc<FollowerQueue>,
    snapshot_seq: u64,
    /// Its drop removes the subscription from the hub.
    _registration: Box<dyn Send + Sync>,
}

impl Follower {
    pub(crate) fn new(
        backlog: Vec<LogLine>,
        grouper: MessageGrouper,
        snapshot_seq: u64,
        queue: Arc<FollowerQueue>,
        registration: impl Send + Sync + 'static,
    ) -> Self {
        Self {
            backlog: backlog.into(),
            grouper,
            queue,
            snapshot_seq,
            _registration: Box::new(registration),
        }
    }

    /// The sequence number of the newest line at the subscription. The lines up to it are those of
    /// [`Hub::tail`](crate::Hub::tail).
    #[must_use]
    pub fn snapshot_seq(&self) -> u64 {
        self.snapshot_seq
    }

    /// Removes the earlier lines that were not read yet.
    pub fn backlog(&mut self) -> impl Iterator<Item = LogLine> + '_ {
        self.backlog.drain(..)
    }

    /// Waits for the next line or gap. `None` once the hub is closed or dropped and the queue is
    /// empty. Cancel safe: a future that is dropped before it is ready has removed nothing.
    pub async fn next(&mut self) -> Option<Delivery> {
        loop {
            if let Some(delivery) = self.try_next() {
                return Some(delivery);
            }
            self.wait_for_more().await?;
        }
    }

    /// The same by whole chunks, for readers that need neither the levels of lines nor which of them
    /// belong together: nothing is done for each line.
    pub async fn next_chunk(&mut self) -> Option<ChunkDelivery> {
        loop {
            if let Some(delivery) = self.try_next_chunk() {
                return Some(delivery);
            }
            self.wait_for_more().await?;
        }
    }

    /// `None` if nothing will come any more.
    async fn wait_for_more(&self) -> Option<()> {
        // Queue and state are checked under one lock: a last line that was published after the
        // queue was found empty is not missed. One published before the wait leaves a permit.
        if self.queue.lock().is_closed() {
            return None;
        }
        self.queue.notify.notified().await;
        Some(())
    }

    /// The next queued chunk or gap, without waiting.
    pub fn try_next_chunk(&mut self) -> Option<ChunkDelivery> {
        if let Some(line) = self.backlog.pop_front() {
            return Some(ChunkDelivery::Line(line));
        }
        self.queue.lock().pop_chunk()
    }

    /// The next queued line or gap, without waiting; for writing several lines at once.
    pub fn try_next(&mut self) -> Option<Delivery> {
        if let Some(line) = self.backlog.pop_front() {
            return Some(Delivery::Line(line));
        }
        let mut delivery = self.queue.lock().pop();
        if let Some(Delivery::Line(line)) = &mut delivery {
            self.grouper.assign(line);
        }
        delivery
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower")
            .field("backlog", &self.backlog.len())
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

/// The queue between hub and follower. Its lock is held only while lines are moved.
#[derive(Debug)]
pub(crate) struct FollowerQueue {
    queue: Mutex<Queue>,
    notify: Notify,
}

impl FollowerQueue {
    /// `dropped` counts the lines that it drops.
    pub(crate) fn new(capacity: Capacity, dropped: Arc<AtomicU64>) -> Self {
        Self {
            queue: Mutex::new(Queue::new(capacity.bytes, dropped)),
            notify: Notify::new(),
        }
    }

    /// Adds the lines of a chunk that match `query`.
    pub(crate) fn deliver(&self, chunk: &Arc<Chunk>, query: &LogQuery) {
        if !query.matches_chunk(chunk) {
            return;
        }
        if query.level.is_none() {
            self.lock().push(QueuedChunk::whole(Arc::clone(chunk)));
        } else {
            let mut queue = self.lock();
            let grouper = &mut queue.grouper;
            let matching: Vec<LogLine> = chunk
                .lines()
                .filter_map(|mut line| {
                    grouper.assign(&mut line);
                    query.matches_level(&line).then_some(line)
                })
                .collect();
            if matching.is_empty() {
                return;
            }
            if matching.len() == chunk.lines.lines as usize {
                queue.push(QueuedChunk::whole(Arc::clone(chunk)));
            } else {
                for line in &matching {
                    queue.push(QueuedChunk::whole(Arc::new(Chunk::single_line(line))));
                }
            }
        }
        self.notify.notify_one();
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.notify.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A queue is consistent after every statement, so a panic elsewhere does not matter.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A chunk of which some lines may have been read.
#[derive(Debug)]
struct QueuedChunk {
    chunk: Arc<Chunk>,
    cursor: ChunkCursor,
}

impl QueuedChunk {
    fn whole(chunk: Arc<Chunk>) -> Self {
        Self {
            chunk,
            cursor: ChunkCursor::default(),
        }
    }

    fn remaining(&self) -> u64 {
        u64::from(self.chunk.lines.lines - self.cursor.lines_read())
    }
}

/// The queued lines of one follower; the oldest are dropped when there are too many.
#[derive(Debug)]
struct Queue {
    capacity: usize,
    bytes: usize,
    chunks: VecDeque<QueuedChunk>,
    missed: u64,
    /// All lines that followers of the hub have missed.
    dropped: Arc<AtomicU64>,
    closed: bool,
    /// For a query with a level: a message has the level of its first line.
    grouper: MessageGrouper,
}

impl Queue {
    fn new(capacity: usize, dropped: Arc<AtomicU64>) -> Self {
        Self {
            capacity,
            bytes: 0,
            chunks: VecDeque::new(),
            missed: 0,
            dropped,
            closed: false,
            grouper: MessageGrouper::default(),
        }
    }

    fn push(&mut self, chunk: QueuedChunk) {
        self.bytes += chunk.chunk.memory_cost();
        self.chunks.push_back(chunk);
        if self.bytes > self.capacity {
            // Down to half, so that a follower that stays too slow gets many lines between two
            // gaps.
            while self.bytes > self.capacity / 2 && self.chunks.len() > 1 {
                if let Some(oldest) = self.chunks.pop_front() {
                    self.bytes -= oldest.chunk.memory_cost();
                    self.missed += oldest.remaining();
                    self.dropped
                        .fetch_add(oldest.remaining(), Ordering::Relaxed);
                }
            }
        }
    }

    fn pop(&mut self) -> Option<Delivery> {
        if self.missed > 0 {
            let missed = std::mem::take(&mut self.missed);
            return Some(Delivery::Gap(Gap { missed }));
        }
        let first = self.chunks.front_mut()?;
        let line = first.chunk.line(&mut first.cursor)?;
        if first.remaining() == 0 {
            self.bytes -= first.chunk.memory_cost();
            self.chunks.pop_front();
        }
        Some(Delivery::Line(line))
    }

    fn pop_chunk(&mut self) -> Option<ChunkDelivery> {
        let is_whole = |first: &QueuedChunk| first.cursor.lines_read() == 0;
        if self.missed > 0 || !self.chunks.front().is_some_and(is_whole) {
            return Some(match self.pop()? {
                Delivery::Line(line) => ChunkDelivery::Line(line),
                Delivery::Gap(gap) => ChunkDelivery::Gap(gap),
            });
        }
        let QueuedChunk { chunk, .. } = self.chunks.pop_front()?;
        self.bytes -= chunk.memory_cost();
        Some(ChunkDelivery::Chunk(chunk))
    }

    fn is_closed(&self) -> bool {
        self.closed && self.chunks.is_empty() && self.missed == 0
    }
}
