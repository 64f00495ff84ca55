//! The calls of one domain, as a state machine. No I/O, no clock: time is an argument.
//!
//! A call waits in order until the domain's stream asks for it. Then it is in flight, until the
//! domain responds, the caller gives up, or the stream ends. While the domain is to run, calls
//! outlive its streams: they wait for the next one. Every call leaves the machine exactly once, by
//! a return value that has its waiter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::event_queue::EventContent;
use super::slot::{CallId, InFlight, Outgoing, Slot, StreamTraits};
use crate::domain::outlook::Outlook;

/// How much may wait for one domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) calls: usize,
    pub(crate) bytes: usize,
}

impl Limits {
    /// The size of calls for which no room is reserved: all that may wait have room together.
    pub(crate) fn unreserved(self) -> usize {
        (self.bytes / self.calls.max(1)).min(UNRESERVED)
    }
}

/// The largest call for which no room is reserved, in bytes.
const UNRESERVED: usize = 1024;

/// A call that waits to be sent.
#[derive(Debug)]
struct Waiting<C, W> {
    call: C,
    size: usize,
    /// Its bytes are counted elsewhere.
    reserved: bool,
    waiter: W,
    may_wait: bool,
}

impl<C, W> Waiting<C, W> {
    /// Its part of the bytes that wait.
    fn counted(&self) -> usize {
        match self.reserved {
            true => 0,
            false => self.size,
        }
    }
}

/// Why a call is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// No stream is registered, and none is expected; the reason is empty if none is known.
    NotConnected(String),
    /// The caller does not wait for a stream.
    NotNow,
    /// The limits of what may wait are reached.
    Full { calls: usize, bytes: usize },
}

/// What a cancelled call was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancelled {
    /// It waited for a stream.
    Unconnected,
    /// It waited to be read by the stream, which has read nothing since then.
    Unread(Option<Instant>),
    /// The domain was working on it; whether the domain is told.
    InFlight(bool),
    /// Nothing: it has ended.
    Ended,
}

/// What becomes of a call that the domain has refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused<W> {
    /// It waits for the next stream.
    Again,
    /// It cannot be sent again.
    Fails(W),
    /// It has ended.
    Unknown,
}

/// The calls that end with a stream, or with the prospect of one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended<W> {
    /// Those that the domain was working on.
    pub(crate) in_flight: Vec<W>,
    /// Those that waited.
    pub(crate) waiting: Vec<W>,
}

impl<W> Default for Ended<W> {
    fn default() -> Self {
        Self {
            in_flight: Vec::new(),
            waiting: Vec::new(),
        }
    }
}

/// The calls of one domain. `C` is what is sent, `W` receives the response.
#[derive(Debug)]
pub(crate) struct Route<C, W> {
    limits: Limits,
    outlook: Outlook,
    slot: Option<Slot<C, W>>,
    waiting: BTreeMap<CallId, Waiting<C, W>>,
    waiting_bytes: usize,
}

