//! One reader of the hub, with a queue of its own that nobody else has to wait for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::chunk::ChunkCursor;
use crate::{Chunk, LogLine, LogQuery};

/// How much a follower may have waiting for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Bytes of lines, charged with their text and what keeping them takes. What was said last is
    /// kept in any case, up to what one read brings (64 KiB of text).
    pub bytes: usize,
}

impl Default for Capacity {
    /// 1 MiB, about five thousand lines of ordinary length.
    fn default() -> Self {
        Self { bytes: 1024 * 1024 }
    }
}

/// What a follower is handed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The next line.
    Line(LogLine),
    /// Lines are missing here.
    Gap(Gap),
}

/// A follower fell behind, and its oldest waiting lines were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// How many lines that it had asked for.
    pub missed: u64,
}

/// Reads lines as they are published; made by [`Hub::subscribe`](crate::Hub::subscribe).
///
/// Dropping it ends the subscription. It doesn't keep the hub alive.
pub struct Follower {
    /// Lines that were there already; not charged to the capacity, bounded by the ring.
    backlog: VecDeque<LogLine>,
    inbox: Arc<FollowerQueue>,
    snapshot_seq: u64,
    /// Tells the hub to forget this follower.
    _registration: Box<dyn Send + Sync>,
}

impl Follower {
    pub(crate) fn new(
        backlog: Vec<LogLine>,
        snapshot_seq: u64,
        inbox: Arc<FollowerQueue>,
        registration: impl Send + Sync + 'static,
    ) -> Self {
        Self {
            backlog: backlog.into(),
            inbox,
            snapshot_seq,
            _registration: Box::new(registration),
        }
    }

    /// The number of the newest line that was there when this follower was made. Lines up to it
    /// are what [`Hub::tail`](crate::Hub::tail) gives.
    #[must_use]
    pub fn snapshot_seq(&self) -> u64 {
        self.snapshot_seq
    }

    /// The lines that were there already, as far as they haven't been taken.
    pub fn backlog(&mut self) -> impl Iterator<Item = LogLine> + '_ {
        self.backlog.drain(..)
    }

    /// Waits for the next line or gap. `None` once the hub is closed, or gone, and everything
    /// waiting has been taken. Cancel safe: a future dropped before it is ready has taken nothing.
    pub async fn next(&mut self) -> Option<Delivery> {
        loop {
            if let Some(delivery) = self.try_next() {
                return Some(delivery);
            }
            // Whether it is over is asked about queue and hub at once: a last line published after
            // the look above isn't left behind. One published before the wait leaves a permit.
            if self.inbox.lock().is_closed() {
                return None;
            }
            self.inbox.notify.notified().await;
        }
    }

    /// What is waiting right now, without waiting: for writing out several lines at once.
    pub fn try_next(&mut self) -> Option<Delivery> {
        if let Some(line) = self.backlog.pop_front() {
            return Some(Delivery::Line(line));
        }
        self.inbox.lock().pop()
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower")
            .field("backlog", &self.backlog.len())
            .field("inbox", &self.inbox)
            .finish_non_exhaustive()
    }
}

/// The place where hub and follower meet. Its lock is only ever held for moving lines.
#[derive(Debug)]
pub(crate) struct FollowerQueue {
    queue: Mutex<Queue>,
    notify: Notify,
}

impl FollowerQueue {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self {
            queue: Mutex::new(Queue::new(capacity.bytes)),
            notify: Notify::new(),
        }
    }

    /// Hands over those lines of a chunk that `query` wants.
    pub(crate) fn deliver(&self, chunk: &Arc<Chunk>, query: &LogQuery) {
        if !query.wants_chunk(chunk) {
            return;
        }
        if query.level.is_none() {
            self.lock().push(QueuedChunk::whole(Arc::clone(chunk)));
        } else {
            let wanted: Vec<LogLine> = chunk
                .lines()
                .filter(|line| query.wants_line(line))
                .collect();
            if wanted.is_empty() {
                return;
            }
            let mut queue = self.lock();
            if wanted.len() == chunk.lines.lines as usize {
                queue.push(QueuedChunk::whole(Arc::clone(chunk)));
            } else {
                for line in &wanted {
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
        // A queue is whole after every statement: a panic elsewhere is no reason to stop reading.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A chunk of which some lines may have been taken.
#[derive(Debug)]
struct QueuedChunk {
    chunk: Arc<Chunk>,
    place: ChunkCursor,
}

impl QueuedChunk {
    fn whole(chunk: Arc<Chunk>) -> Self {
        Self {
            chunk,
            place: ChunkCursor::default(),
        }
    }

    fn left(&self) -> u64 {
        u64::from(self.chunk.lines.lines - self.place.taken())
    }
}

/// Lines waiting for one follower; the oldest go when there are too many.
#[derive(Debug)]
struct Queue {
    capacity: usize,
    bytes: usize,
    waiting: VecDeque<QueuedChunk>,
    missed: u64,
    closed: bool,
}

impl Queue {
    fn new(capacity: usize) -> Self {
        Self {
            capacity,
            bytes: 0,
            waiting: VecDeque::new(),
            missed: 0,
            closed: false,
        }
    }

    fn push(&mut self, waiting: QueuedChunk) {
        self.bytes += waiting.chunk.memory_cost();
        self.waiting.push_back(waiting);
        if self.bytes > self.capacity {
            // Down to half, so that a follower that stays too slow reads runs of lines with a gap
            // now and then, and not a gap at every turn.
            while self.bytes > self.capacity / 2 && self.waiting.len() > 1 {
                if let Some(oldest) = self.waiting.pop_front() {
                    self.bytes -= oldest.chunk.memory_cost();
                    self.missed += oldest.left();
                }
            }
        }
    }

    fn pop(&mut self) -> Option<Delivery> {
        if self.missed > 0 {
            let missed = std::mem::take(&mut self.missed);
            return Some(Delivery::Gap(Gap { missed }));
        }
        let first = self.waiting.front_mut()?;
        let line = first.chunk.line(&mut first.place)?;
        if first.left() == 0 {
            self.bytes -= first.chunk.memory_cost();
            self.waiting.pop_front();
        }
        Some(Delivery::Line(line))
    }

    fn is_closed(&self) -> bool {
        self.closed && self.waiting.is_empty() && self.missed == 0
    }
}
