//! The registered stream of a route: the calls in flight on it, and how it reads. No I/O.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use super::event_queue::{EventContent, EventQueue};

/// The number of a call. A later call has a greater number.
pub(crate) type CallId = u64;

/// Cancellations that wait to be read. Beyond it they are dropped: they are only a courtesy.
const MAX_CANCELLATIONS: usize = 10_000;

/// What the client of a stream supports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamTraits {
    /// It refuses calls while it drains, so that a copy of each is kept.
    pub(crate) drain: bool,
    /// It is told of calls whose caller has given up.
    pub(crate) cancel: bool,
}

/// What a stream sends next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outgoing<C> {
    /// A call.
    Call(CallId, C),
    /// The caller of this call has given up.
    Cancel(CallId),
    /// The caller of this call wants as many more parts.
    Credit(CallId, u32),
    /// An event, and how many were dropped before it.
    Event(Arc<EventContent>, u64),
}

/// A call that was sent.
#[derive(Debug)]
pub(crate) struct InFlight<C, W> {
    pub(crate) waiter: W,
    /// The call and its size, while it may have to be sent again.
    pub(crate) kept: Option<(C, usize)>,
    pub(crate) may_wait: bool,
}

/// The stream of a route.
#[derive(Debug)]
pub(crate) struct Slot<C, W> {
    pub(crate) stream: u64,
    pub(crate) traits: StreamTraits,
    /// It may be sent calls: it is not draining.
    pub(crate) accepts: bool,
    pub(crate) in_flight: HashMap<CallId, InFlight<C, W>>,
    pub(crate) kept_bytes: usize,
    pub(crate) cancellations: VecDeque<CallId>,
    /// More parts that callers want, of calls in flight.
    pub(crate) credits: BTreeMap<CallId, u32>,
    /// Events that the domain has subscribed to.
    pub(crate) events: EventQueue,
    /// An event was sent last, so that the next one waits for a call.
    pub(crate) sent_event: bool,
    /// It has asked for something to send and got nothing.
    pub(crate) wants: bool,
    /// When it was last given something to send, or asked for it.
    pub(crate) read_at: Instant,
}

impl<C, W> Slot<C, W> {
    pub(crate) fn new(stream: u64, traits: StreamTraits, now: Instant) -> Self {
        Self {
            stream,
            traits,
            accepts: true,
            in_flight: HashMap::new(),
            kept_bytes: 0,
            cancellations: VecDeque::new(),
            credits: BTreeMap::new(),
            events: EventQueue::default(),
            sent_event: false,
            wants: false,
            read_at: now,
        }
    }

    /// Removes a call that is in flight.
    pub(crate) fn take(&mut self, id: CallId) -> Option<InFlight<C, W>> {
        let call = self.in_flight.remove(&id)?;
        self.credits.remove(&id);
        if let Some((_, size)) = &call.kept {
            self.kept_bytes -= size;
        }
        Some(call)
    }

    /// Removes all calls in flight, and returns their waiters in the order of the calls.
    pub(crate) fn take_all(&mut self) -> Vec<W> {
        self.kept_bytes = 0;
        self.credits.clear();
        let calls: BTreeMap<_, _> = self.in_flight.drain().collect();
        calls.into_values().map(|call| call.waiter).collect()
    }

    /// What is to be sent before any call.
    pub(crate) fn pop_notice<T>(&mut self) -> Option<Outgoing<T>> {
        if let Some(id) = self.cancellations.pop_front() {
            return Some(Outgoing::Cancel(id));
        }
        let (id, parts) = self.credits.pop_first()?;
        Some(Outgoing::Credit(id, parts))
    }

    /// The next event, if it is its turn: events and calls take turns.
    pub(crate) fn pop_event<T>(&mut self, has_calls: bool) -> Option<Outgoing<T>> {
        if std::mem::take(&mut self.sent_event) && has_calls {
            return None;
        }
        let (event, missed) = self.events.pop()?;
        self.sent_event = true;
        Some(Outgoing::Event(event, missed))
    }

    /// Whether [`Self::pop_notice`] has something.
    pub(crate) fn has_notice(&self) -> bool {
        !self.cancellations.is_empty() || !self.credits.is_empty()
    }

    /// Notes that the caller of a call in flight has given up; true if the domain is to be told.
    pub(crate) fn cancel(&mut self, id: CallId) -> bool {
        let told = self.traits.cancel && self.cancellations.len() < MAX_CANCELLATIONS;
        if told {
            self.cancellations.push_back(id);
        }
        told
    }
}
