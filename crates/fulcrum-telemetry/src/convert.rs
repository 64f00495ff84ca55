//! What is kept of OTLP messages. Names and values are cut to a length that can be shown.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind as ProtoKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span as ProtoSpan, Status};

use crate::context::{SpanId, TraceId};
use crate::records::Record;
use crate::traces::{DOMAIN_ATTRIBUTE, Origin, Span, SpanEvent, SpanKind, SpanStatus};

const MAX_NAME: usize = 256;
const MAX_VALUE: usize = 2048;
const MAX_ATTRIBUTES: usize = 64;
const MAX_EVENTS: usize = 32;

/// The spans of a request, and how many were malformed.
pub(crate) fn spans(request: &ExportTraceServiceRequest) -> (Vec<Span>, u64) {
    let mut spans = Vec::new();
    let mut malformed = 0;
    for resource in &request.resource_spans {
        let origin = origin(resource.resource.as_ref());
        for span in resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
            match self::span(span, &origin) {
                Some(span) => spans.push(span),
                None => malformed += 1,
            }
        }
    }
    (spans, malformed)
}

fn span(span: &ProtoSpan, origin: &Arc<Origin>) -> Option<Span> {
    let id = SpanId::from_bytes(&span.span_id);
    let start = span.start_time_unix_nano;
    let events = span.events.iter().take(MAX_EVENTS).map(|event| SpanEvent {
        time: event.time_unix_nano,
        name: cut(&event.name, MAX_NAME),
        attributes: attributes(&event.attributes),
    });
    (!id.is_none()).then_some(())?;
    Some(Span {
        trace: TraceId::from_bytes(&span.trace_id)?,
        id,
        parent: SpanId::from_bytes(&span.parent_span_id),
        name: cut(&span.name, MAX_NAME),
        kind: kind(span.kind),
        start,
        end: span.end_time_unix_nano.max(start),
        status: status(span.status.as_ref()),
        origin: Arc::clone(origin),
        attributes: attributes(&span.attributes),
        events: events.collect(),
    })
}

fn kind(number: i32) -> SpanKind {
    match ProtoKind::try_from(number) {
        Ok(ProtoKind::Server) => SpanKind::Server,
        Ok(ProtoKind::Client) => SpanKind::Client,
        Ok(ProtoKind::Producer) => SpanKind::Producer,
        Ok(ProtoKind::Consumer) => SpanKind::Consumer,
        Ok(ProtoKind::Internal | ProtoKind::Unspecified) | Err(_) => SpanKind::Internal,
    }
}

fn status(status: Option<&Status>) -> SpanStatus {
    let Some(status) = status else {
        return SpanStatus::Unset;
    };
    match StatusCode::try_from(status.code) {
        Ok(StatusCode::Error) => SpanStatus::Error(cut(&status.message, MAX_VALUE)),
        Ok(StatusCode::Ok) => SpanStatus::Ok,
        Ok(StatusCode::Unset) | Err(_) => SpanStatus::Unset,
    }
}

/// The log records of a request.
pub(crate) fn records(request: &ExportLogsServiceRequest) -> Vec<Record> {
    let mut records = Vec::new();
    for resource in &request.resource_logs {
        let origin = origin(resource.resource.as_ref());
        let scopes = resource.scope_logs.iter();
        let found = scopes.flat_map(|scope| &scope.log_records);
        records.extend(found.map(|record| self::record(record, &origin)));
    }
    records
}

fn record(record: &LogRecord, origin: &Arc<Origin>) -> Record {
    let time = match record.time_unix_nano {
        0 => record.observed_time_unix_nano,
        time => time,
    };
    Record {
        time,
        trace: TraceId::from_bytes(&record.trace_id),
        span: SpanId::from_bytes(&record.span_id),
        level: level(record),
        text: record.body.as_ref().map(text).unwrap_or_default(),
        origin: Arc::clone(origin),
    }
}

/// The level of a record as Fulcrum calls it.
fn level(record: &LogRecord) -> &'static str {
    match record.severity_number {
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => "",
    }
}

/// Who a resource is.
pub(crate) fn origin(resource: Option<&Resource>) -> Arc<Origin> {
    let find = |name: &str| {
        let attributes = resource.map(|resource| &resource.attributes);
        let mut attributes = attributes.into_iter().flatten();
        let found = attributes.find(|attribute| attribute.key == name);
        found
            .and_then(|attribute| attribute.value.as_ref())
            .map(|value| cut(&text(value), MAX_NAME))
    };
    Arc::new(Origin {
        service: find("service.name").unwrap_or_else(|| "unknown_service".to_owned()),
        domain: find(DOMAIN_ATTRIBUTE),
    })
}

