//! Where all lines meet: they get their order here, are remembered, and go to every follower.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::buffer_pool::BufferPool;
use crate::clock::wall_clock;
use crate::follower::FollowerQueue;
use crate::ring::RingBuffer;
use crate::store::WriteQueue;
use crate::{
    Capacity, Chunk, FULCRUM_SOURCE, Follower, Level, LineBatch, LineSplitter, LogLine, LogQuery,
    MAX_LINE, Source, Store, Stream,
};

/// Between a pump's look at the clock and the number that its lines get passes less than this.
const CLOCK_SKEW_TOLERANCE: Duration = Duration::from_secs(1);

/// How big a hub is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubConfig {
    /// Bytes of lines that are remembered for those who ask later, all domains together.
    pub ring_bytes: usize,
}

impl Default for HubConfig {
    /// 4 MiB, about twenty thousand lines of ordinary length.
    fn default() -> Self {
        Self {
            ring_bytes: 4 * 1024 * 1024,
        }
    }
}

/// The one place that all lines of an instance go through. Clones are handles to the same hub.
///
/// Publishing never waits for anyone: it moves lines under short locks, and a follower that doesn't
/// keep up loses its own oldest lines. When the last handle is dropped the hub closes.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    /// What floods are read into.
    pool: BufferPool,
    /// Where lines are kept for good, if they are.
    intake: Option<Arc<WriteQueue>>,
}

struct State {
    last_seq: u64,
    /// When the newest lines were read.
    last_time: SystemTime,
    ring: RingBuffer,
    subscriptions: Vec<Subscription>,
    last_id: u64,
    closed: bool,
}

struct Subscription {
    id: u64,
    query: LogQuery,
    inbox: Arc<FollowerQueue>,
}

impl Hub {
    /// An empty hub that keeps nothing but what it remembers.
    #[must_use]
    pub fn new(config: HubConfig) -> Self {
        Self::with(config, 0, None)
    }

    /// An empty hub whose lines are kept in a store, too. They are numbered on from those that are
    /// in it already.
    #[must_use]
    pub fn with_store(config: HubConfig, store: &Store) -> Self {
        Self::with(config, store.last_seq(), Some(store.intake()))
    }

    fn with(config: HubConfig, last_seq: u64, intake: Option<Arc<WriteQueue>>) -> Self {
        Self {
            inner: Arc::new(Inner {
                intake,
                pool: BufferPool::default(),
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

    /// Publishes one line, read at `now`, and gives the number it got. One longer than
    /// [`MAX_LINE`] is cut like any other; the number is then that of its last piece.
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
        });
        if line.lines.text.len() <= MAX_LINE {
            return self.publish_chunk(line);
        }
        let mut splitter = LineSplitter::new(MAX_LINE);
        splitter.push(&std::mem::take(&mut line.lines.text));
        let runs = std::iter::from_fn(|| splitter.finish());
        let mut last = 0;
        for run in runs {
            let continues = true;
            last = self.publish_chunk(Chunk {
                lines: LineBatch { continues, ..run },
                ..line.clone()
            });
        }
        last
    }

    /// Publishes Fulcrum's own words about `domain`, or about nobody in particular
    /// ([`FULCRUM`](crate::FULCRUM)), a line for each line of `text`. Gives the number of the last.
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
        while let Some(run) = splitter.finish() {
            last = self.publish_chunk(Chunk {
                first_seq: 0,
                time: now,
                source: source.clone(),
                stream: Stream::Fulcrum,
                explicit_level: Some(level),
                lines: run,
            });
        }
        last
    }

    /// Publishes one of Fulcrum's own lines that concerns no domain, at the present time. Gives the
    /// number of the last line of `text`.
    pub fn log(&self, level: Level, text: impl Into<String>) -> u64 {
        self.publish_event(FULCRUM_SOURCE, 0, level, text.into(), wall_clock())
    }