impl<C: Clone, W> Route<C, W> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            outlook: Outlook::Unknown,
            slot: None,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
        }
    }

    /// Adds a call, the latest one: its content, its size, and whether room was reserved for it, so
    /// that it does not count. `may_wait` is whether it waits for a stream.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub(crate) fn submit(
        &mut self,
        id: CallId,
        (call, size, reserved): (C, usize, bool),
        may_wait: bool,
        waiter: W,
    ) -> Result<(), Rejection> {
        if !self.accepts() {
            match &self.outlook {
                Outlook::Coming(_) if may_wait => {}
                Outlook::Coming(_) => return Err(Rejection::NotNow),
                Outlook::NotComing(reason) => return Err(Rejection::NotConnected(reason.clone())),
                Outlook::Unknown => return Err(Rejection::NotConnected(String::new())),
            }
        }
        // One call is accepted whatever its size; messages have a limit of their own.
        let full = !reserved && self.waiting_bytes.saturating_add(size) > self.limits.bytes;
        if self.waiting.len() >= self.limits.calls || (full && !self.waiting.is_empty()) {
            return Err(Rejection::Full {
                calls: self.waiting.len(),
                bytes: self.waiting_bytes,
            });
        }
        let waiting = Waiting {
            call,
            size,
            reserved,
            waiter,
            may_wait,
        };
        self.waiting_bytes += waiting.counted();
        self.waiting.insert(id, waiting);
        Ok(())
    }

    /// Whether a call would be accepted, if there is room for it.
    pub(crate) fn admits(&self, may_wait: bool) -> bool {
        self.accepts() || (may_wait && self.outlook.is_coming())
    }

    /// What the stream sends next. If there is nothing, the stream is to be woken once
    /// [`Self::has_outgoing`] is true again.
    pub(crate) fn pull(&mut self, stream: u64, now: Instant) -> Option<Outgoing<C>> {
        let slot = self.slot.as_mut().filter(|slot| slot.stream == stream)?;
        slot.read_at = now;
        slot.wants = false;
        if let Some(notice) = slot.pop_notice() {
            return Some(notice);
        }
        let has_calls = slot.accepts && !self.waiting.is_empty();
        if let Some(event) = slot.pop_event(has_calls) {
            return Some(event);
        }
        let next = if slot.accepts {
            self.waiting.pop_first()
        } else {
            None
        };
        let Some((id, next)) = next else {
            slot.wants = true;
            return None;
        };
        self.waiting_bytes -= next.counted();
        // A copy is kept only of what may be refused, and of no more than may wait.
        let keeps = slot.traits.drain && slot.kept_bytes + next.size <= self.limits.bytes;
        let kept = keeps.then(|| (next.call.clone(), next.size));
        if keeps {
            slot.kept_bytes += next.size;
        }
        let in_flight = InFlight {
            waiter: next.waiter,
            kept,
            may_wait: next.may_wait,
        };
        slot.in_flight.insert(id, in_flight);
        Some(Outgoing::Call(id, next.call))
    }

    /// Notes that the stream was given something else to send.
    pub(crate) fn note_read(&mut self, stream: u64, now: Instant) {
        if let Some(slot) = self.slot.as_mut().filter(|slot| slot.stream == stream) {
            slot.read_at = now;
            slot.wants = false;
        }
    }

    /// Whether the current stream has something to send.
    pub(crate) fn has_outgoing(&self) -> bool {
        self.slot.as_ref().is_some_and(|slot| {
            slot.has_notice()
                || !slot.events.is_empty()
                || (slot.accepts && !self.waiting.is_empty())
        })
    }

    /// Since when the stream has read nothing although calls wait for it.
    pub(crate) fn unread_since(&self) -> Option<Instant> {
        let slot = self.slot.as_ref()?;
        (slot.accepts && !slot.wants && !self.waiting.is_empty()).then_some(slot.read_at)
    }

    /// Takes the waiter of a call in flight that the domain has responded to.
    pub(crate) fn resolve(&mut self, stream: u64, id: CallId) -> Option<W> {
        let slot = self.slot.as_mut().filter(|slot| slot.stream == stream)?;
        slot.take(id).map(|call| call.waiter)
    }

    /// The waiter of a call in flight, which gets a part of the response.
    pub(crate) fn waiter(&self, stream: u64, id: CallId) -> Option<&W> {
        let slot = self.slot.as_ref().filter(|slot| slot.stream == stream)?;
        slot.in_flight.get(&id).map(|call| &call.waiter)
    }

    /// Adds an event for the domain, which is dropped if it reads too slowly or has gone.
    pub(crate) fn publish(&mut self, stream: u64, event: Arc<EventContent>) -> bool {
        let slot = self.slot.as_mut().filter(|slot| slot.stream == stream);
        slot.is_some_and(|slot| slot.events.push(event))
    }

    /// The caller of a call in flight wants more parts.
    pub(crate) fn grant(&mut self, id: CallId, parts: u32) {
        if let Some(slot) = &mut self.slot
            && slot.in_flight.contains_key(&id)
        {
            *slot.credits.entry(id).or_default() += parts;
        }
    }

    /// The domain has refused a call because it drains. It gets no more of them. Returns the calls
    /// that do not wait for the next stream, too.
    pub(crate) fn refuse(&mut self, stream: u64, id: CallId) -> (Refused<W>, Vec<W>) {
        let slot = self.slot.as_mut().filter(|slot| slot.stream == stream);
        let Some((slot, refused)) = slot.and_then(|slot| {
            let refused = slot.take(id)?;
            Some((slot, refused))
        }) else {
            return (Refused::Unknown, Vec::new());
        };
        slot.accepts = false;
        let InFlight {
            waiter,
            kept,
            may_wait,
        } = refused;
        let refused = match kept {
            Some((call, size)) if may_wait && self.outlook.is_coming() => {
                // Its number puts it before all calls that came later. The size of what is kept is
                // limited already.
                let waiting = Waiting {
                    call,
                    size,
                    reserved: true,
                    waiter,
                    may_wait,
                };
                self.waiting.insert(id, waiting);
                Refused::Again
            }
            _ => Refused::Fails(waiter),
        };
        (refused, self.take_hopeless())
    }

    /// Removes a call whose caller has given up.
    pub(crate) fn cancel(&mut self, id: CallId) -> Cancelled {
        let unread_since = self.unread_since();
        if let Some(call) = self.waiting.remove(&id) {
            self.waiting_bytes -= call.counted();
            return match self.accepts() {
                true => Cancelled::Unread(unread_since),
                false => Cancelled::Unconnected,
            };
        }
        let Some(slot) = &mut self.slot else {
            return Cancelled::Ended;
        };
        match slot.take(id) {
            Some(_) => Cancelled::InFlight(slot.cancel(id)),
            None => Cancelled::Ended,
        }
    }

    /// Tells the domain, if it wants to know, that a call which was just resolved is given up.
    pub(crate) fn cancel_sent(&mut self, id: CallId) {
        if let Some(slot) = &mut self.slot {
            slot.cancel(id);
        }
    }

    /// Removes a call that waits for a stream. False if it does not.
    pub(crate) fn cancel_unconnected(&mut self, id: CallId) -> bool {
        if self.accepts() {
            return false;
        }
        let call = self.waiting.remove(&id);
        self.waiting_bytes -= call.as_ref().map_or(0, Waiting::counted);
        call.is_some()
    }

    /// A stream has registered. Returns the calls in flight on the stream that it replaces.
    pub(crate) fn attach(&mut self, stream: u64, traits: StreamTraits, now: Instant) -> Vec<W> {
        let old = self.slot.replace(Slot::new(stream, traits, now));
        old.map_or_else(Vec::new, |mut slot| slot.take_all())
    }

    /// The domain is being stopped: its stream is sent no more calls. Returns those that do not
    /// wait for the next one.
    pub(crate) fn drain(&mut self, stream: u64) -> Vec<W> {
        let Some(slot) = self.slot.as_mut().filter(|slot| slot.stream == stream) else {
            return Vec::new();
        };
        slot.accepts = false;
        self.take_hopeless()
    }

    /// The domain will be killed: its stream is sent no more calls, and responds to none.
    pub(crate) fn abandon(&mut self, stream: u64) -> Ended<W> {
        let Some(slot) = self.slot.as_mut().filter(|slot| slot.stream == stream) else {
            return Ended::default();
        };
        slot.accepts = false;
        let in_flight = slot.take_all();
        Ended {
            in_flight,
            waiting: self.take_hopeless(),
        }
    }

    /// The stream has ended.
    pub(crate) fn detach(&mut self, stream: u64) -> Ended<W> {
        match self.slot.take_if(|slot| slot.stream == stream) {
            Some(mut slot) => Ended {
                in_flight: slot.take_all(),
                waiting: self.take_hopeless(),
            },
            None => Ended::default(),
        }
    }

    /// Whether a stream is to be expected has changed. Returns the calls that no longer wait.
    pub(crate) fn set_outlook(&mut self, outlook: Outlook) -> Vec<W> {
        self.outlook = outlook;
        self.take_hopeless()
    }

    /// How long a call may wait for a stream, if one is expected.
    pub(crate) fn wait_limit(&self) -> Option<Duration> {
        match self.outlook {
            Outlook::Coming(limit) => Some(limit),
            Outlook::NotComing(_) | Outlook::Unknown => None,
        }
    }

    /// Whether the current stream may be sent calls.
    pub(crate) fn accepts(&self) -> bool {
        self.slot.as_ref().is_some_and(|slot| slot.accepts)
    }

    /// The number of calls in flight on this stream.
    pub(crate) fn in_flight(&self, stream: u64) -> usize {
        let slot = self.slot.as_ref().filter(|slot| slot.stream == stream);
        slot.map_or(0, |slot| slot.in_flight.len())
    }

    /// The number of calls that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing is known of this domain, and nothing waits.
    pub(crate) fn is_unused(&self) -> bool {
        self.slot.is_none() && self.waiting.is_empty() && self.outlook == Outlook::Unknown
    }

    /// Takes the calls that nothing will read.
    fn take_hopeless(&mut self) -> Vec<W> {
        if self.accepts() {
            return Vec::new();
        }
        let coming = self.outlook.is_coming();
        let (hopeless, kept) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(_, call)| !coming || !call.may_wait);
        self.waiting = kept;
        let hopeless: BTreeMap<CallId, Waiting<C, W>> = hopeless;
        self.waiting_bytes -= hopeless.values().map(Waiting::counted).sum::<usize>();
        hopeless.into_values().map(|call| call.waiter).collect()
    }
}