/// Attributes as texts.
pub(crate) fn attributes(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let some = attributes.iter().take(MAX_ATTRIBUTES);
    some.map(|attribute| {
        let value = attribute.value.as_ref().map(text).unwrap_or_default();
        (cut(&attribute.key, MAX_NAME), value)
    })
    .collect()
}

/// A value as a text.
fn text(value: &AnyValue) -> String {
    let mut shown = String::new();
    write_value(value, &mut shown, 0);
    cut(&shown, MAX_VALUE)
}

/// Values may contain each other; what is deeper or longer than anybody reads is left out.
fn write_value(value: &AnyValue, shown: &mut String, depth: usize) {
    const MAX_DEPTH: usize = 8;
    if shown.len() > MAX_VALUE || depth > MAX_DEPTH {
        return;
    }
    match &value.value {
        None => {}
        Some(Value::StringValue(text)) => shown.push_str(&cut(text, MAX_VALUE)),
        Some(Value::BoolValue(value)) => shown.push_str(&value.to_string()),
        Some(Value::IntValue(value)) => shown.push_str(&value.to_string()),
        Some(Value::DoubleValue(value)) => shown.push_str(&value.to_string()),
        Some(Value::BytesValue(bytes)) => shown.push_str(&format!("{} bytes", bytes.len())),
        Some(Value::StringValueStrindex(index)) => shown.push_str(&format!("#{index}")),
        Some(Value::ArrayValue(array)) => {
            shown.push('[');
            for (at, value) in array.values.iter().enumerate() {
                if at > 0 {
                    shown.push(',');
                }
                write_value(value, shown, depth + 1);
            }
            shown.push(']');
        }
        Some(Value::KvlistValue(list)) => {
            shown.push('{');
            for (at, entry) in list.values.iter().enumerate() {
                if at > 0 {
                    shown.push(',');
                }
                shown.push_str(&cut(&entry.key, MAX_NAME));
                shown.push(':');
                if let Some(value) = &entry.value {
                    write_value(value, shown, depth + 1);
                }
            }
            shown.push('}');
        }
    }
}

/// At most so many bytes of a text.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limit);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};

    use super::*;

    fn value(value: Value) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    fn entry(key: &str, entry: Value) -> KeyValue {
        KeyValue {
            key: key.to_owned(),
            value: Some(value(entry)),
            ..KeyValue::default()
        }
    }

    fn request(spans: Vec<ProtoSpan>, resource: Vec<KeyValue>) -> ExportTraceServiceRequest {
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource {
                    attributes: resource,
                    ..Resource::default()
                }),
                scope_spans: vec![ScopeSpans {
                    spans,
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        }
    }

    #[test]
    fn spans_without_valid_ids_are_counted_and_left_out() {
        let good = ProtoSpan {
            trace_id: vec![1; 16],
            span_id: vec![2; 8],
            start_time_unix_nano: 100,
            end_time_unix_nano: 50,
            ..ProtoSpan::default()
        };
        let without_span = ProtoSpan {
            span_id: Vec::new(),
            ..good.clone()
        };
        let short_trace = ProtoSpan {
            trace_id: vec![1; 15],
            ..good.clone()
        };
        let domain = entry(DOMAIN_ATTRIBUTE, Value::StringValue("orders".into()));
        let (spans, malformed) = spans(&request(
            vec![good, without_span, short_trace],
            vec![domain],
        ));
        assert_eq!((spans.len(), malformed), (1, 2));
        assert_eq!((spans[0].origin.name(), spans[0].duration()), ("orders", 0));
    }

    #[test]
    fn values_are_texts_of_a_bounded_length() {
        let list = KeyValueList {
            values: vec![entry("a", Value::IntValue(1))],
        };
        let array = ArrayValue {
            values: vec![
                value(Value::BoolValue(true)),
                value(Value::KvlistValue(list)),
            ],
        };
        assert_eq!(text(&value(Value::ArrayValue(array))), "[true,{a:1}]");
        let long = text(&value(Value::StringValue("é".repeat(MAX_VALUE))));
        assert!(long.len() <= MAX_VALUE + '…'.len_utf8());
        let mut nested = value(Value::IntValue(1));
        for _ in 0..1_000 {
            let values = vec![nested];
            nested = value(Value::ArrayValue(ArrayValue { values }));
        }
        assert!(text(&nested).len() < 100);
    }
}
