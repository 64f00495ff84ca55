//! Which stored lines to read.

use std::collections::BTreeMap;

use super::gap::StoreGap;
use super::generations::GenerationRef;
use super::segments::DomainSegments;
use crate::line::LogLine;
use crate::query::LogQuery;

/// Selects lines of a store. The default selects all.
#[derive(Debug, Clone, Default)]
pub struct StoreQuery {
    /// By domain, stream, level and time; `tail` counts over all selected domains. Its `generation`
    /// is ignored, since each run has its own: see `generations`.
    pub query: LogQuery,
    /// Only messages of which a line matches, color sequences aside.
    pub pattern: Option<regex::bytes::Regex>,
    /// Only lines of domains, without Fulcrum's own.
    pub domains_only: bool,
    /// Only lines of these generations, by domain; no lines of other domains.
    pub generations: Option<BTreeMap<String, GenerationRef>>,
    /// Only lines with a greater sequence number.
    pub after_seq: u64,
    /// Only lines up to this sequence number.
    pub last_seq: Option<u64>,
    /// An instance is writing: a record that is incomplete is not torn, but being written, and is
    /// omitted.
    pub has_writer: bool,
}

impl StoreQuery {
    /// Whether a match depends on the text of a line.
    pub(super) fn depends_on_text(&self) -> bool {
        self.query.level.is_some() || self.pattern.is_some()
    }

    /// The selected domains, each with the selected generation, if one is.
    pub(super) fn select<'a>(
        &'a self,
        domains: &'a [DomainSegments],
    ) -> impl Iterator<Item = (&'a DomainSegments, Option<GenerationRef>)> {
        let named = domains
            .iter()
            .filter(|segments| self.query.matches_domain(&segments.domain));
        named.filter_map(|segments| match &self.generations {
            None => Some((segments, None)),
            Some(generations) => generations
                .get(&*segments.domain)
                .map(|generation| (segments, Some(*generation))),
        })
    }
}

/// A line, and the run that stored it: each run counts generations from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLine {
    /// The line.
    pub line: LogLine,
    /// The id of the run, see [`Store::run`](super::Store::run).
    pub run: u64,
}

/// What a store has: a line, or a gap where lines were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// A line.
    Line(StoredLine),
    /// Lines that cannot be read.
    Gap(StoreGap),
}

impl Stored {
    /// The line, if it is one.
    #[must_use]
    pub fn line(self) -> Option<StoredLine> {
        match self {
            Self::Line(line) => Some(line),
            Self::Gap(_) => None,
        }
    }
}
