//! Which lines somebody wants.

use std::collections::BTreeSet;
use std::time::SystemTime;

use crate::batch::Batch;
use crate::{Level, LogLine, Source, Stream};

/// Which lines are wanted. The default wants every line that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
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
    /// Of the lines that are there already, only the last so many.
    pub n: Option<usize>,
}

impl Query {
    /// The lines of one domain.
    #[must_use]
    pub fn domain(name: impl Into<String>) -> Self {
        Self {
            domains: Some(BTreeSet::from([name.into()])),
            ..Self::default()
        }
    }

    /// Whether a line is wanted; `since` and `n` choose among past lines only and don't count here.
    #[must_use]
    pub fn matches(&self, line: &LogLine) -> bool {
        self.wants(&line.source, line.stream) && self.wants_level(line.level)
    }

    /// Whether lines of this batch may be wanted, their levels aside.
    pub(crate) fn wants_batch(&self, batch: &Batch) -> bool {
        self.wants(&batch.source, batch.stream)
    }

    /// The same for a batch that is there already.
    pub(crate) fn wants_past_batch(&self, batch: &Batch) -> bool {
        self.since.is_none_or(|since| batch.time >= since) && self.wants_batch(batch)
    }

    pub(crate) fn wants_domain(&self, name: &str) -> bool {
        self.domains
            .as_ref()
            .is_none_or(|names| names.contains(name))
    }

    pub(crate) fn wants_level(&self, level: Option<Level>) -> bool {
        self.level
            .is_none_or(|least| level.is_some_and(|level| level >= least))
    }

    fn wants(&self, source: &Source, stream: Stream) -> bool {
        self.wants_domain(&source.domain)
            && self
                .generation
                .is_none_or(|wanted| wanted == source.generation)
            && self.stream.is_none_or(|wanted| wanted == stream)
    }
}
