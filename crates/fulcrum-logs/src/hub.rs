//! Orders the lines of all sources, stores the newest, and delivers them to followers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::buffer_pool::BufferPool;
use crate::chunk::Chunk;
use crate::clock::wall_clock;
use crate::follower::{Capacity, Follower, FollowerQueue};
use crate::line::{FULCRUM_SOURCE, Level, LogLine, Source, Stream};
use crate::line_splitter::{LineBatch, LineSplitter, MAX_LINE};
use crate::message::MessageGrouper;
use crate::query::LogQuery;
use crate::ring::RingBuffer;
use crate::store::{Store, WriteQueue};

/// The longest time between the read of the clock in a pump and the numbering of its lines.
const CLOCK_SKEW_TOLERANCE: Duration = Duration::from_secs(1);

/// The size of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubConfig {
    /// Bytes of the newest lines that stay in memory, all domains together.
    pub ring_bytes: usize,
}

impl Default for HubConfig {
    /// 4 MiB, about twenty thousand lines of average length.
    fn default() -> Self {
        Self {
            ring_bytes: 4 * 1024 * 1024,
        }
    }
}

/// Lines that were not delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DroppedLines {
    /// Lines that followers missed since they were too slow; one that two of them missed counts twice.
    pub followers: u64,
    /// Lines that are not in the store, since the disk stalled or an error occurred.
    pub store: u64,
}

/// Receives all lines of an instance. Clones are handles to the same hub.
///
/// Publishing never waits: it moves lines under short locks, and a follower that is too slow loses
/// its own oldest lines. The hub closes when the last handle is dropped.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    /// Read buffers.
    pool: BufferPool,
    /// The queue to the store, if there is one.
    write_queue: Option<Arc<WriteQueue>>,
    dropped_by_followers: Arc<AtomicU64>,
}

struct State {
    last_seq: u64,
    /// The time of the newest lines.
    last_time: SystemTime,
    ring: RingBuffer,
    subscriptions: Vec<Subscription>,
    last_id: u64,
    closed: bool,
}

struct Subscription {
    id: u64,
    query: LogQuery,
    queue: Arc<FollowerQueue>,
}

impl Hub {
    /// Creates an empty hub without a store.
    #[must_use]
    pub fn new(config: HubConfig) -> Self {
        Self::with(config, 0, None)
    }

    /// Creates an empty hub whose lines are also written to a store. Numbers continue those in the
    /// store.
    #[must_use]
    pub fn with_store(config: HubConfig, store: &Store) -> Self {
        Self::with(config, store.last_seq(), Some(store.write_queue()))
    }

    fn with(config: HubConfig, last_seq: u64, write_queue: Option<Arc<WriteQueue>>) -> Self {
        Self {
            inner: Arc::new(Inner {
                write_queue,
                pool: BufferPool::default(),
                dropped_by_followers: Arc::default(),
                state: Mutex::new(State {
                    last_seq,
                    last_time: SystemTime::UNIX_EPOCH,
                    ring: RingBuffer::new(config.ring_bytes),
                    subscriptions: Vec::new(),
                    last_id: 0,
                    closed: false,
                }),
            }),
        }
    }

    /// Publishes one line that was read at `now` and returns its sequence number. A line longer than
    /// [`MAX_LINE`] is split; the number is then that of its last part.
    pub fn publish(
        &self,
        source: Source,
        stream: Stream,
        level: Option<Level>,
        message: Bytes,
        partial: bool,
        now: SystemTime,
    ) -> u64 {
        let mut line = Chunk::single_line(&LogLine {
            seq: 0,
            time: now,
            source,
            stream,
            level,
            message,
            partial,
            continues: false,
            message_trace: None,
        });
        if line.lines.text.len() <= MAX_LINE {
            return self.publish_chunk(line);
        }
        let mut splitter = LineSplitter::new(MAX_LINE);
        splitter.push(&std::mem::take(&mut line.lines.text));
        let batches = std::iter::from_fn(|| splitter.finish());
        let mut last = 0;
        for batch in batches {
            let continues = true;
            last = self.publish_chunk(Chunk {
                lines: LineBatch { continues, ..batch },
                ..line.clone()
            });
        }
        last
    }

    /// Publishes lines of Fulcrum's own about `domain`, or about none ([`FULCRUM_SOURCE`]): one for
    /// each line of `text`. Returns the number of the last one.
    pub fn publish_event(
        &self,
        domain: &str,
        generation: u64,
        level: Level,
        text: String,
        now: SystemTime,
    ) -> u64 {
        let source = Source {
            domain: Arc::from(domain),
            generation,
            pid: std::process::id(),
        };
        let mut splitter = LineSplitter::new(MAX_LINE);
        splitter.push(text.as_bytes());
        splitter.push(b"\n");
        let mut last = 0;
        while let Some(batch) = splitter.finish() {
            last = self.publish_chunk(Chunk {
                first_seq: 0,
                time: now,
                source: source.clone(),
                stream: Stream::Fulcrum,
                explicit_level: Some(level),
                lines: batch,
            });
        }
        last
    }

    /// Publishes lines of Fulcrum's own that concern no domain, with the present time. Returns the
    /// number of the last one.
    pub fn log(&self, level: Level, text: impl Into<String>) -> u64 {
        self.publish_event(FULCRUM_SOURCE, 0, level, text.into(), wall_clock())
    }

