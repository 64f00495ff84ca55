//! The route of one domain, shared between its callers and its stream.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::event_queue::EventContent;
use super::outcome::{CallContent, CallSink, Outcome};
use super::pending_count::PendingCalls;
use super::room::{Reservation, Room};
use super::route::{Cancelled, Ended, Limits, Refused, Rejection, Route};
use super::slot::{CallId, Outgoing, StreamTraits};
use crate::domain::lock::lock;
use crate::domain::outlook::Outlook;
use crate::framework::DomainMessage;

/// A message from Fulcrum that waits to be sent.
pub(crate) type OutgoingCall = Outgoing<Arc<CallContent>>;

struct State {
    route: Route<Arc<CallContent>, CallSink>,
    /// The stream that registered last. One that it replaced may ask on until it has ended.
    stream: Option<u64>,
    /// Wakes that stream, or a later one, if it has nothing to send.
    waker: Option<Waker>,
}

/// The calls of one domain, and the waker of its stream.
pub(crate) struct DomainRoute {
    domain: String,
    limits: Limits,
    /// For calls that wait.
    room: Room,
    state: Mutex<State>,
    /// The last call in flight on a draining stream has ended.
    idle: Notify,
    /// The stream was given something to send while it was watched.
    read: Notify,
    /// A task watches whether the stream is read.
    watched: AtomicBool,
}

impl DomainRoute {
    pub(super) fn new(domain: &str, limits: Limits) -> Self {
        Self {
            domain: domain.to_owned(),
            limits,
            room: Room::new(limits.bytes),
            state: Mutex::new(State {
                route: Route::new(limits),
                stream: None,
                waker: None,
            }),
            idle: Notify::new(),
            read: Notify::new(),
            watched: AtomicBool::new(false),
        }
    }

    /// Whether nothing is known of this domain, and nothing waits.
    pub(super) fn is_unused(&self) -> bool {
        lock(&self.state).route.is_unused()
    }

    pub(crate) fn domain(&self) -> &str {
        &self.domain
    }

    /// Waits until there is room for a call of so many bytes. None if it needs none: it is so small
    /// that the number of calls is limit enough, or is not accepted anyway.
    ///
    /// # Errors
    /// Too many calls wait already.
    pub(crate) async fn reserve(
        &self,
        bytes: usize,
        may_wait: bool,
    ) -> Result<Option<Reservation>, Rejection> {
        if bytes <= self.limits.unreserved() {
            return Ok(None);
        }
        if let Some(room) = self.room.try_reserve(bytes) {
            return Ok(Some(room));
        }
        let (admits, waiting) = {
            let state = lock(&self.state);
            (state.route.admits(may_wait), state.route.waiting())
        };
        if !admits {
            return Ok(None);
        }
        let calls = waiting + self.room.waiting();
        if calls >= self.limits.calls {
            let bytes = self.limits.bytes;
            return Err(Rejection::Full { calls, bytes });
        }
        Ok(Some(self.room.reserve(bytes).await))
    }