    /// Publishes lines that came together; gives the number of the last.
    pub(crate) fn publish_chunk(&self, chunk: Chunk) -> u64 {
        let lines = u64::from(chunk.lines.lines);
        // Allocated before the lock is taken; only the number has to be given under it.
        let mut chunk = Arc::new(chunk);
        let mut state = self.inner.lock();
        let numbered = Arc::get_mut(&mut chunk).expect("nobody else has seen it yet");
        numbered.first_seq = state.last_seq + 1;
        numbered.time = monotonic(numbered.time, state.last_time);
        state.last_time = numbered.time;
        state.last_seq += lines;
        for subscription in &state.subscriptions {
            subscription.inbox.deliver(&chunk, &subscription.query);
        }
        if let Some(intake) = &self.inner.intake {
            // Under the lock, so that the store gets them in order.
            intake.push(&chunk);
        }
        state.ring.push(chunk);
        state.last_seq
    }

    /// Returns once there is room for what is read next; at once but for a store whose disk is
    /// slower than what is said. One whose disk stands still is waited for a moment only, and then
    /// left behind.
    pub async fn wait_for_capacity(&self) {
        if let Some(intake) = &self.inner.intake {
            intake.room().await;
        }
    }

    /// Returns once what was published until now is in the store, if there is one; a disk that
    /// stands still is waited for a moment only. Whoever reads the store then, and the lines that
    /// were remembered before, has all of them.
    pub async fn flushed(&self) {
        if let Some(intake) = &self.inner.intake {
            intake.written().await;
        }
    }

    pub(crate) fn pool(&self) -> BufferPool {
        self.inner.pool.clone()
    }

    /// The number of the newest line.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.inner.lock().last_seq
    }

    /// The remembered lines that a query asks for, in order.
    #[must_use]
    pub fn tail(&self, query: &LogQuery) -> Vec<LogLine> {
        let found = self.inner.lock().ring.select(query);
        in_order(found, query.tail)
    }

    /// The last `n` lines of one stream of one life of a domain, in order: what an explanation of
    /// a crash shows.
    #[must_use]
    pub fn last_lines(
        &self,
        domain: &str,
        generation: u64,
        stream: Stream,
        n: usize,
    ) -> Vec<LogLine> {
        self.tail(&LogQuery {
            generation: Some(generation),
            stream: Some(stream),
            tail: Some(n),
            ..LogQuery::domain(domain)
        })
    }

    /// First what [`tail`](Self::tail) gives for the query, then every later line that matches it:
    /// none left out in between, none twice. On a closed hub, the first part alone.
    #[must_use]
    pub fn subscribe(&self, query: LogQuery, capacity: Capacity) -> Follower {
        let inbox = Arc::new(FollowerQueue::new(capacity));
        let n = query.tail;
        let mut state = self.inner.lock();
        // Looked up and registered under one lock: this is what makes the seam gapless.
        let found = state.ring.select(&query);
        let seam = state.last_seq;
        if state.closed {
            inbox.close();
        }
        state.last_id += 1;
        let id = state.last_id;
        state.subscriptions.push(Subscription {
            id,
            query,
            inbox: Arc::clone(&inbox),
        });
        drop(state);
        let registration = Registration {
            hub: Arc::downgrade(&self.inner),
            id,
        };
        Follower::new(in_order(found, n), seam, inbox, registration)
    }

    /// Ends all followers once they have taken what waits for them. Lines published later are
    /// still numbered and remembered.
    pub fn close(&self) {
        self.inner.lock().close();
    }

    /// How many followers there are.
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
        // Nothing in here panics between two halves of a change; a domain must not lose its log
        // because a thread died.
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
            subscription.inbox.close();
        }
    }
}

/// Makes the hub forget a follower when that is dropped.
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

/// A time that isn't before that of the lines numbered before: two pumps look at the clock and are
/// numbered the other way round. A clock that was set back is another matter, and is shown as it
/// is.
fn monotonic(time: SystemTime, last: SystemTime) -> SystemTime {
    match last.duration_since(time) {
        Ok(behind) if behind < CLOCK_SKEW_TOLERANCE => last,
        Ok(_) | Err(_) => time,
    }
}

fn in_order(mut lines: Vec<LogLine>, n: Option<usize>) -> Vec<LogLine> {
    lines.sort_unstable_by_key(|line| line.seq);
    if let Some(n) = n {
        lines.drain(..lines.len().saturating_sub(n));
    }
    lines
}
