//! Calls whose response comes in parts.
//!
//! The domain sends no more parts than the caller has room for: it starts with a credit, and gets
//! more as the caller takes parts. So a slow caller holds back only its own response.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_stream::Stream;

use super::call_failure::CallFailure;
use super::call_observer::{CallOutcome, Caller, ObservedCall, outcome_of};
use super::caller_deadline::CallerDeadline;
use super::calls::{Call, CallOptions, CallerTerms, check};
use super::message_response::{FailureCode, MessageResponse};
use super::registration::truncate;
use super::registry::Registry;
use super::routing::{CallContent, CallGuard, Outcome, Reservation};

/// How many parts may be on their way to a caller.
const CREDIT: u32 = 16;

/// A caller's room is announced in steps of this many parts.
const STEP: u32 = CREDIT / 2;

/// The response to a call, in parts: those that the domain has sent, and a failure if it ends with
/// one. Dropping it cancels the call.
pub struct CallStream(Parts);

impl Stream for CallStream {
    type Item = MessageResponse;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<MessageResponse>> {
        let part = ready!(self.0.poll_part(context));
        Poll::Ready(part.map(|part| part.unwrap_or_else(CallFailure::into_failure)))
    }
}

/// The parts for a caller of `SendMessageStream`.
pub(crate) struct CallerStream {
    parts: Parts,
    terms: CallerTerms,
}

impl Stream for CallerStream {
    type Item = Result<MessageResponse, tonic::Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let part = ready!(self.parts.poll_part(context));
        Poll::Ready(part.map(|part| part.or_else(|failure| failure.into_response(self.terms))))
    }
}

/// What a call waits for.
enum Wait {
    /// A stream of the domain, at most until then.
    Stream,
    /// The next part.
    Part,
}

struct OpenCall {
    guard: CallGuard,
    outcomes: mpsc::Receiver<Outcome>,
    wait: Wait,
    /// When the wait is over.
    timer: Pin<Box<Sleep>>,
    /// Parts that were taken and not announced.
    taken: u32,
}

/// A call for which there is no room yet.
struct WaitingCall {
    type_: String,
    payload: String,
    may_wait: bool,
    /// When the first part must be there.
    deadline: Instant,
    room: Pin<Box<dyn Future<Output = Result<Option<Reservation>, CallFailure>> + Send>>,
}

enum State {
    /// It waits for room in the queue of the domain.
    Waiting(Box<WaitingCall>),
    Open(Box<OpenCall>),
    /// It ends with this failure.
    Failed(CallFailure),
    Ended,
}

struct Parts {
    registry: Registry,
    domain: String,
    /// Shortened.
    type_: String,
    /// The caller's own deadline, which is that of the whole response.
    deadline: Option<CallerDeadline>,
    /// The time limit of each part, otherwise.
    timeout: Duration,
    state: State,
    observed: ObservedCall,
}

impl Registry {
    /// Sends one message to a domain whose response may come in parts. As [`Registry::call`]
    /// otherwise; the time limit is that of each part.
    pub fn call_stream(
        &self,
        domain: &str,
        type_: &str,
        payload: String,
        options: CallOptions,
    ) -> CallStream {
        let terms = CallerTerms {
            deadline: None,
            wait: options.wait,
            since: None,
        };
        let content = (payload, None, Caller::default());
        let timeout = options.timeout;
        CallStream(Parts::open(self, (domain, type_), content, terms, timeout))
    }

    /// Handles `SendMessageStream`.
    pub(crate) fn send_message_stream(
        &self,
        domain: &str,
        type_: &str,
        content: (String, Option<Reservation>, Caller),
        terms: CallerTerms,
    ) -> CallerStream {
        let timeout = self.config().call_timeout;
        CallerStream {
            parts: Parts::open(self, (domain, type_), content, terms, timeout),
            terms,
        }
    }
}