    /// Adds a call.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub(super) fn add(
        &self,
        id: CallId,
        content: CallContent,
        may_wait: bool,
        sink: CallSink,
    ) -> Result<(), Rejection> {
        let size = content.type_.len() + content.payload.len();
        let waker = {
            let mut state = lock(&self.state);
            let reserved = content.room.is_held();
            let call = (Arc::new(content), size, reserved);
            state.route.submit(id, call, may_wait, sink)?;
            state.waker_to_wake()
        };
        wake(waker);
        Ok(())
    }

    /// What this stream sends next; if there is nothing, the task is woken later.
    pub(crate) fn poll_outgoing(
        &self,
        stream: u64,
        context: &mut Context<'_>,
    ) -> Poll<OutgoingCall> {
        let (outgoing, is_watched) = {
            let mut state = lock(&self.state);
            let outgoing = state.route.pull(stream, Instant::now());
            // A later stream asks as soon as its response is queued, which may be before it is attached.
            if outgoing.is_none() && state.stream.is_none_or(|newest| newest <= stream) {
                state.waker = Some(context.waker().clone());
            }
            (outgoing, self.watched.load(Ordering::Relaxed))
        };
        if is_watched {
            self.read.notify_waiters();
        }
        if let Some(Outgoing::Call(_, content)) = &outgoing {
            content.room.release();
        }
        outgoing.map_or(Poll::Pending, Poll::Ready)
    }

    /// Notes that this stream was given something else to send.
    pub(crate) fn note_read(&self, stream: u64) {
        lock(&self.state).route.note_read(stream, Instant::now());
        if self.watched.load(Ordering::Relaxed) {
            self.read.notify_waiters();
        }
    }

    /// Passes a response to the call with this number. Returns the message if there is none.
    pub(crate) fn resolve(
        &self,
        stream: u64,
        id: CallId,
        message: DomainMessage,
    ) -> Option<DomainMessage> {
        let (sink, is_idle) = {
            let mut state = lock(&self.state);
            (state.route.resolve(stream, id), state.is_idle(stream))
        };
        let Some(sink) = sink else {
            return Some(message);
        };
        sink.finish(Outcome::Response(message));
        if is_idle {
            self.idle.notify_waiters();
        }
        None
    }

    /// Passes a part of a response to its call. Returns the message if there is none.
    pub(crate) fn part(
        &self,
        stream: u64,
        id: CallId,
        message: DomainMessage,
    ) -> Option<DomainMessage> {
        let mut state = lock(&self.state);
        let sender = match state.route.waiter(stream, id) {
            Some(CallSink::Parts(sender)) => sender,
            // It is no response in parts for this caller.
            Some(CallSink::Single(_)) => {
                drop(state);
                return self.resolve(stream, id, message);
            }
            None => return Some(message),
        };
        // The last place is for the end.
        if sender.capacity() > 1 {
            // The caller may have given up.
            let _ = sender.try_send(Outcome::Part(message));
            return None;
        }
        let sink = state.route.resolve(stream, id);
        state.route.cancel_sent(id);
        let waker = state.waker_to_wake();
        drop(state);
        if let Some(sink) = sink {
            sink.finish(Outcome::Flooded);
        }
        wake(waker);
        self.note_idle(stream);
        None
    }

    /// Adds an event for this stream. False if it was dropped.
    pub(crate) fn publish(&self, stream: u64, event: Arc<EventContent>) -> bool {
        let (added, waker) = {
            let mut state = lock(&self.state);
            (state.route.publish(stream, event), state.waker_to_wake())
        };
        wake(waker);
        added
    }

    /// The caller of a call in flight wants more parts.
    pub(super) fn grant(&self, id: CallId, parts: u32) {
        let waker = {
            let mut state = lock(&self.state);
            state.route.grant(id, parts);
            state.waker_to_wake()
        };
        wake(waker);
    }

    /// The domain has refused a call because it drains; `message` is the response that says so.
    pub(crate) fn refuse(
        &self,
        stream: u64,
        id: CallId,
        message: DomainMessage,
    ) -> Option<DomainMessage> {
        let (refused, hopeless) = lock(&self.state).route.refuse(stream, id);
        fail(hopeless, &Outcome::NotComing, "it is being stopped");
        match refused {
            Refused::Again => {}
            Refused::Fails(sink) => sink.finish(Outcome::Response(message)),
            Refused::Unknown => return Some(message),
        }
        self.note_idle(stream);
        None
    }

    /// A stream has registered. The calls in flight on the one that it replaces fail.
    pub(crate) fn attach(&self, stream: u64, traits: StreamTraits, cause: &str) {
        let mut state = lock(&self.state);
        let replaced = state.route.attach(stream, traits, Instant::now());
        state.stream = Some(stream);
        // It may have asked already, and calls may wait. One that is woken in vain asks again.
        let waker = state.waker.take();
        drop(state);
        wake(waker);
        fail(replaced, &Outcome::Disconnected, cause);
        self.idle.notify_waiters();
    }

    /// The stream is sent no more calls.
    pub(crate) fn drain(&self, stream: u64) {
        let hopeless = lock(&self.state).route.drain(stream);
        fail(hopeless, &Outcome::NotComing, "it is being stopped");
        self.note_idle(stream);
    }

    /// The stream is sent no more calls, and will not respond to those that it got.
    pub(crate) fn abandon(&self, stream: u64, cause: &str) {
        let Ended { in_flight, waiting } = lock(&self.state).route.abandon(stream);
        fail(in_flight, &Outcome::Disconnected, cause);
        fail(waiting, &Outcome::NotComing, cause);
        self.idle.notify_waiters();
    }

    /// The stream has ended.
    pub(crate) fn detach(&self, stream: u64, cause: &str) {
        let Ended { in_flight, waiting } = lock(&self.state).route.detach(stream);
        fail(in_flight, &Outcome::Disconnected, cause);
        fail(waiting, &Outcome::NotComing, cause);
        self.idle.notify_waiters();
    }

    /// Whether a stream is to be expected has changed.
    pub(crate) fn set_outlook(&self, outlook: Outlook) {
        let reason = match &outlook {
            Outlook::NotComing(reason) => reason.clone(),
            Outlook::Coming(_) | Outlook::Unknown => String::new(),
        };
        let hopeless = lock(&self.state).route.set_outlook(outlook);
        fail(hopeless, &Outcome::NotComing, &reason);
    }

    /// How long a call may wait for a stream; `None` if it may be sent at once.
    pub(crate) fn wait_limit(&self) -> Option<Duration> {
        let state = lock(&self.state);
        state.route.wait_limit().filter(|_| !state.route.accepts())
    }

    /// Waits until no call is in flight on this stream.
    pub(crate) async fn wait_until_idle(&self, stream: u64) {
        loop {
            let mut idle = std::pin::pin!(self.idle.notified());
            idle.as_mut().enable();
            if self.in_flight(stream) == 0 {
                return;
            }
            idle.await;
        }
    }

    /// The number of calls in flight on this stream.
    pub(crate) fn in_flight(&self, stream: u64) -> usize {
        lock(&self.state).route.in_flight(stream)
    }

    /// The number of calls that wait, those for room included.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.state).route.waiting() + self.room.waiting()
    }

    /// The calls without a response.
    pub(crate) fn pending(&self) -> PendingCalls {
        let state = lock(&self.state);
        let in_flight = state.stream.map(|stream| state.route.in_flight(stream));
        PendingCalls {
            waiting: state.route.waiting() + self.room.waiting(),
            in_flight: in_flight.unwrap_or_default(),
        }
    }

    /// Whether its stream may be sent calls.
    pub(crate) fn accepts(&self) -> bool {
        lock(&self.state).route.accepts()
    }

    /// Since when the stream has read nothing although calls wait for it.
    pub(crate) fn unread_since(&self) -> Option<Instant> {
        lock(&self.state).route.unread_since()
    }

    /// Waits until the stream is given something to send, or `time` has passed.
    pub(crate) async fn wait_until_read(&self, time: Option<Duration>) {
        let mut read = std::pin::pin!(self.read.notified());
        read.as_mut().enable();
        // It may have been read since the caller looked.
        if self.unread_since().is_none() {
            return;
        }
        match time {
            Some(time) => drop(tokio::time::timeout(time, read).await),
            None => read.await,
        }
    }

    /// True for the first call, until [`Self::end_watch`].
    pub(crate) fn begin_watch(&self) -> bool {
        !self.watched.load(Ordering::Relaxed) && !self.watched.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn end_watch(&self) {
        self.watched.store(false, Ordering::Release);
    }

    fn note_idle(&self, stream: u64) {
        if lock(&self.state).is_idle(stream) {
            self.idle.notify_waiters();
        }
    }

    /// Removes a call that waits for a stream. False if one was, or may be, sent it.
    pub(super) fn cancel_unconnected(&self, id: CallId) -> bool {
        lock(&self.state).route.cancel_unconnected(id)
    }

    /// The caller of a call gives up. What it was doing.
    pub(super) fn cancel(&self, id: CallId) -> Cancelled {
        let (cancelled, waker) = {
            let mut state = lock(&self.state);
            let cancelled = state.route.cancel(id);
            let told = cancelled == Cancelled::InFlight(true);
            let waker = told.then(|| state.waker_to_wake()).flatten();
            (cancelled, waker)
        };
        wake(waker);
        if matches!(cancelled, Cancelled::InFlight(_)) {
            let state = lock(&self.state);
            let is_draining = !state.route.accepts();
            drop(state);
            if is_draining {
                self.idle.notify_waiters();
            }
        }
        cancelled
    }
}

