//! Selects lines.

use std::collections::BTreeSet;
use std::time::SystemTime;

use crate::chunk::Chunk;
use crate::line::{Level, LogLine, Source, Stream};
use crate::received::ReceivedLine;

/// Selects lines. The default selects all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Only these domains; [`FULCRUM_SOURCE`](crate::FULCRUM_SOURCE) for Fulcrum's own lines. `None`
    /// means all.
    pub domains: Option<BTreeSet<String>>,
    /// Only this generation.
    pub generation: Option<u64>,
    /// Only this stream.
    pub stream: Option<Stream>,
    /// Only lines of at least this level; excludes lines of unknown level.
    pub level: Option<Level>,
    /// Of earlier lines, only those read at or after this time.
    pub since: Option<SystemTime>,
    /// Of earlier lines, only those read before this time.
    pub until: Option<SystemTime>,
    /// Of earlier lines, only this many of the newest.
    pub tail: Option<usize>,
}

impl LogQuery {
    /// Selects the lines of one domain.
    #[must_use]
    pub fn domain(name: impl Into<String>) -> Self {
        Self {
            domains: Some(BTreeSet::from([name.into()])),
            ..Self::default()
        }
    }

    /// Whether a line matches; `since`, `until` and `tail` select among earlier lines only and are
    /// not considered.
    #[must_use]
    pub fn matches(&self, line: &LogLine) -> bool {
        self.matches_source(&line.source, line.stream) && self.matches_level(line)
    }

    /// Whether a record that was received over OTLP matches by its level and its time.
    #[must_use]
    pub fn matches_received(&self, received: &ReceivedLine) -> bool {
        self.level.is_none_or(|min| received.level >= Some(min))
            && self.since.is_none_or(|since| received.time >= since)
            && self.until.is_none_or(|until| received.time < until)
    }

    /// Whether the lines of a chunk match, their levels aside.
    pub(crate) fn matches_chunk(&self, chunk: &Chunk) -> bool {
        self.matches_source(&chunk.source, chunk.stream)
    }

    /// The same for an earlier chunk.
    pub(crate) fn matches_earlier(&self, chunk: &Chunk) -> bool {
        self.since.is_none_or(|since| chunk.time >= since)
            && self.until.is_none_or(|until| chunk.time < until)
            && self.matches_chunk(chunk)
    }

    pub(crate) fn matches_domain(&self, name: &str) -> bool {
        self.domains
            .as_ref()
            .is_none_or(|names| names.contains(name))
    }

    /// Whether a line of a matching chunk matches.
    pub(crate) fn matches_level(&self, line: &LogLine) -> bool {
        line.has_level(self.level)
    }

    pub(crate) fn matches_source(&self, source: &Source, stream: Stream) -> bool {
        self.matches_domain(&source.domain)
            && self
                .generation
                .is_none_or(|generation| generation == source.generation)
            && self.stream.is_none_or(|selected| selected == stream)
    }
}