impl Parts {
    fn open(
        registry: &Registry,
        (domain, type_): (&str, &str),
        (payload, room, caller): (String, Option<Reservation>, Caller),
        terms: CallerTerms,
        timeout: Duration,
    ) -> Self {
        let bytes = type_.len() + payload.len();
        let mut parts = Self {
            registry: registry.clone(),
            domain: domain.to_owned(),
            type_: truncate(type_),
            deadline: terms.deadline,
            timeout,
            state: State::Ended,
            observed: registry.config().observer.begin(caller, bytes),
        };
        let deadline = parts.part_deadline(Instant::now());
        let bytes = type_.len() + payload.len();
        parts.state = match check(domain, type_, &payload, registry.config().max_message) {
            Err(failure) => State::Failed(failure),
            Ok(()) if room.is_none() && bytes > registry.unreserved() => {
                State::Waiting(Box::new(WaitingCall {
                    room: parts.reserve(bytes, deadline, terms),
                    type_: type_.to_owned(),
                    payload,
                    may_wait: terms.wait,
                    deadline,
                }))
            }
            Ok(()) => {
                let content = (type_.to_owned(), payload);
                parts.submit(content, room, terms.wait, deadline)
            }
        };
        parts
    }

    /// Room for a call of so many bytes, before its deadline.
    fn reserve(
        &self,
        bytes: usize,
        deadline: Instant,
        terms: CallerTerms,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Reservation>, CallFailure>> + Send>> {
        let (registry, timeout) = (self.registry.clone(), self.timeout);
        let (domain, type_) = (self.domain.clone(), self.type_.clone());
        let deadline = terms.deadline.unwrap_or(CallerDeadline {
            at: deadline,
            timeout,
        });
        let terms = CallerTerms {
            deadline: Some(deadline),
            ..terms
        };
        Box::pin(async move { registry.reserve(&domain, &type_, bytes, terms).await })
    }

    /// The state of the call once it is submitted.
    fn submit(
        &self,
        content: (String, String),
        room: Option<Reservation>,
        may_wait: bool,
        deadline: Instant,
    ) -> State {
        match self.open_call(content, room.unwrap_or_default(), may_wait, deadline) {
            Ok(call) => State::Open(Box::new(call)),
            Err(failure) => State::Failed(failure),
        }
    }

    fn open_call(
        &self,
        (type_, payload): (String, String),
        room: Reservation,
        may_wait: bool,
        deadline: Instant,
    ) -> Result<OpenCall, CallFailure> {
        let Some(route) = self.registry.routes().get(&self.domain) else {
            let text = self.registry.not_connected(&self.domain);
            return Err(CallFailure::unavailable(text));
        };
        let now = Instant::now();
        let content = CallContent {
            type_,
            payload,
            deadline,
            credit: CREDIT,
            trace: self.observed.to_domain(),
            room,
        };
        let id = self.registry.ids().next();
        let (guard, outcomes) = route
            .submit_stream(id, content, may_wait)
            .map_err(|rejection| self.registry.rejected(&self.call(), &route, rejection))?;
        self.registry.watch_reading(&route);
        let limit = route.wait_limit().map(|limit| now + limit);
        let (wait, until) = match limit.filter(|limit| *limit < deadline) {
            Some(limit) => (Wait::Stream, limit),
            None => (Wait::Part, deadline),
        };
        Ok(OpenCall {
            guard,
            outcomes,
            wait,
            timer: Box::pin(sleep_until(until)),
            taken: 0,
        })
    }

    fn call(&self) -> Call<'_> {
        let timeout = self.deadline.map(|deadline| deadline.timeout);
        Call {
            domain: &self.domain,
            type_: &self.type_,
            timeout: timeout.unwrap_or(self.timeout),
        }
    }

    /// When the next part must be there.
    fn part_deadline(&self, now: Instant) -> Instant {
        let deadline = self.deadline.map(|deadline| deadline.at);
        deadline.unwrap_or(now + self.timeout)
    }

