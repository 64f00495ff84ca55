//! The two spans of a call: the server's, from its arrival to the response, and below it the
//! client's, from the moment that the domain's stream took it.

use std::time::{Duration, SystemTime};

use super::call_name::CallName;
use super::own::{Attributes, OwnSpan, duration_nanos, nanos};
use crate::context::{SpanId, TraceId};
use crate::traces::{DOMAIN_ATTRIBUTE, MESSAGE_TYPE, SpanKind, SpanStatus};

/// The method of all calls.
const METHOD: &str = "framework.FrameworkService/SendMessage";

/// A call that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRecord {
    /// Its trace.
    pub trace: TraceId,
    /// The caller's span.
    pub parent: SpanId,
    /// The span of the call.
    pub server: SpanId,
    /// The span of the domain's part of it.
    pub client: SpanId,
    /// What was called.
    pub name: CallName,
    /// When it began.
    pub started: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// How long it waited for the domain's stream; none if it never got there.
    pub queued: Option<Duration>,
    /// The size of the request, in bytes.
    pub request_bytes: usize,
    /// The size of the response, in bytes.
    pub response_bytes: usize,
    /// A word for how it ended: `ok`, or an error's code.
    pub outcome: &'static str,
    /// The error, if it ended with one.
    pub error: Option<String>,
}

impl CallRecord {
    /// When it began: nanoseconds since 1970.
    pub(crate) fn start(&self) -> u64 {
        nanos(self.started)
    }

    /// When the domain's stream took it: nanoseconds since 1970; none if that never happened.
    pub(crate) fn sent(&self) -> Option<u64> {
        Some(self.start().saturating_add(duration_nanos(self.queued?)))
    }

    /// When it ended: nanoseconds since 1970.
    pub(crate) fn end(&self) -> u64 {
        self.start().saturating_add(duration_nanos(self.duration))
    }

    /// How many spans it is.
    pub(crate) fn count(&self) -> usize {
        1 + usize::from(self.queued.is_some())
    }

    /// The memory of its texts, in bytes. Calls share their names.
    pub(crate) fn size_of_texts(&self) -> usize {
        self.error.as_ref().map_or(0, String::capacity)
    }

    /// Its spans.
    pub(crate) fn to_spans(&self) -> [Option<OwnSpan>; 2] {
        let status = match &self.error {
            Some(text) => SpanStatus::Error(text.clone()),
            None => SpanStatus::Unset,
        };
        let client = self.client_span(&status);
        let mut attributes: Attributes = vec![
            ("rpc.system.name".into(), "grpc".into()),
            ("rpc.method".into(), METHOD.into()),
            // A domain that fails is a response, and no error of gRPC.
            ("rpc.response.status_code".into(), "OK".into()),
            (
                DOMAIN_ATTRIBUTE.into(),
                self.name.domain().to_owned().into(),
            ),
            (
                MESSAGE_TYPE.into(),
                self.name.message_type().to_owned().into(),
            ),
            ("fulcrum.outcome".into(), self.outcome.into()),
            ("rpc.request.size".into(), self.request_bytes.into()),
            ("rpc.response.size".into(), self.response_bytes.into()),
        ];
        if let Some(queued) = self.queued {
            let name = "fulcrum.queue.duration".into();
            attributes.push((name, queued.as_secs_f64().into()));
        }
        if self.error.is_some() {
            attributes.push(("error.type".into(), self.outcome.into()));
        }
        let server = OwnSpan {
            trace: self.trace,
            id: self.server,
            parent: self.parent,
            name: METHOD.into(),
            kind: SpanKind::Server,
            start: self.started,
            duration: self.duration,
            status,
            attributes: attributes.into(),
        };
        [Some(server), client]
    }

    fn client_span(&self, status: &SpanStatus) -> Option<OwnSpan> {
        let queued = self.queued?;
        let method = self.name.as_str().to_owned();
        let mut attributes: Attributes = vec![
            ("rpc.system.name".into(), "fulcrum".into()),
            ("rpc.method".into(), method.clone().into()),
            (
                "fulcrum.domain".into(),
                self.name.domain().to_owned().into(),
            ),
        ];
        if self.error.is_some() {
            attributes.push(("error.type".into(), self.outcome.into()));
        }
        Some(OwnSpan {
            trace: self.trace,
            id: self.client,
            parent: self.server,
            name: method.into(),
            kind: SpanKind::Client,
            start: self.started + queued,
            duration: self.duration.saturating_sub(queued),
            status: status.clone(),
            attributes: attributes.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(queued: Option<Duration>) -> CallRecord {
        CallRecord {
            trace: TraceId::random(),
            parent: SpanId(1),
            server: SpanId(2),
            client: SpanId(3),
            name: CallName::new("orders", "order_create_request"),
            started: SystemTime::UNIX_EPOCH,
            duration: Duration::from_millis(10),
            queued,
            request_bytes: 5,
            response_bytes: 7,
            outcome: "ok",
            error: None,
        }
    }

    #[test]
    fn the_domains_part_begins_after_the_queue_and_ends_with_the_call() {
        let [server, client] = record(Some(Duration::from_millis(4))).to_spans();
        let (server, client) = (server.expect("recorded"), client.expect("recorded"));
        assert_eq!((server.parent, server.id), (SpanId(1), SpanId(2)));
        assert_eq!((client.parent, client.id), (SpanId(2), SpanId(3)));
        assert_eq!(&*client.name, "orders/order_create_request");
        assert_eq!(client.duration, Duration::from_millis(6));
        assert_eq!(
            client.start + client.duration,
            server.start + server.duration
        );
    }

    #[test]
    fn a_call_that_reached_no_domain_has_one_span_with_its_error() {
        let failed = CallRecord {
            outcome: "UNAVAILABLE",
            error: Some("not connected".into()),
            ..record(None)
        };
        let [server, client] = failed.to_spans();
        assert_eq!(client, None);
        let server = server.expect("recorded");
        assert_eq!(server.status, SpanStatus::Error("not connected".into()));
        let error = server
            .attributes
            .iter()
            .find(|(name, _)| name == "error.type");
        assert_eq!(error.map(|(_, value)| value), Some(&"UNAVAILABLE".into()));
    }
}
