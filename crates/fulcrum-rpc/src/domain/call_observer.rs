//! What an observer sees of calls, and the traces that they belong to.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use tokio::time::Instant;

use super::call_failure::CallFailure;
use super::message_response::{FailureCode, MessageResponse};

/// Longer values are not passed on. W3C requires 512 bytes of `tracestate`, and 8 KiB of `baggage`.
const MAX_PARENT: usize = 256;
const MAX_STATE: usize = 1024;
const MAX_BAGGAGE: usize = 8192;

/// The trace that a message belongs to: W3C Trace Context and Baggage, as texts. Empty where there
/// is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceHeaders {
    /// The trace and the span that the message is sent in.
    pub traceparent: String,
    /// What tracing systems add to it.
    pub tracestate: String,
    /// What the app itself passes on.
    pub baggage: String,
}

impl TraceHeaders {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self {
            traceparent: joined(headers, "traceparent", MAX_PARENT),
            tracestate: joined(headers, "tracestate", MAX_STATE),
            baggage: joined(headers, "baggage", MAX_BAGGAGE),
        }
    }
}

/// The values of a header, which may be in several lines.
fn joined(headers: &HeaderMap, name: &str, limit: usize) -> String {
    let mut lines = headers.get_all(name).iter();
    let Some(first) = lines.next() else {
        return String::new();
    };
    let mut text = Cow::Borrowed(first.to_str().unwrap_or_default());
    for line in lines {
        let text = text.to_mut();
        text.push(',');
        text.push_str(line.to_str().unwrap_or_default());
    }
    match text.len() <= limit {
        true => text.into_owned(),
        false => String::new(),
    }
}

/// Who makes a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This program itself, for a client of its control API.
    #[default]
    Local,
    /// The domain that is registered on the caller's connection.
    Domain(Arc<str>),
    /// A web page.
    Web,
    /// Any other client.
    External,
}

impl Origin {
    fn name(&self) -> &str {
        match self {
            Self::Local => "cli",
            Self::Domain(name) => name,
            Self::Web => "web",
            Self::External => "external",
        }
    }
}

/// Who makes a call, and in which trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    pub(crate) origin: Origin,
    pub(crate) trace: TraceHeaders,
}

/// How a call is traced. The numbers are those of W3C Trace Context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallTrace {
    /// The trace.
    pub trace_id: u128,
    /// The caller's span; 0 if the call begins the trace.
    pub parent: u64,
    /// The span of the call, from its arrival to the response.
    pub server_span: u64,
    /// The span of the domain's part of it. It is the parent of the domain's own span.
    pub client_span: u64,
    /// Whether spans are recorded.
    pub sampled: bool,
    /// Passed on to the domain as it came.
    pub tracestate: String,
    /// Passed on to the domain as it came.
    pub baggage: String,
}

impl CallTrace {
    /// What the domain gets.
    fn headers(&self) -> TraceHeaders {
        let mut header = *b"00-................................-................-00";
        put_hex(&mut header[3..35], &self.trace_id.to_be_bytes());
        put_hex(&mut header[36..52], &self.client_span.to_be_bytes());
        header[54] += u8::from(self.sampled);
        let traceparent = String::from_utf8_lossy(&header).into_owned();
        TraceHeaders {
            traceparent,
            tracestate: self.tracestate.clone(),
            baggage: self.baggage.clone(),
        }
    }
}

/// Writes two hexadecimal digits for each byte.
fn put_hex(digits: &mut [u8], bytes: &[u8]) {
    for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = [byte >> 4, byte & 0xf].map(|digit| b"0123456789abcdef"[usize::from(digit)]);
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallOutcome<'a> {
    /// The domain has responded with success.
    Success,
    /// The domain has responded with this error.
    Error(&'a str),
    /// There is no response, for this reason.
    Failure(FailureCode, &'a str),
    /// The caller has given up.
    Cancelled,
}

impl CallOutcome<'_> {
    /// A word for it, of a small set: `ok`, `error`, or a failure's code.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Success => "ok",
            Self::Error(_) => "error",
            Self::Failure(code, _) => code.as_str(),
            Self::Cancelled => FailureCode::Cancelled.as_str(),
        }
    }
}

