//! Log records of a trace that an instance has received over OTLP, among the lines.

use std::time::{Duration, SystemTime};

use fulcrum_logs::{Level, ReceivedLine};
use fulcrum_rpc::ControlClient;
use fulcrum_rpc::control::{TraceLine, TraceRequest};

use super::request::LogRequest;

/// The records of the trace that is requested, in order; none without one, and none where they cannot
/// match: they have neither a stream nor a generation, and are no raw output. `domains` are those of
/// the request.
pub(super) async fn fetch(
    client: &ControlClient,
    request: &LogRequest,
    domains: &[String],
) -> Vec<ReceivedLine> {
    let args = &request.args;
    let Some(id) = args.trace.clone() else {
        return Vec::new();
    };
    let of_generation = args.generation.is_some() || args.previous || args.current;
    if args.stream.is_some() || of_generation || args.raw {
        return Vec::new();
    }
    // An earlier version has no such request; its lines are shown all the same.
    let response = client.trace_records(TraceRequest { id }).await;
    let records = response.unwrap_or_default().records;
    let received = records.into_iter().map(from_message);
    received
        .filter(|one| {
            let is_named = domains.iter().any(|name| **name == *one.domain);
            (args.names.is_empty() || is_named) && request.query.matches_received(one)
        })
        .collect()
}

fn from_message(record: TraceLine) -> ReceivedLine {
    let non_empty = |text: String| (!text.is_empty()).then_some(text);
    ReceivedLine {
        time: SystemTime::UNIX_EPOCH + Duration::from_nanos(record.time_ns),
        domain: record.origin.into(),
        level: record
            .level
            .and_then(|level| Level::from_name(level.as_bytes())),
        trace_id: non_empty(record.trace),
        span_id: non_empty(record.span),
        text: String::from_utf8_lossy(&record.message).into_owned(),
    }
}
