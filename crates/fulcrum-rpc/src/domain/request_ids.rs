//! The request ids of calls on the wire.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use super::message::{CANCEL, CREDIT, EVENT};
use super::routing::{CallContent, CallId, EventContent, Outgoing};
use crate::framework::RuntimeMessage;

/// What requests to a client have, by its capabilities.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestTraits {
    /// The time that is left.
    pub(crate) deadline: bool,
    /// The number of parts that the response may have.
    pub(crate) stream: bool,
    /// The trace that they belong to.
    pub(crate) trace: bool,
}

/// Numbers the calls of a registry, and writes the numbers as request ids that differ from those
/// of domains and of other registries.
#[derive(Clone)]
pub(crate) struct RequestIds {
    prefix: Arc<str>,
    next: Arc<AtomicU64>,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        // The standard library's only source of randomness; enough against accidents.
        let random = RandomState::new().hash_one(0);
        Self {
            prefix: format!("fulcrum-{random:016x}-").into(),
            next: Arc::new(AtomicU64::new(1)),
        }
    }

    /// A new number, greater than all before.
    pub(crate) fn next(&self) -> CallId {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The request id of a number.
    pub(crate) fn format(&self, id: CallId) -> String {
        format!("{}{id}", self.prefix)
    }

    /// The number of a request id; `None` if it is not one of these.
    pub(crate) fn parse(&self, request_id: &str) -> Option<CallId> {
        request_id.strip_prefix(&*self.prefix)?.parse().ok()
    }

    /// The wire message for what a stream sends next.
    pub(crate) fn message(
        &self,
        outgoing: Outgoing<Arc<CallContent>>,
        traits: RequestTraits,
        now: Instant,
    ) -> RuntimeMessage {
        let outgoing = match outgoing {
            Outgoing::Event(event, missed) => return event_message(&event, missed),
            outgoing => outgoing,
        };
        let (id, type_, payload, deadline, credit, trace) = match outgoing {
            Outgoing::Call(id, content) => {
                let CallContent {
                    type_,
                    payload,
                    deadline,
                    credit,
                    trace,
                    room: _,
                } = Arc::unwrap_or_clone(content);
                let deadline = traits.deadline.then_some(deadline);
                let credit = if traits.stream { credit } else { 0 };
                (id, type_, payload, deadline, credit, trace)
            }
            Outgoing::Cancel(id) => (id, CANCEL.to_owned(), "{}".to_owned(), None, 0, None),
            Outgoing::Credit(id, parts) => {
                let payload = format!(r#"{{"parts":{parts}}}"#);
                (id, CREDIT.to_owned(), payload, None, 0, None)
            }
            Outgoing::Event(..) => unreachable!("handled above"),
        };
        // Rounded up, so that the domain does not give up before the caller; zero is no limit.
        let deadline_ms = deadline.map_or(0, |deadline| {
            let left = deadline.saturating_duration_since(now).as_millis();
            u64::try_from(left).unwrap_or(u64::MAX).saturating_add(1)
        });
        if let Some(trace) = &trace {
            trace.sent(now);
        }
        let trace = trace.filter(|_| traits.trace).map(|trace| trace.headers());
        let trace = trace.unwrap_or_default();
        RuntimeMessage {
            r#type: type_,
            payload,
            request_id: self.format(id),
            success: true,
            error: String::new(),
            deadline_ms,
            stream_credit: credit,
            traceparent: trace.traceparent,
            tracestate: trace.tracestate,
            baggage: trace.baggage,
        }
    }
}

/// The wire message of an event.
fn event_message(event: &EventContent, missed: u64) -> RuntimeMessage {
    let EventContent {
        topic,
        from,
        payload,
    } = event;
    let text = |text: &str| serde_json::Value::from(text).to_string();
    RuntimeMessage {
        r#type: EVENT.to_owned(),
        // The payload is a JSON text, as it was published.
        payload: format!(
            r#"{{"topic":{},"from":{},"missed":{missed},"payload":{payload}}}"#,
            text(topic),
            text(from)
        ),
        success: true,
        ..RuntimeMessage::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_request_ids_are_parsed() {
        let (ids, other) = (RequestIds::new(), RequestIds::new());
        let id = ids.next();
        assert_eq!(ids.parse(&ids.format(id)), Some(id));
        assert_eq!(other.parse(&ids.format(id)), None);
        for foreign in ["", "1", "fulcrum-1", &format!("{}x", ids.format(id))] {
            assert_eq!(ids.parse(foreign), None, "{foreign}");
        }
    }
}
