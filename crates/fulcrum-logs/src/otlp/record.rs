//! A log line as an OpenTelemetry log record.

use opentelemetry::logs::{AnyValue, LogRecord, Severity};
use opentelemetry::{SpanId, TraceId};

use crate::line::{Level, LogLine};

/// Fills in a record: time, severity, text, trace id and the line's origin.
///
/// A line carries a trace id, but no span id: the span id is the invalid one, which receivers read
/// as none. A trace id in another format than OpenTelemetry's becomes an attribute.
pub(super) fn fill_record(record: &mut impl LogRecord, line: &LogLine) {
    record.set_timestamp(line.time);
    record.set_observed_timestamp(line.time);
    if let Some(level) = line.level {
        record.set_severity_number(severity(level));
        record.set_severity_text(level.as_str());
    }
    record.set_body(AnyValue::from(line.text().into_owned()));
    record.add_attribute("generation", to_i64(line.source.generation));
    record.add_attribute("pid", i64::from(line.source.pid));
    record.add_attribute("stream", line.stream.as_str());
    record.add_attribute("seq", to_i64(line.seq));
    if line.partial {
        record.add_attribute("partial", true);
    }
    if let Some(id) = line.trace_id() {
        match TraceId::from_hex(&id) {
            Ok(trace) if id.len() == 32 => record.set_trace_context(trace, SpanId::INVALID, None),
            _ => record.add_attribute("trace_id", id.into_owned()),
        }
    }
}

fn severity(level: Level) -> Severity {
    match level {
        Level::Trace => Severity::Trace,
        Level::Debug => Severity::Debug,
        Level::Info => Severity::Info,
        Level::Warn => Severity::Warn,
        Level::Error => Severity::Error,
        Level::Fatal => Severity::Fatal,
    }
}

/// OpenTelemetry's integers are signed; sequence numbers stay far below their limit.
fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