/// A call that has ended.
#[derive(Clone, Debug)]
pub struct FinishedCall<'a> {
    /// Who made the call: the domain that is registered on the caller's connection, or `cli`, `web` or
    /// `external`.
    pub caller: &'a str,
    /// The name of the domain, as the caller wrote it. There may be no such domain.
    pub domain: &'a str,
    /// The type of the message, at most 64 characters of it.
    pub type_: &'a str,
    /// When the call began.
    pub started: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// How long it waited until the domain's stream took it; none if that never happened.
    pub queued: Option<Duration>,
    /// The size of the request, in bytes.
    pub request_bytes: usize,
    /// The size of the response, in bytes; that of all parts together.
    pub response_bytes: usize,
    /// How it ended.
    pub outcome: CallOutcome<'a>,
    /// How it is traced, if it is.
    pub trace: Option<&'a CallTrace>,
}

/// Observes the calls of domains, and decides which of them are traced. Methods are called on the
/// path of every call, so they must not wait.
pub trait CallObserver: Send + Sync + 'static {
    /// A call begins. Without a trace, what the caller sent is passed on as it is.
    fn begin(&self, caller: &TraceHeaders) -> Option<CallTrace>;

    /// A call has ended.
    fn end(&self, call: FinishedCall<'_>);

    /// Whether the client libraries of domains are to send their own spans.
    fn takes_spans(&self) -> bool {
        false
    }

    /// Spans of a domain's client library: the payload of a message of type `spans`.
    fn spans(&self, domain: &str, generation: u64, payload: &str) {
        let _ = (domain, generation, payload);
    }
}

/// The observer of a registry, if it has one.
#[derive(Clone, Default)]
pub struct SharedObserver(Option<Arc<dyn CallObserver>>);

impl SharedObserver {
    /// One that is given.
    pub fn new(observer: impl CallObserver) -> Self {
        Self(Some(Arc::new(observer)))
    }

    pub(crate) fn get(&self) -> Option<&dyn CallObserver> {
        self.0.as_deref()
    }

    /// Begins to observe a call. None where nobody observes and the caller belongs to no trace.
    pub(crate) fn begin(&self, caller: Caller, request_bytes: usize) -> ObservedCall {
        let Caller {
            origin,
            trace: caller,
        } = caller;
        let Some(observer) = &self.0 else {
            let passed_on = caller != TraceHeaders::default();
            return ObservedCall {
                observed: None,
                to_domain: passed_on
                    .then(|| Arc::new(TraceToDomain::new(PassedTrace::Callers(caller)))),
            };
        };
        let trace = match observer.begin(&caller) {
            Some(trace) => PassedTrace::Own(trace),
            None => PassedTrace::Callers(caller),
        };
        let to_domain = Arc::new(TraceToDomain::new(trace));
        #[expect(
            clippy::disallowed_methods,
            reason = "spans have the time of the wall clock"
        )]
        let started = SystemTime::now();
        let observed = Observed {
            observer: Arc::clone(observer),
            origin,
            started,
            request_bytes,
            response_bytes: 0,
        };
        ObservedCall {
            observed: Some(Box::new(observed)),
            to_domain: Some(to_domain),
        }
    }
}

impl Debug for SharedObserver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_set = self.0.is_some();
        formatter
            .debug_tuple("SharedObserver")
            .field(&is_set)
            .finish()
    }
}

/// The trace that a call is sent in.
#[derive(Debug)]
enum PassedTrace {
    /// That of the caller, unchanged.
    Callers(TraceHeaders),
    /// One that continues here.
    Own(CallTrace),
}

/// What of a call's trace goes with it to the domain, and when that happened.
#[derive(Debug)]
pub(crate) struct TraceToDomain {
    trace: PassedTrace,
    begun: Instant,
    /// Nanoseconds after the beginning, plus one; 0 until then.
    sent: AtomicU64,
}

impl TraceToDomain {
    fn new(trace: PassedTrace) -> Self {
        Self {
            trace,
            begun: Instant::now(),
            sent: AtomicU64::new(0),
        }
    }

    /// The domain's stream takes the call.
    pub(crate) fn sent(&self, now: Instant) {
        let after = now.saturating_duration_since(self.begun).as_nanos();
        let after = u64::try_from(after).unwrap_or(u64::MAX - 1);
        self.sent.store(after + 1, Ordering::Relaxed);
    }

    /// What is added to the call.
    pub(crate) fn headers(&self) -> TraceHeaders {
        match &self.trace {
            PassedTrace::Callers(headers) => headers.clone(),
            PassedTrace::Own(trace) => trace.headers(),
        }
    }

