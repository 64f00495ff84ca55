//! Which lines somebody wants.

use std::collections::BTreeSet;
use std::time::SystemTime;

use crate::{Chunk, Level, LogLine, Source, Stream};

/// Which lines are wanted. The default wants every line that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Only these domains; [`FULCRUM`](crate::FULCRUM) names Fulcrum's own. `None` means all.
    pub domains: Option<BTreeSet<String>>,
    /// Only this life of the domains.
    pub generation: Option<u64>,
    /// Only this stream.
    pub stream: Option<Stream>,
    /// Only lines at least this serious. Lines of unknown level are left out then.
    pub level: Option<Level>,
    /// Of the lines that are there already, only those read at or after this time.
    pub since: Option<SystemTime>,
    /// Of the lines that are there already, only those read before this time.
    pub until: Option<SystemTime>,
    /// Of the lines that are there already, only the last so many.
    pub tail: Option<usize>,
}

impl LogQuery {
    /// The lines of one domain.
    #[must_use]
    pub fn domain(name: impl Into<String>) -> Self {
        Self {
            domains: Some(BTreeSet::from([name.into()])),
            ..Self::default()
        }
    }

    /// Whether a line is wanted; `since`, `until` and `n` choose among past lines only and don't
    /// count here.
    #[must_use]
    pub fn matches(&self, line: &LogLine) -> bool {
        self.wants(&line.source, line.stream) && self.wants_line(line)
    }

    /// Whether lines of this chunk may be wanted, their levels aside.
    pub(crate) fn wants_chunk(&self, chunk: &Chunk) -> bool {
        self.wants(&chunk.source, chunk.stream)
    }

    /// The same for a chunk that is there already.
    pub(crate) fn wants_past(&self, chunk: &Chunk) -> bool {
        self.since.is_none_or(|since| chunk.time >= since)
            && self.until.is_none_or(|until| chunk.time < until)
            && self.wants_chunk(chunk)
    }

    pub(crate) fn wants_domain(&self, name: &str) -> bool {
        self.domains
            .as_ref()
            .is_none_or(|names| names.contains(name))
    }

    /// Whether a line of a chunk that is wanted is wanted itself.
    pub(crate) fn wants_line(&self, line: &LogLine) -> bool {
        self.level
            .is_none_or(|least| line.level.is_some_and(|level| level >= least))
    }

    pub(crate) fn wants(&self, source: &Source, stream: Stream) -> bool {
        self.wants_domain(&source.domain)
            && self
                .generation
                .is_none_or(|wanted| wanted == source.generation)
            && self.stream.is_none_or(|wanted| wanted == stream)
    }
}