impl State {
    /// Whether this stream is being stopped, and has responded to all calls.
    fn is_idle(&self, stream: u64) -> bool {
        !self.route.accepts() && self.route.in_flight(stream) == 0
    }

    /// The stream's waker, if there is something for it to send. It is woken once for all calls
    /// until it asks again.
    fn waker_to_wake(&mut self) -> Option<Waker> {
        match self.route.has_outgoing() {
            true => self.waker.take(),
            false => None,
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

fn fail(sinks: Vec<CallSink>, outcome: &dyn Fn(Arc<str>) -> Outcome, cause: &str) {
    if sinks.is_empty() {
        return;
    }
    let cause: Arc<str> = cause.into();
    for sink in sinks {
        sink.finish(outcome(Arc::clone(&cause)));
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicBool);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// The task of a stream may run on another thread while the stream is being registered.
    #[test]
    fn a_stream_that_asks_before_it_is_attached_is_woken() {
        for replaced in [None, Some(1)] {
            let limits = Limits { calls: 1, bytes: 1 };
            let route = Arc::new(DomainRoute::new("users", limits));
            let wakes = Arc::new(Wakes::default());
            if let Some(stream) = replaced {
                route.attach(stream, StreamTraits::default(), "");
            }
            let waker = Waker::from(Arc::clone(&wakes));
            let mut context = Context::from_waker(&waker);
            assert!(route.poll_outgoing(2, &mut context).is_pending());
            route.attach(2, StreamTraits::default(), "");
            assert!(wakes.0.load(Ordering::Relaxed), "{replaced:?}");
        }
    }
}
