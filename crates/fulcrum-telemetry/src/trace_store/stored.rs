//! What is kept of one trace's parts. A call is kept as it was recorded, since its two spans with all
//! their attributes take fifty allocations, and most are never looked at.

use std::sync::Arc;

use crate::context::SpanId;
use crate::spans::CallRecord;
use crate::traces::{DOMAIN_ATTRIBUTE, MESSAGE_TYPE, Origin, Span};

/// One part of a trace.
#[derive(Debug)]
pub(super) enum Stored {
    /// A span.
    Span(Box<Span>),
    /// A call of this process, which is one span or two.
    Call(Box<CallRecord>),
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
    /// The memory that it takes, roughly, in bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Span(span) => span.size(),
            Self::Call(call) => call.size(),
        }
    }

    /// How many spans it is.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Span(_) => 1,
            Self::Call(call) => 1 + usize::from(call.queued.is_some()),
        }
    }

    /// Its spans; `own` is the origin of calls.
    pub(super) fn to_spans(&self, own: &Arc<Origin>) -> Vec<Span> {
        match self {
            Self::Span(span) => vec![span.as_ref().clone()],
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
        let span = match self.part {
            Stored::Call(call) => return call.name.as_str().to_owned(),
            Stored::Span(span) => span,
        };
        let find = |name: &str| {
            let found = span.attributes.iter().find(|(set, _)| set == name);
            found.map(|(_, value)| value.as_str())
        };
        match (find(DOMAIN_ATTRIBUTE), find(MESSAGE_TYPE)) {
            (Some(domain), Some(type_)) => format!("{domain}/{type_}"),
            _ => span.name.clone(),
        }
    }
}
