//! Calls of domains: from a caller's message to the domain's response, or to the reason why there
//! is none.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tonic::Status;

use super::call_failure::CallFailure;
use super::call_observer::{Caller, ObservedFuture, TraceToDomain};
use super::caller_deadline::CallerDeadline;
use super::message::{FRAMING, is_reserved};
use super::message_response::{FailureCode, MessageResponse};
use super::registration::truncate;
use super::registry::Registry;
use super::routing::{CallContent, Cancelled, DomainRoute, Outcome, Rejection, Reservation};
use super::stall::STALLED_AFTER;
use crate::framework::{DomainMessage, RuntimeMessage};

/// How a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallOptions {
    /// The time in which the domain must respond.
    pub timeout: Duration,
    /// Whether the call waits while the domain starts or restarts. Otherwise it fails at once.
    pub wait: bool,
}

impl CallOptions {
    /// A call that waits while the domain starts or restarts.
    #[must_use]
    pub fn timeout(timeout: Duration) -> Self {
        Self {
            timeout,
            wait: true,
        }
    }
}

/// How the caller of `SendMessage` wants to be served, from its metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallerTerms {
    /// When it gives up, if it says so.
    pub(crate) deadline: Option<CallerDeadline>,
    pub(crate) wait: bool,
    /// When the call began, if that is earlier.
    pub(crate) since: Option<Instant>,
}

impl CallerTerms {
    /// When the call ends, and the time limit that this follows from.
    fn limit(&self, default: Duration) -> (Instant, Duration) {
        match self.deadline {
            Some(CallerDeadline { at, timeout }) => (at, timeout),
            None => (self.since.unwrap_or_else(Instant::now) + default, default),
        }
    }
}

/// One call, as its failures name it.
pub(crate) struct Call<'a> {
    pub(crate) domain: &'a str,
    /// Shortened: a type may be as long as a message, and the error must not be.
    pub(crate) type_: &'a str,
    pub(crate) timeout: Duration,
}

impl CallFailure {
    /// The failure for a caller with these terms: a response, unless its own deadline has passed.
    pub(crate) fn into_response(self, terms: CallerTerms) -> Result<MessageResponse, Status> {
        match (self.code, terms.deadline) {
            (FailureCode::Timeout, Some(_)) => Err(Status::deadline_exceeded(self.text)),
            (code, _) => Ok(MessageResponse::failure(code, self.text)),
        }
    }
}

impl Registry {
    /// Sends one message to a domain and waits for its response.
    ///
    /// While the domain does not read, the call waits in order with others. While it starts or
    /// restarts, the call waits for its stream, at most as long as [`Outlook::Coming`] says.
    ///
    /// A failure is a response of type `error`, with a text that names the domain and a
    /// [`FailureCode`] in the payload. Dropping the future cancels the request.
    ///
    /// [`Outlook::Coming`]: super::Outlook::Coming
    pub async fn call(
        &self,
        domain: &str,
        type_: &str,
        payload: String,
        options: CallOptions,
    ) -> MessageResponse {
        let CallOptions { timeout, wait } = options;
        let at = Instant::now() + timeout;
        let terms = CallerTerms {
            deadline: Some(CallerDeadline { at, timeout }),
            wait,
            since: None,
        };
        let message = (type_.to_owned(), payload);
        let caller = Caller::default();
        let result = self
            .route_call(domain, message, None, (terms, caller))
            .await;
        result.unwrap_or_else(CallFailure::into_failure)
    }

    /// Handles `SendMessage`.
    ///
    /// # Errors
    /// Only the caller's own deadline has passed.
    pub(crate) async fn send_message(
        &self,
        message: DomainMessage,
        room: Option<Reservation>,
        (terms, caller): (CallerTerms, Caller),
    ) -> Result<RuntimeMessage, Status> {
        let DomainMessage {
            domain,
            r#type: type_,
            payload,
            request_id,
            ..
        } = message;
        let content = (type_, payload);
        let routing = self.route_call(&domain, content, room, (terms, caller));
        let response = match routing.await {
            Ok(response) => response,
            Err(failure) => failure.into_response(terms)?,
        };
        Ok(response.into_message(request_id))
    }

