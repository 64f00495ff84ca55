//! A span, as it is kept and shown.

use std::sync::Arc;

use crate::context::{SpanId, TraceId};

/// The attribute by which a domain's telemetry is recognized, whatever its service is called, and which
/// a call has for the domain that is called.
pub const DOMAIN_ATTRIBUTE: &str = "fulcrum.domain";

/// The attribute of a call with the type of its message.
pub(crate) const MESSAGE_TYPE: &str = "fulcrum.message.type";

/// On which side of a call a span is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpanKind {
    /// On none.
    #[default]
    Internal,
    /// It handles a call.
    Server,
    /// It makes a call.
    Client,
    /// It sends a message that is handled later.
    Producer,
    /// It handles such a message.
    Consumer,
}

impl SpanKind {
    /// Its name in OpenTelemetry, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// How what a span stands for ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SpanStatus {
    /// Without an error.
    #[default]
    Unset,
    /// With success, as the program says itself.
    Ok,
    /// With an error, and its text.
    Error(String),
}

/// Something that happened at one time of a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanEvent {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// What happened.
    pub name: String,
    /// Its attributes, as texts.
    pub attributes: Vec<(String, String)>,
}

/// Who has recorded a span, a log record or a metric.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The name of the service.
    pub service: String,
    /// The domain, where it is known.
    pub domain: Option<String>,
}

impl Origin {
    /// The domain, else the service.
    #[must_use]
    pub fn name(&self) -> &str {
        self.domain.as_deref().unwrap_or(&self.service)
    }
}

/// One span.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its trace.
    pub trace: TraceId,
    /// Its id in the trace.
    pub id: SpanId,
    /// The span that it is part of; none for the first one of the trace.
    pub parent: SpanId,
    /// What it stands for.
    pub name: String,
    /// On which side of a call it is.
    pub kind: SpanKind,
    /// When it began: nanoseconds since 1970.
    pub start: u64,
    /// When it ended; never earlier.
    pub end: u64,
    /// How it ended.
    pub status: SpanStatus,
    /// Who recorded it.
    pub origin: Arc<Origin>,
    /// Its attributes, as texts.
    pub attributes: Vec<(String, String)>,
    /// What happened meanwhile.
    pub events: Vec<SpanEvent>,
}

impl Span {
    /// How long it took, in nanoseconds.
    #[must_use]
    pub fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether it ended with an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        matches!(self.status, SpanStatus::Error(_))
    }

    /// The memory that it takes, roughly, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let status = match &self.status {
            SpanStatus::Error(text) => text.capacity(),
            SpanStatus::Unset | SpanStatus::Ok => 0,
        };
        let events = self.events.iter();
        let events = events.map(|event| {
            size_of::<SpanEvent>() + event.name.capacity() + attribute_size(&event.attributes)
        });
        size_of::<Self>()
            + self.name.capacity()
            + status
            + attribute_size(&self.attributes)
            + events.sum::<usize>()
    }
}

/// The memory that attributes take.
pub(crate) fn attribute_size(attributes: &[(String, String)]) -> usize {
    let texts = attributes.iter();
    let texts = texts.map(|(name, value)| name.capacity() + value.capacity());
    // Each text is an allocation of its own.
    size_of_val(attributes) + attributes.len() * 32 + texts.sum::<usize>()
}
