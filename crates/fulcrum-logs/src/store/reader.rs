//! A store, to be read: with or without an instance that writes to it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::generations::{GenerationFilter, GenerationRef};
use super::merge::MergeIter;
use super::segment::{self, Segment};
use super::segment_reader::SegmentReader;
use super::{tail, writer};
use crate::{LogLine, LogQuery};

/// The clock of files is coarser than that of lines.
const FS_TIME_GRANULARITY: Duration = Duration::from_secs(1);

/// What a store holds at the moment of the look; files that go while it is read are passed over.
#[derive(Debug)]
pub struct StoreReader {
    folder: PathBuf,
    pub(super) shelves: Vec<DomainSegments>,
}

/// What is kept of one domain.
#[derive(Debug)]
pub(super) struct DomainSegments {
    pub(super) domain: Arc<str>,
    pub(super) folder: PathBuf,
    pub(super) segments: Vec<Segment>,
}

/// Which lines of an archive are wanted.
#[derive(Debug, Clone, Default)]
pub struct StoreQuery {
    /// By domain, stream, level and time; `n` are the newest of all that are wanted. Its
    /// `generation` isn't looked at, since each run has its own: see `lives`.
    pub query: LogQuery,
    /// Only lines in which this is found.
    pub pattern: Option<regex::bytes::Regex>,
    /// Only what domains wrote, none of Fulcrum's own words.
    pub domains_only: bool,
    /// Only lines of these lives, by domain; of others then none.
    pub generations: Option<BTreeMap<String, GenerationRef>>,
    /// Only lines of a number beyond this.
    pub after_seq: u64,
    /// Only lines of a number up to this.
    pub last_seq: Option<u64>,
    /// Somebody is writing: a record of which a part is missing isn't torn, but on its way, and is
    /// left out.
    pub has_writer: bool,
}

/// A line, and which run of an instance kept it: generations are counted anew in each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLine {
    /// The line.
    pub line: LogLine,
    /// When that run's store was opened, in microseconds since 1970.
    pub run: u64,
}

impl StoreReader {
    /// Looks what a store holds. One that isn't there holds nothing.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let shelves = writer::domains(folder)?.into_iter().map(|name| {
            let own = folder.join(&name);
            Ok(DomainSegments {
                domain: name.into(),
                segments: segment::list(&own)?,
                folder: own,
            })
        });
        Ok(Self {
            folder: folder.to_owned(),
            shelves: shelves.collect::<io::Result<_>>()?,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Of whom there is something, by name.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        let some = self
            .shelves
            .iter()
            .filter(|shelf| !shelf.segments.is_empty());
        some.map(|shelf| &*shelf.domain)
    }

    /// The lines that are wanted, in order. They are read as they are taken: memory is bounded by
    /// one record a domain.
    ///
    /// # Errors
    /// A file can't be opened.
    pub fn read(
        &self,
        wanted: &StoreQuery,
    ) -> io::Result<impl Iterator<Item = StoredLine> + use<>> {
        let first_seq = match wanted.query.tail {
            None => wanted.after_seq.saturating_add(1),
            Some(0) => u64::MAX,
            Some(n) => tail::first_seq_of_tail(self, wanted, n)?,
        };
        MergeIter::new(self, wanted, first_seq)
    }

    /// How many lines [`read`](Self::read) would give.
    ///
    /// # Errors
    /// A file can't be opened.
    pub fn count(&self, wanted: &StoreQuery) -> io::Result<usize> {
        Ok(self.read(wanted)?.count())
    }

    /// The life of a domain that is meant, if anything of it is kept.
    ///
    /// # Errors
    /// A file can't be opened.
    pub fn life(
        &self,
        domain: &str,
        filter: GenerationFilter,
    ) -> io::Result<Option<GenerationRef>> {
        let shelf = self.shelves.iter().find(|shelf| &*shelf.domain == domain);
        shelf.map_or(Ok(None), |shelf| filter.resolve(shelf))
    }

    /// The shelves that are asked for, each with the life that is, if one is.
    pub(super) fn wanted<'a>(
        &'a self,
        wanted: &'a StoreQuery,
    ) -> impl Iterator<Item = (&'a DomainSegments, Option<GenerationRef>)> {
        let shelves = self.shelves.iter();
        let named = shelves.filter(|shelf| wanted.query.wants_domain(&shelf.domain));
        named.filter_map(|shelf| match &wanted.generations {
            None => Some((shelf, None)),
            Some(lives) => lives.get(&*shelf.domain).map(|life| (shelf, Some(*life))),
        })
    }
}

impl DomainSegments {
    /// The segments in which something from this time on may be.
    pub(super) fn since(
        &self,
        since: Option<SystemTime>,
    ) -> impl DoubleEndedIterator<Item = &Segment> {
        self.segments.iter().filter(move |segment| {
            since.is_none_or(|since| segment.written + FS_TIME_GRANULARITY >= since)
        })
    }

    pub(super) fn reader(&self, segment: &Segment) -> io::Result<Option<SegmentReader>> {
        SegmentReader::open(&self.folder, segment, &self.domain)
    }
}