    /// The trace, if it continues here.
    fn own(&self) -> Option<&CallTrace> {
        match &self.trace {
            PassedTrace::Callers(_) => None,
            PassedTrace::Own(trace) => Some(trace),
        }
    }

    fn queued(&self) -> Option<Duration> {
        let sent = self.sent.load(Ordering::Relaxed);
        sent.checked_sub(1).map(Duration::from_nanos)
    }
}

struct Observed {
    observer: Arc<dyn CallObserver>,
    origin: Origin,
    started: SystemTime,
    request_bytes: usize,
    response_bytes: usize,
}

/// A call that is observed, if anybody observes it.
pub(crate) struct ObservedCall {
    observed: Option<Box<Observed>>,
    to_domain: Option<Arc<TraceToDomain>>,
}

impl ObservedCall {
    /// What goes with the call.
    pub(crate) fn to_domain(&self) -> Option<Arc<TraceToDomain>> {
        self.to_domain.clone()
    }

    /// Adds the size of a response, or of a part of it.
    pub(crate) fn add_response(&mut self, response: &MessageResponse) {
        if let Some(observed) = &mut self.observed {
            observed.response_bytes += response.type_.len() + response.payload.len();
        }
    }

    /// The call has ended. Only the first call has an effect.
    pub(crate) fn end(&mut self, domain: &str, type_: &str, outcome: CallOutcome<'_>) {
        let (Some(observed), Some(sent)) = (self.observed.take(), &self.to_domain) else {
            return;
        };
        observed.observer.end(FinishedCall {
            caller: observed.origin.name(),
            domain,
            type_,
            started: observed.started,
            duration: sent.begun.elapsed(),
            queued: sent.queued(),
            request_bytes: observed.request_bytes,
            response_bytes: observed.response_bytes,
            outcome,
            trace: sent.own(),
        });
    }
}

/// Ends the observation of a call when its future has finished, or is dropped.
pub(crate) struct ObservedFuture<'a> {
    pub(crate) domain: &'a str,
    pub(crate) type_: &'a str,
    pub(crate) call: ObservedCall,
}

impl ObservedFuture<'_> {
    pub(crate) fn end(mut self, result: &Result<MessageResponse, CallFailure>) {
        if let Ok(response) = result {
            self.call.add_response(response);
        }
        self.call.end(self.domain, self.type_, outcome_of(result));
    }
}

impl Drop for ObservedFuture<'_> {
    fn drop(&mut self) {
        self.call
            .end(self.domain, self.type_, CallOutcome::Cancelled);
    }
}

/// How a call with this result ended.
pub(crate) fn outcome_of(result: &Result<MessageResponse, CallFailure>) -> CallOutcome<'_> {
    match result {
        Ok(response) if response.success => CallOutcome::Success,
        Ok(response) => CallOutcome::Error(&response.error),
        Err(failure) => CallOutcome::Failure(failure.code, failure.text()),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn headers_in_several_lines_are_joined_and_long_ones_are_dropped() {
        let mut headers = HeaderMap::new();
        headers.append("traceparent", HeaderValue::from_static("00-1-2-01"));
        headers.append("tracestate", HeaderValue::from_static("a=1"));
        headers.append("tracestate", HeaderValue::from_static("b=2"));
        let long = HeaderValue::from_str(&"x".repeat(MAX_BAGGAGE + 1)).expect("ASCII");
        headers.append("baggage", long);
        let expected = TraceHeaders {
            traceparent: "00-1-2-01".into(),
            tracestate: "a=1,b=2".into(),
            baggage: String::new(),
        };
        assert_eq!(TraceHeaders::of(&headers), expected);
        assert_eq!(TraceHeaders::of(&HeaderMap::new()), TraceHeaders::default());
    }

    #[test]
    fn the_domain_gets_the_span_of_its_part_of_the_call() {
        let trace = CallTrace {
            trace_id: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736,
            parent: 1,
            server_span: 2,
            client_span: 0xf0,
            sampled: true,
            tracestate: "a=1".into(),
            baggage: "k=v".into(),
        };
        let headers = trace.headers();
        assert_eq!(
            headers.traceparent,
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00000000000000f0-01"
        );
        assert_eq!((&*headers.tracestate, &*headers.baggage), ("a=1", "k=v"));
    }
}
