//! Where all lines meet: they get their order here, are remembered, and go to every follower.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use bytes::Bytes;

use crate::batch::{Batch, Draft};
use crate::follower::Inbox;
use crate::ring::Ring;
use crate::splitter::cut;
use crate::{Capacity, Follower, Level, LogLine, MAX_LINE, Piece, Query, Source, Stream};

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
}

struct State {
    last_seq: u64,
    ring: Ring,
    subscriptions: Vec<Subscription>,
    last_id: u64,
    closed: bool,
}

struct Subscription {
    id: u64,
    query: Query,
    inbox: Arc<Inbox>,
}

impl Hub {
    /// An empty hub.
    #[must_use]
    pub fn new(config: HubConfig) -> Self {
        Self {
            inner: Arc::new(Inner {
                state: Mutex::new(State {
                    last_seq: 0,
                    ring: Ring::new(config.ring_bytes),
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
        if message.len() <= MAX_LINE {
            return self.publish_batch(Batch::single(source, stream, level, message, partial, now));
        }
        let mut draft = Draft::default();
        cut(&message, MAX_LINE, partial, &mut |piece| {
            self.add(&mut draft, piece, level, &source, stream, now);
        });
        self.flush(&mut draft, &source, stream, now)
    }

    /// Publishes Fulcrum's own words about `domain`, or about nobody in particular
    /// ([`FULCRUM`](crate::FULCRUM)), a line for each line of `text`. Gives the number of the last.
    pub fn announce(
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
        let stream = Stream::Fulcrum;
        let mut draft = Draft::default();
        for line in text.split('\n') {
            let line = line.strip_suffix('\r').unwrap_or(line);
            cut(line.as_bytes(), MAX_LINE, false, &mut |piece| {
                self.add(&mut draft, piece, Some(level), &source, stream, now);
            });
        }
        self.flush(&mut draft, &source, stream, now)
    }

    /// Adds a piece to a draft, publishing what is in it first if it is full.
    pub(crate) fn add(
        &self,
        draft: &mut Draft,
        piece: Piece<'_>,
        level: Option<Level>,
        source: &Source,
        stream: Stream,
        now: SystemTime,
    ) {
        if draft.is_full_for(piece) {
            self.flush(draft, source, stream, now);
        }
        draft.add(piece, level);
    }

    /// Publishes what is in a draft; gives the number of the last line published here at all.
    pub(crate) fn flush(
        &self,
        draft: &mut Draft,
        source: &Source,
        stream: Stream,
        now: SystemTime,
    ) -> u64 {
        match draft.seal(source, stream, now) {
            Some(batch) => self.publish_batch(batch),
            None => self.inner.lock().last_seq,
        }
    }

    fn publish_batch(&self, batch: Batch) -> u64 {
        let lines = batch.len() as u64;
        // Allocated before the lock is taken; only the number has to be given under it.
        let mut batch = Arc::new(batch);
        let mut state = self.inner.lock();
        Arc::get_mut(&mut batch)
            .expect("nobody else has seen it yet")
            .first_seq = state.last_seq + 1;
        state.last_seq += lines;
        for subscription in &state.subscriptions {
            subscription.inbox.deliver(&batch, &subscription.query);
        }
        state.ring.push(batch);
        state.last_seq
    }

    /// The remembered lines that a query asks for, in order.
    #[must_use]
    pub fn tail(&self, query: &Query) -> Vec<LogLine> {
        let found = self.inner.lock().ring.select(query);
        in_order(found, query.n)
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
        self.tail(&Query {
            generation: Some(generation),
            stream: Some(stream),
            n: Some(n),
            ..Query::domain(domain)
        })
    }

    /// First what [`tail`](Self::tail) gives for the query, then every later line that matches it:
    /// none left out in between, none twice. On a closed hub, the first part alone.
    #[must_use]
    pub fn subscribe(&self, query: Query, capacity: Capacity) -> Follower {
        let inbox = Arc::new(Inbox::new(capacity));
        let n = query.n;
        let mut state = self.inner.lock();
        // Looked up and registered under one lock: this is what makes the seam gapless.
        let found = state.ring.select(&query);
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
        Follower::new(in_order(found, n), inbox, registration)
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

fn in_order(mut lines: Vec<LogLine>, n: Option<usize>) -> Vec<LogLine> {
    lines.sort_unstable_by_key(|line| line.seq);
    if let Some(n) = n {
        lines.drain(..lines.len().saturating_sub(n));
    }
    lines
}
