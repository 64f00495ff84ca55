//! Reads a store, with or without an instance that writes to it.

use std::io;
use std::path::{Path, PathBuf};

use super::generations::{GenerationFilter, GenerationRef};
use super::merge::MergeIter;
use super::query::{StoreQuery, Stored, StoredLine};
use super::segments::DomainSegments;
use super::{segment, tail};

/// The content of a store at the time of [`open`](Self::open). Files that are removed while it is
/// read are skipped.
#[derive(Debug)]
pub struct StoreReader {
    dir: PathBuf,
    domains: Vec<DomainSegments>,
}

impl StoreReader {
    /// Lists the files of a store. A directory that does not exist is an empty store.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let domains = segment::list_domains(dir)?.into_iter().map(|name| {
            let domain_dir = dir.join(&name);
            Ok(DomainSegments {
                domain: name.into(),
                segments: segment::list(&domain_dir)?,
                dir: domain_dir,
            })
        });
        Ok(Self {
            dir: dir.to_owned(),
            domains: domains.collect::<io::Result<_>>()?,
        })
    }

    /// The directory of the store.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The domains with stored lines, by name.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        let non_empty = self
            .domains
            .iter()
            .filter(|domain| !domain.segments.is_empty());
        non_empty.map(|domain| &*domain.domain)
    }

    /// The selected lines, in order. They are read as the iterator advances: memory is bounded by
    /// one record for each domain. What is damaged is skipped.
    pub fn read(&self, query: &StoreQuery) -> impl Iterator<Item = StoredLine> + use<> {
        self.read_with_gaps(query).filter_map(Stored::line)
    }

    /// The selected lines, in order, and the gaps where a damaged file had lines that may have been
    /// selected.
    pub fn read_with_gaps(&self, query: &StoreQuery) -> impl Iterator<Item = Stored> + use<> {
        let first_seq = match query.query.tail {
            None => query.after_seq.saturating_add(1),
            Some(0) => u64::MAX,
            Some(count) => tail::first_seq_of_tail(&self.domains, query, count),
        };
        MergeIter::new(&self.domains, query, first_seq)
    }

    /// The number of lines that [`read`](Self::read) returns.
    #[must_use]
    pub fn count(&self, query: &StoreQuery) -> usize {
        self.read(query).count()
    }

    /// The generation of a domain that a filter selects, if the store has lines of it.
    #[must_use]
    pub fn find_generation(&self, domain: &str, filter: GenerationFilter) -> Option<GenerationRef> {
        let mut domains = self.domains.iter();
        let segments = domains.find(|segments| &*segments.domain == domain)?;
        filter.resolve(segments)
    }
}
