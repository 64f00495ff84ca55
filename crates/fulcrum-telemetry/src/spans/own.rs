//! Spans that are recorded in this process, and their forms to be kept and to be exported.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind as ProtoKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span as ProtoSpan, Status};

use crate::context::{SpanId, TraceId};
use crate::traces::{Origin, Span, SpanKind, SpanStatus};

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A text.
    Text(Cow<'static, str>),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// Yes or no.
    Bool(bool),
}

impl Attribute {
    fn show(&self) -> String {
        match self {
            Self::Text(text) => text.clone().into_owned(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
        }
    }

    fn to_proto(&self) -> AnyValue {
        let value = match self {
            Self::Text(text) => Value::StringValue(text.clone().into_owned()),
            Self::Int(number) => Value::IntValue(*number),
            Self::Float(number) => Value::DoubleValue(*number),
            Self::Bool(value) => Value::BoolValue(*value),
        };
        AnyValue { value: Some(value) }
    }
}

impl From<&'static str> for Attribute {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<u64> for Attribute {
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Attribute {
    fn from(number: usize) -> Self {
        Self::from(number as u64)
    }
}

impl From<f64> for Attribute {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<bool> for Attribute {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// An attribute's name and value. The names are those of OpenTelemetry's semantic conventions, or
/// begin with `fulcrum.`.
pub type Attributes = Vec<(Cow<'static, str>, Attribute)>;

/// A span of this process that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnSpan {
    /// Its trace.
    pub trace: TraceId,
    /// Its id in the trace.
    pub id: SpanId,
    /// The span that it is part of.
    pub parent: SpanId,
    /// What it stands for.
    pub name: Arc<str>,
    /// On which side of a call it is.
    pub kind: SpanKind,
    /// When it began.
    pub start: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// How it ended.
    pub status: SpanStatus,
    /// Its attributes, which it may share with others.
    pub attributes: Arc<Attributes>,
}

impl OwnSpan {
    /// When it began and ended: nanoseconds since 1970.
    pub(crate) fn times(&self) -> (u64, u64) {
        let start = nanos(self.start);
        (start, start.saturating_add(duration_nanos(self.duration)))
    }

    /// Whether it ended with an error.
    pub(crate) fn is_error(&self) -> bool {
        matches!(self.status, SpanStatus::Error(_))
    }

    /// The memory of its texts, roughly, in bytes.
    pub(crate) fn size_of_texts(&self) -> usize {
        let error = match &self.status {
            SpanStatus::Error(text) => text.capacity(),
            SpanStatus::Unset | SpanStatus::Ok => 0,
        };
        // Some share their attributes, others do not.
        error + 48 * self.attributes.len()
    }

    /// The span as it is shown.
    pub(crate) fn to_kept(&self, origin: &Arc<Origin>) -> Span {
        let (start, end) = self.times();
        let attributes = self.attributes.iter();
        let attributes = attributes.map(|(name, value)| (name.clone().into_owned(), value.show()));
        Span {
            trace: self.trace,
            id: self.id,
            parent: self.parent,
            name: self.name.as_ref().to_owned(),
            kind: self.kind,
            start,
            end,
            status: self.status.clone(),
            origin: Arc::clone(origin),
            attributes: attributes.collect(),
            events: Vec::new(),
        }
    }

    /// What is exported of it.
    pub(crate) fn to_proto(&self) -> ProtoSpan {
        let (start, end) = self.times();
        let attributes = self.attributes.iter();
        let attributes = attributes.map(|(name, value)| key_value(name, value));
        let parent = match self.parent.is_none() {
            true => Vec::new(),
            false => self.parent.0.to_be_bytes().to_vec(),
        };
        ProtoSpan {
            trace_id: self.trace.get().to_be_bytes().to_vec(),
            span_id: self.id.0.to_be_bytes().to_vec(),
            parent_span_id: parent,
            name: self.name.as_ref().to_owned(),
            kind: proto_kind(self.kind) as i32,
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            attributes: attributes.collect(),
            status: proto_status(&self.status),
            // Sampled.
            flags: 1,
            ..ProtoSpan::default()
        }
    }
}

/// An attribute as it is exported.
pub(crate) fn key_value(name: &str, value: &Attribute) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(value.to_proto()),
        ..KeyValue::default()
    }
}

fn proto_kind(kind: SpanKind) -> ProtoKind {
    match kind {
        SpanKind::Internal => ProtoKind::Internal,
        SpanKind::Server => ProtoKind::Server,
        SpanKind::Client => ProtoKind::Client,
        SpanKind::Producer => ProtoKind::Producer,
        SpanKind::Consumer => ProtoKind::Consumer,
    }
}

fn proto_status(status: &SpanStatus) -> Option<Status> {
    let (code, message) = match status {
        SpanStatus::Unset => return None,
        SpanStatus::Ok => (StatusCode::Ok, String::new()),
        SpanStatus::Error(text) => (StatusCode::Error, text.clone()),
    };
    Some(Status {
        message,
        code: code as i32,
    })
}

/// A time in nanoseconds.
pub(super) fn duration_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds since 1970.
pub(super) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
