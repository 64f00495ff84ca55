//! What is kept of one trace's parts. What is recorded here is kept as it was recorded, since the spans
//! of one call with all their attributes take sixty allocations, and most are never looked at.

use std::sync::Arc;

use crate::context::{SpanId, TraceId};
use crate::spans::{CallRecord, OwnSpan};
use crate::traces::{DOMAIN_ATTRIBUTE, MESSAGE_TYPE, Origin, Span};

/// One part of a trace.
#[derive(Debug)]
pub(super) enum Stored {
    /// A span that was received.
    Span(Box<Span>),
    /// A span of this process or of a client library, and who recorded it.
    Own(OwnSpan, Arc<Origin>),
    /// A call of this process, which is one span or two.
    Call(CallRecord),
}

/// What of a span its trace's summary is made of.
pub(super) struct Glance<'a> {
    pub(super) id: SpanId,
    pub(super) parent: SpanId,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) is_error: bool,
    /// Who recorded it.
    pub(super) origin: &'a str,
    part: &'a Stored,
}

impl Stored {
    pub(super) fn trace(&self) -> TraceId {
        match self {
            Self::Span(span) => span.trace,
            Self::Own(span, _) => span.trace,
            Self::Call(call) => call.trace,
        }
    }

    /// The span's id, or that of a call's first span.
    pub(super) fn id(&self) -> SpanId {
        match self {
            Self::Span(span) => span.id,
            Self::Own(span, _) => span.id,
            Self::Call(call) => call.server,
        }
    }

    /// The memory that it takes, roughly, in bytes.
    pub(super) fn size(&self) -> usize {
        let more = match self {
            Self::Span(span) => span.size(),
            Self::Own(span, _) => span.size_of_texts(),
            Self::Call(call) => call.size_of_texts(),
        };
        size_of::<Self>() + more
    }

    /// How many spans it is.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Span(_) | Self::Own(..) => 1,
            Self::Call(call) => call.count(),
        }
    }

    /// Its spans; `own` is the origin of calls.
    pub(super) fn to_spans(&self, own: &Arc<Origin>) -> Vec<Span> {
        match self {
            Self::Span(span) => vec![span.as_ref().clone()],
            Self::Own(span, origin) => vec![span.to_kept(origin)],
            Self::Call(call) => {
                let spans = call.to_spans().into_iter().flatten();
                spans.map(|span| span.to_kept(own)).collect()
            }
        }
    }

    /// Its spans, as far as a summary needs them.
    pub(super) fn glances<'a>(&'a self, own: &'a Origin) -> impl Iterator<Item = Glance<'a>> {
        let glances = match self {
            Self::Span(span) => [
                Some(Glance {
                    id: span.id,
                    parent: span.parent,
                    start: span.start,
                    end: span.end,
                    is_error: span.is_error(),
                    origin: span.origin.name(),
                    part: self,
                }),
                None,
            ],
            Self::Own(span, origin) => {
                let (start, end) = span.times();
                let glance = Glance {
                    id: span.id,
                    parent: span.parent,
                    start,
                    end,
                    is_error: span.is_error(),
                    origin: origin.name(),
                    part: self,
                };
                [Some(glance), None]
            }
            Self::Call(call) => {
                let glance = |id, parent, start| Glance {
                    id,
                    parent,
                    start,
                    end: call.end(),
                    is_error: call.error.is_some(),
                    origin: own.name(),
                    part: self,
                };
                let client = call
                    .sent()
                    .map(|sent| glance(call.client, call.server, sent));
                [Some(glance(call.server, call.parent, call.start())), client]
            }
        };
        glances.into_iter().flatten()
    }
}

impl Glance<'_> {
    /// The name of a trace that begins with this span: of a call what is called, since all calls have
    /// the same method.
    pub(super) fn trace_name(&self) -> String {
        match self.part {
            Stored::Call(call) => call.name.as_str().to_owned(),
            Stored::Own(span, origin) => trace_name(&span.to_kept(origin)),
            Stored::Span(span) => trace_name(span),
        }
    }
}

fn trace_name(first: &Span) -> String {
    let find = |name: &str| {
        let found = first.attributes.iter().find(|(set, _)| set == name);
        found.map(|(_, value)| value.as_str())
    };
    match (find(DOMAIN_ATTRIBUTE), find(MESSAGE_TYPE)) {
        (Some(domain), Some(type_)) => format!("{domain}/{type_}"),
        _ => first.name.clone(),
    }
}