    /// Waits until there is room for a call of so many bytes. None if it needs none; then it may fail
    /// anyway.
    ///
    /// # Errors
    /// Too many calls wait, or the caller's time is over.
    pub(crate) async fn reserve(
        &self,
        domain: &str,
        type_: &str,
        bytes: usize,
        terms: CallerTerms,
    ) -> Result<Option<Reservation>, CallFailure> {
        let Some(route) = self.routes().get(domain) else {
            return Ok(None);
        };
        let (deadline, timeout) = terms.limit(self.config().call_timeout);
        let call = Call {
            domain,
            type_,
            timeout,
        };
        let reserving = route.reserve(bytes, terms.wait);
        match tokio::time::timeout_at(deadline, reserving).await {
            Ok(Ok(room)) => Ok(room),
            Ok(Err(rejection)) => Err(self.rejected(&call, &route, rejection)),
            Err(_) => {
                let was = match route.accepts() {
                    true => Cancelled::Unread(route.unread_since()),
                    false => Cancelled::Unconnected,
                };
                Err(call.timed_out(&route, was))
            }
        }
    }

    async fn route_call(
        &self,
        domain: &str,
        (type_, payload): (String, String),
        room: Option<Reservation>,
        (terms, caller): (CallerTerms, Caller),
    ) -> Result<MessageResponse, CallFailure> {
        let shown = truncate(&type_);
        let bytes = type_.len() + payload.len();
        let observed = ObservedFuture {
            domain,
            type_: &shown,
            call: self.config().observer.begin(caller, bytes),
        };
        let trace = observed.call.to_domain();
        let sending = self.send(domain, &shown, (type_, payload, trace), room, terms);
        let result = sending.await;
        observed.end(&result);
        result
    }

    async fn send(
        &self,
        domain: &str,
        shown: &str,
        (type_, payload, trace): (String, String, Option<Arc<TraceToDomain>>),
        room: Option<Reservation>,
        terms: CallerTerms,
    ) -> Result<MessageResponse, CallFailure> {
        check(domain, &type_, &payload, self.config().max_message)?;
        let (deadline, timeout) = terms.limit(self.config().call_timeout);
        let call = Call {
            domain,
            type_: shown,
            timeout,
        };
        let bytes = type_.len() + payload.len();
        let room = match room {
            None if bytes > self.unreserved() => self.reserve(domain, shown, bytes, terms).await?,
            room => room,
        };
        let now = Instant::now();
        let Some(route) = self.routes().get(domain) else {
            return Err(CallFailure::unavailable(self.not_connected(domain)));
        };
        let content = CallContent {
            type_,
            payload,
            deadline,
            credit: 0,
            trace,
            room: room.unwrap_or_default(),
        };
        let mut pending = match route.submit(self.ids().next(), content, terms.wait) {
            Ok(pending) => pending,
            Err(rejection) => return Err(self.rejected(&call, &route, rejection)),
        };
        self.watch_reading(&route);
        // Unless the domain is expected sooner than the caller gives up.
        if let Some(limit) = route.wait_limit().filter(|limit| now + *limit < deadline) {
            match tokio::time::timeout_at(now + limit, &mut pending).await {
                Ok(outcome) => return self.finish(&call, outcome),
                Err(_) if pending.guard.cancel_unconnected() => {
                    return Err(call.not_ready(limit, FailureCode::Unavailable));
                }
                Err(_) => {}
            }
        }
        match tokio::time::timeout_at(deadline, &mut pending).await {
            Ok(outcome) => self.finish(&call, outcome),
            Err(_) => Err(call.timed_out(&route, pending.guard.cancel())),
        }
    }

    pub(crate) fn finish(
        &self,
        call: &Call<'_>,
        outcome: Outcome,
    ) -> Result<MessageResponse, CallFailure> {
        match outcome {
            Outcome::Response(mut message) | Outcome::Part(mut message) => {
                call.domain.clone_into(&mut message.domain);
                Ok(MessageResponse::from_domain(
                    message,
                    self.config().max_message,
                ))
            }
            Outcome::Flooded => Err(CallFailure::new(
                FailureCode::Overloaded,
                format!(
                    "domain {:?} sends more parts of its response to {} than it was allowed to",
                    call.domain, call.type_
                ),
            )),
            Outcome::Disconnected(cause) => Err(call.disconnected(&cause)),
            Outcome::NotComing(reason) => {
                Err(CallFailure::unavailable(self.unavailable(call, &reason)))
            }
        }
    }

