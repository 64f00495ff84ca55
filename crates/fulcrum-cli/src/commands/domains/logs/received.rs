//! Log records of a trace that an instance has received over OTLP, among the lines.

use std::time::{Duration, SystemTime};

use fulcrum_logs::store::Stored;
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
        .filter(|one| is_selected(one, request, domains))
        .collect()
}

fn is_selected(received: &ReceivedLine, request: &LogRequest, domains: &[String]) -> bool {
    let query = &request.query;
    let is_named = domains.iter().any(|name| **name == *received.domain);
    (request.args.names.is_empty() || is_named)
        && query.level.is_none_or(|min| received.level >= Some(min))
        && query.since.is_none_or(|since| received.time >= since)
        && query.until.is_none_or(|until| received.time < until)
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

/// What is printed.
#[derive(Debug)]
pub(super) enum Entry {
    /// A line, or where lines are missing.
    Stored(Stored),
    /// A record that was received over OTLP.
    Received(ReceivedLine),
}

/// Lines and records, each in their order, by time: a record is before the first line that was
/// captured after it.
pub(super) fn interleave(
    stored: impl Iterator<Item = Stored>,
    received: Vec<ReceivedLine>,
) -> impl Iterator<Item = Entry> {
    let mut stored = stored.peekable();
    let mut received = received.into_iter().peekable();
    std::iter::from_fn(move || {
        let comes_first = |one: &ReceivedLine| match stored.peek() {
            Some(Stored::Line(found)) => one.time < found.line.time,
            Some(Stored::Gap(_)) => false,
            None => true,
        };
        match received.next_if(comes_first) {
            Some(one) => Some(Entry::Received(one)),
            None => stored.next().map(Entry::Stored),
        }
    })
}

#[cfg(test)]
mod tests {
    use fulcrum_logs::store::StoredLine;
    use fulcrum_logs::{LogLine, Source, Stream};

    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn records_are_among_the_lines_by_their_times() {
        let stored = [10, 20, 15].map(|millis| {
            let line = LogLine {
                seq: millis,
                time: at(millis),
                source: Source {
                    domain: "users".into(),
                    generation: 1,
                    pid: 1,
                },
                stream: Stream::Stdout,
                level: None,
                message: "x".into(),
                partial: false,
                continues: false,
                message_trace: None,
            };
            Stored::Line(StoredLine { line, run: 1 })
        });
        let received = [5, 10, 12, 30].map(|millis| {
            from_message(TraceLine {
                time_ns: millis * 1_000_000,
                ..TraceLine::default()
            })
        });
        let times: Vec<String> = interleave(stored.into_iter(), received.into())
            .map(|entry| match entry {
                Entry::Stored(Stored::Line(found)) => format!("line {}", found.line.seq),
                Entry::Stored(Stored::Gap(_)) => "gap".to_owned(),
                Entry::Received(one) => {
                    let since = one.time.duration_since(SystemTime::UNIX_EPOCH);
                    format!("record {}", since.unwrap_or_default().as_millis())
                }
            })
            .collect();
        let expected = [
            "record 5",
            "line 10",
            "record 10",
            "record 12",
            "line 20",
            "line 15",
            "record 30",
        ];
        assert_eq!(times, expected);
    }
}