    /// The next part, which the observer sees, and the end.
    fn poll_part(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<MessageResponse, CallFailure>>> {
        let part = ready!(self.poll_next_part(context));
        let outcome = match &part {
            // Others follow.
            Some(Ok(response)) if matches!(self.state, State::Open(_)) => {
                self.observed.add_response(response);
                return Poll::Ready(part);
            }
            Some(last) => {
                if let Ok(response) = last {
                    self.observed.add_response(response);
                }
                outcome_of(last)
            }
            None => CallOutcome::Success,
        };
        self.observed.end(&self.domain, &self.type_, outcome);
        Poll::Ready(part)
    }

    fn poll_next_part(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<MessageResponse, CallFailure>>> {
        loop {
            let call = match &mut self.state {
                State::Open(call) => call,
                State::Waiting(call) => {
                    let room = ready!(call.room.as_mut().poll(context));
                    self.on_room(room);
                    continue;
                }
                State::Failed(_) | State::Ended => {
                    let ended = std::mem::replace(&mut self.state, State::Ended);
                    return Poll::Ready(match ended {
                        State::Failed(failure) => Some(Err(failure)),
                        State::Waiting(_) | State::Open(_) | State::Ended => None,
                    });
                }
            };
            if let Poll::Ready(outcome) = call.outcomes.poll_recv(context) {
                return Poll::Ready(self.take(outcome));
            }
            ready!(call.timer.as_mut().poll(context));
            self.on_timer();
        }
    }

    /// There is room for the call, or there is none in time.
    fn on_room(&mut self, room: Result<Option<Reservation>, CallFailure>) {
        let before = std::mem::replace(&mut self.state, State::Ended);
        if let State::Waiting(call) = before {
            self.state = match room {
                Ok(room) => {
                    let content = (call.type_, call.payload);
                    self.submit(content, room, call.may_wait, call.deadline)
                }
                Err(failure) => State::Failed(failure),
            };
        }
    }

    /// Takes an outcome; `None` is the end.
    fn take(&mut self, outcome: Option<Outcome>) -> Option<Result<MessageResponse, CallFailure>> {
        // The route never drops a sender without an outcome.
        let outcome = outcome.unwrap_or_else(|| Outcome::Disconnected("internal error".into()));
        let next = self.part_deadline(Instant::now());
        if let (State::Open(call), Outcome::Part(_)) = (&mut self.state, &outcome) {
            call.took_part(next);
            return Some(self.registry.finish(&self.call(), outcome));
        }
        if let State::Open(mut call) = std::mem::replace(&mut self.state, State::Ended) {
            call.guard.finish();
        }
        match outcome {
            // The end of a response in parts.
            Outcome::Response(message) if message.payload.is_empty() => None,
            outcome => Some(self.registry.finish(&self.call(), outcome)),
        }
    }

    /// What is waited for has not come.
    fn on_timer(&mut self) {
        let next = self.part_deadline(Instant::now());
        let State::Open(mut call) = std::mem::replace(&mut self.state, State::Ended) else {
            return;
        };
        let failure = match call.wait {
            Wait::Stream if call.guard.cancel_unconnected() => {
                let route = call.guard.route().wait_limit().unwrap_or_default();
                self.call().not_ready(route, FailureCode::Unavailable)
            }
            Wait::Stream => {
                call.wait = Wait::Part;
                call.timer.as_mut().reset(next);
                self.state = State::Open(call);
                return;
            }
            Wait::Part => {
                let was = call.guard.cancel();
                self.call().timed_out(call.guard.route(), was)
            }
        };
        self.state = State::Failed(failure);
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.observed
            .end(&self.domain, &self.type_, CallOutcome::Cancelled);
    }
}

impl OpenCall {
    /// A part was taken; the next one must be there by `next`.
    fn took_part(&mut self, next: Instant) {
        self.taken += 1;
        if self.taken == STEP {
            self.guard.grant(STEP);
            self.taken = 0;
        }
        self.wait = Wait::Part;
        self.timer.as_mut().reset(next);
    }
}