    /// Publishes a chunk and returns the number of its last line.
    pub(crate) fn publish_chunk(&self, chunk: Chunk) -> u64 {
        let lines = u64::from(chunk.lines.lines);
        // Allocated before the lock is acquired; only the number is assigned under it.
        let mut chunk = Arc::new(chunk);
        let mut state = self.inner.lock();
        let numbered = Arc::get_mut(&mut chunk).expect("not shared yet");
        numbered.first_seq = state.last_seq + 1;
        numbered.time = monotonic(numbered.time, state.last_time);
        state.last_time = numbered.time;
        state.last_seq += lines;
        for subscription in &state.subscriptions {
            subscription.queue.deliver(&chunk, &subscription.query);
        }
        if let Some(write_queue) = &self.inner.write_queue {
            // Under the lock, so that the store gets the chunks in order.
            write_queue.push(&chunk);
        }
        state.ring.push(chunk);
        state.last_seq
    }

    /// Waits until the store can accept more lines; returns at once without a store. A disk that
    /// stalls is waited for 250 ms at most; then lines are dropped instead.
    pub async fn wait_for_capacity(&self) {
        if let Some(write_queue) = &self.inner.write_queue {
            write_queue.wait_for_capacity().await;
        }
    }

    /// Waits until all lines published so far are in the store, if there is one; a disk that stalls
    /// is waited for 250 ms at most. The lines in memory before the call and those in the store after
    /// it are all lines.
    pub async fn flushed(&self) {
        if let Some(write_queue) = &self.inner.write_queue {
            write_queue.flushed().await;
        }
    }

    pub(crate) fn pool(&self) -> BufferPool {
        self.inner.pool.clone()
    }

    /// The sequence number of the newest line.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.inner.lock().last_seq
    }

    /// The lines in memory that match a query, in order.
    #[must_use]
    pub fn tail(&self, query: &LogQuery) -> Vec<LogLine> {
        let found = self.inner.lock().ring.select(query);
        in_order(found, query).0
    }

    /// The last `count` lines of one stream of one generation, in order.
    #[must_use]
    pub fn last_lines(
        &self,
        domain: &str,
        generation: u64,
        stream: Stream,
        count: usize,
    ) -> Vec<LogLine> {
        self.tail(&LogQuery {
            generation: Some(generation),
            stream: Some(stream),
            tail: Some(count),
            ..LogQuery::domain(domain)
        })
    }

    /// Creates a follower. It gets the lines of [`tail`](Self::tail) and then every later line that
    /// matches the query, without gap or duplicate in between. On a closed hub, it gets the first
    /// part only.
    #[must_use]
    pub fn subscribe(&self, query: LogQuery, capacity: Capacity) -> Follower {
        let dropped = Arc::clone(&self.inner.dropped_by_followers);
        let queue = Arc::new(FollowerQueue::new(capacity, dropped));
        let selected = query.clone();
        let mut state = self.inner.lock();
        // Selected and registered under one lock, so that no line is missed or duplicated.
        let found = state.ring.select(&query);
        let snapshot_seq = state.last_seq;
        if state.closed {
            queue.close();
        }
        state.last_id += 1;
        let id = state.last_id;
        state.subscriptions.push(Subscription {
            id,
            query,
            queue: Arc::clone(&queue),
        });
        drop(state);
        let registration = Registration {
            hub: Arc::downgrade(&self.inner),
            id,
        };
        let (backlog, grouper) = in_order(found, &selected);
        Follower::new(backlog, grouper, snapshot_seq, queue, registration)
    }

    /// Ends all followers once they have read their queues. Lines published later are still numbered
    /// and stored in memory.
    pub fn close(&self) {
        self.inner.lock().close();
    }

    /// The lines that were dropped since the hub was created.
    #[must_use]
    pub fn dropped_lines(&self) -> DroppedLines {
        let store = self.inner.write_queue.as_ref();
        let store = store.map(|queue| queue.dropped_lines().load(Ordering::Relaxed));
        DroppedLines {
            followers: self.inner.dropped_by_followers.load(Ordering::Relaxed),
            store: store.unwrap_or_default(),
        }
    }

    /// The number of followers.
    #[must_use]
    pub fn followers(&self) -> usize {
        self.inner.lock().subscriptions.len()
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.inner.lock();
        f.debug_struct("Hub")
            .field("last_seq", &state.last_seq)
            .field("followers", &state.subscriptions.len())
            .field("closed", &state.closed)
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent after every statement, so a panic elsewhere does not matter.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.lock().close();
    }
}

impl State {
    fn close(&mut self) {
        self.closed = true;
        for subscription in &self.subscriptions {
            subscription.queue.close();
        }
    }
}

/// Removes a subscription when its follower is dropped.
struct Registration {
    hub: Weak<Inner>,
    id: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(inner) = self.hub.upgrade() {
            inner.lock().subscriptions.retain(|one| one.id != self.id);
        }
    }
}

/// A time that is not before that of earlier lines: two pumps may read the clock in one order and be
/// numbered in the other. A clock that was set back is not corrected.
fn monotonic(time: SystemTime, last: SystemTime) -> SystemTime {
    match last.duration_since(time) {
        Ok(behind) if behind < CLOCK_SKEW_TOLERANCE => last,
        Ok(_) | Err(_) => time,
    }
}

/// The lines in order, with the levels of their messages, as far as the query selects them; and what
/// later lines may continue.
fn in_order(mut lines: Vec<LogLine>, query: &LogQuery) -> (Vec<LogLine>, MessageGrouper) {
    lines.sort_unstable_by_key(|line| line.seq);
    let mut grouper = MessageGrouper::default();
    for line in &mut lines {
        grouper.assign(line);
    }
    lines.retain(|line| query.matches_level(line));
    if let Some(count) = query.tail {
        lines.drain(..lines.len().saturating_sub(count));
    }
    (lines, grouper)
}