    pub(crate) fn rejected(
        &self,
        call: &Call<'_>,
        route: &DomainRoute,
        rejection: Rejection,
    ) -> CallFailure {
        let domain = call.domain;
        match rejection {
            Rejection::NotConnected(reason) => {
                CallFailure::unavailable(self.unavailable(call, &reason))
            }
            Rejection::NotNow => CallFailure::unavailable(format!(
                "domain {domain:?} is not connected: it is starting or restarting, and the call does not wait for it"
            )),
            Rejection::Full { calls, bytes } => CallFailure::new(
                FailureCode::Overloaded,
                format!(
                    "domain {domain:?} is overloaded: {calls} calls ({:.1} MiB) are waiting to be read{}",
                    bytes as f64 / (1024.0 * 1024.0),
                    describe_stall(route.unread_since()),
                ),
            ),
        }
    }

    /// Why a domain without a stream gets no call.
    fn unavailable(&self, call: &Call<'_>, reason: &str) -> String {
        match reason {
            "" => self.not_connected(call.domain),
            reason => format!("domain {:?} is not connected: {reason}", call.domain),
        }
    }

    pub(crate) fn not_connected(&self, domain: &str) -> String {
        let domain = truncate(domain);
        let known = self.health().domains();
        if let Some(known) = known.iter().find(|name| name.eq_ignore_ascii_case(&domain))
            && *known != domain
        {
            return format!("there is no domain {domain:?}; did you mean {known:?}?");
        }
        let connected = self.registered();
        if connected.is_empty() {
            return format!("domain {domain:?} is not connected; no domain is connected");
        }
        format!(
            "domain {domain:?} is not connected; connected: {}",
            connected.join(", ")
        )
    }
}

impl Call<'_> {
    fn disconnected(&self, cause: &str) -> CallFailure {
        CallFailure::unavailable(format!(
            "domain {:?} disconnected before it responded to {}: {cause}",
            self.domain, self.type_
        ))
    }

    pub(crate) fn not_ready(&self, limit: Duration, code: FailureCode) -> CallFailure {
        let text = format!(
            "domain {:?} is not connected: it did not become ready for {} within {} s; `fulcrum domains why {0}` explains it",
            self.domain,
            self.type_,
            seconds(limit)
        );
        CallFailure::new(code, text)
    }

    pub(crate) fn timed_out(&self, route: &Arc<DomainRoute>, was: Cancelled) -> CallFailure {
        let Self { domain, type_, .. } = self;
        let limit = seconds(self.timeout);
        let text = match was {
            Cancelled::Unconnected => return self.not_ready(self.timeout, FailureCode::Timeout),
            Cancelled::Unread(since) => format!(
                "domain {domain:?} did not read {type_} within {limit} s: {} more calls are waiting to be read{}",
                route.waiting(),
                describe_stall(since),
            ),
            Cancelled::InFlight(_) | Cancelled::Ended => {
                format!("domain {domain:?} did not respond to {type_} within {limit} s")
            }
        };
        CallFailure::new(FailureCode::Timeout, text)
    }
}

/// A time in seconds, without more digits than it needs.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

/// What is said of a domain that has read nothing for a while.
fn describe_stall(since: Option<Instant>) -> String {
    let unread = since.map(|since| since.elapsed());
    match unread.filter(|time| *time >= STALLED_AFTER) {
        Some(time) => format!(
            "; it is stuck: it has read nothing for {:.1} s",
            time.as_secs_f64()
        ),
        None => String::new(),
    }
}

/// Rejects a call that no domain may receive.
pub(crate) fn check(
    domain: &str,
    type_: &str,
    payload: &str,
    max_message: usize,
) -> Result<(), CallFailure> {
    let invalid = |text: String| Err(CallFailure::new(FailureCode::Invalid, text));
    if domain.is_empty() {
        return invalid("no domain in the message: set the field `domain`".to_owned());
    }
    if type_.is_empty() {
        let domain = truncate(domain);
        return invalid(format!("the message to domain {domain:?} has no type"));
    }
    if is_reserved(type_) {
        return invalid(format!(
            "cannot send a message of type {type_:?} to domain {:?}: the type is reserved for the runtime",
            truncate(domain)
        ));
    }
    let (size, limit) = (type_.len() + payload.len(), max_message - FRAMING);
    if size > limit {
        let text = format!(
            "the message to domain {:?} has {size} bytes, and the limit is {limit} bytes (runtime.grpc.max_message)",
            truncate(domain)
        );
        return Err(CallFailure::new(FailureCode::TooLarge, text));
    }
    Ok(())
}
