//! A log line as a log record of OTLP.

use std::time::UNIX_EPOCH;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};

use crate::line::{Level, LogLine};

/// The record of a line: time, severity, text, trace id and the line's origin.
///
/// A line carries a trace id, but no span id. A trace id in another format than OpenTelemetry's
/// becomes an attribute.
pub(super) fn record(line: &LogLine) -> LogRecord {
    let since = line.time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    let mut attributes = vec![
        attribute(
            "generation",
            Value::IntValue(to_i64(line.source.generation)),
        ),
        attribute("pid", Value::IntValue(i64::from(line.source.pid))),
        attribute("stream", text(line.stream.as_str())),
        attribute("seq", Value::IntValue(to_i64(line.seq))),
    ];
    if line.partial {
        attributes.push(attribute("partial", Value::BoolValue(true)));
    }
    let mut trace_id = Vec::new();
    if let Some(id) = line.trace_id() {
        match trace_bytes(&id) {
            Some(bytes) => trace_id = bytes,
            None => attributes.push(attribute("trace_id", text(&id))),
        }
    }
    LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time,
        severity_number: line.level.map_or(0, |level| severity(level) as i32),
        severity_text: line
            .level
            .map_or_else(String::new, |level| level.as_str().to_owned()),
        body: Some(AnyValue {
            value: Some(text(&line.text())),
        }),
        attributes,
        trace_id,
        ..LogRecord::default()
    }
}

/// An attribute of a record or a resource.
pub(super) fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

pub(super) fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

/// The bytes of an id of OpenTelemetry: 32 hexadecimal digits.
fn trace_bytes(id: &str) -> Option<Vec<u8>> {
    let number = u128::from_str_radix(id, 16).ok()?;
    (id.len() == 32).then(|| number.to_be_bytes().to_vec())
}

fn severity(level: Level) -> SeverityNumber {
    match level {
        Level::Trace => SeverityNumber::Trace,
        Level::Debug => SeverityNumber::Debug,
        Level::Info => SeverityNumber::Info,
        Level::Warn => SeverityNumber::Warn,
        Level::Error => SeverityNumber::Error,
        Level::Fatal => SeverityNumber::Fatal,
    }
}

/// OpenTelemetry's integers are signed; sequence numbers stay far below their limit.
fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
