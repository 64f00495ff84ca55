//! The thread that writes segments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::active_segment::ActiveSegment;
use super::compressor::Compressor;
use super::record::HEADER_LEN;
use super::retention::{DomainFiles, RetentionLimits, expired};
use super::segment;
use super::store_lock::StoreLock;
use super::write_errors::WriteErrorState;
use super::write_queue::{Work, WriteBatch, WriteQueue};
use crate::chunk::Chunk;
use crate::clock::wall_clock;

/// Files that are open at once; others are reopened for their next record.
const MAX_OPEN_FILES: usize = 64;

/// Records of one segment that are written with one system call.
const MAX_BATCH_RECORDS: usize = 64;

/// Writes the records of all domains.
pub(super) struct Writer {
    dir: PathBuf,
    run: u64,
    limits: RetentionLimits,
    active: BTreeMap<Arc<str>, ActiveSegment>,
    compressor: Compressor,
    errors: WriteErrorState,
    lock: Arc<StoreLock>,
    /// The domains that have written in this run.
    started: BTreeSet<Arc<str>>,
    /// The first segment of a domain was created: the limits have to be applied. Counts the bytes
    /// since. Not at once: all segments are listed for it, and an app has many domains that start
    /// together.
    retention_due: Option<u64>,
}

impl Writer {
    pub(super) fn new(
        dir: PathBuf,
        run: u64,
        limits: RetentionLimits,
        compressor: Compressor,
        errors: WriteErrorState,
        lock: Arc<StoreLock>,
    ) -> Self {
        Self {
            dir,
            run,
            limits,
            active: BTreeMap::new(),
            compressor,
            errors,
            lock,
            started: BTreeSet::new(),
            retention_due: None,
        }
    }

    /// Writes what is queued until the queue is closed. `uncompressed` are segments of earlier runs.
    pub(super) fn run(mut self, queue: &WriteQueue, uncompressed: Vec<(String, u64)>) {
        self.retain();
        if self.limits.compress {
            for (domain, first_seq) in uncompressed {
                self.compressor.compress(&domain, first_seq);
            }
        }
        loop {
            let WriteBatch { chunks, dropped } = match queue.take(self.retention_due.is_some()) {
                Work::Batch(batch) => batch,
                Work::Pause => {
                    self.apply_limits();
                    continue;
                }
                Work::Closed => break,
            };
            if !dropped.is_empty() {
                let reason = format!("{} is too slow", self.dir.display());
                self.errors.on_error(reason, dropped);
            }
            let (first, second) = chunks.as_slices();
            for mut rest in [first, second] {
                while let Some(next) = rest.first() {
                    let count = self.batch_len(next, rest);
                    let (batch, later) = rest.split_at(count);
                    self.write(batch);
                    rest = later;
                    let bytes = batch.iter().map(|chunk| chunk.memory_cost()).sum();
                    queue.complete(count, bytes);
                    self.retention_due = self.retention_due.map(|due| due + bytes as u64);
                }
            }
            // Lines that keep coming are what a further segment would be, which is a reason by itself.
            if self.retention_due > Some(self.limits.file_bytes) {
                self.apply_limits();
            }
        }
        if self.retention_due.is_some() {
            self.apply_limits();
        }
    }

    fn apply_limits(&mut self) {
        self.retention_due = None;
        self.retain();
    }

    /// How many of the chunks are written together: those of one domain that fit into its segment.
    /// The one that makes the segment full is the last.
    fn batch_len(&self, first: &Chunk, chunks: &[Arc<Chunk>]) -> usize {
        let mut capacity = self.remaining_bytes(&first.source.domain);
        let batch = chunks.iter().take(MAX_BATCH_RECORDS).take_while(|chunk| {
            let fits = chunk.source.domain == first.source.domain && capacity > 0;
            capacity = capacity.saturating_sub((HEADER_LEN + chunk.lines.text.len()) as u64);
            fits
        });
        batch.count()
    }

    /// Bytes until a domain's segment is full.
    fn remaining_bytes(&self, domain: &str) -> u64 {
        let bytes = self.active.get(domain).map_or(0, |active| active.bytes);
        self.limits.file_bytes.saturating_sub(bytes).max(1)
    }

    /// Writes chunks of one domain.
    fn write(&mut self, chunks: &[Arc<Chunk>]) {
        match self.append(chunks) {
            Ok(is_full) => {
                self.errors.on_success();
                if is_full {
                    self.seal(&chunks[0].source.domain);
                }
            }
            Err(reason) => {
                let lines = chunks
                    .iter()
                    .map(|chunk| u64::from(chunk.lines.lines))
                    .sum();
                let domain = Arc::clone(&chunks[0].source.domain);
                let dropped = BTreeMap::from([(domain, lines)]);
                self.errors.on_error(reason, dropped);
            }
        }
    }

    /// Appends to the domain's segment. Returns whether it is full then.
    fn append(&mut self, chunks: &[Arc<Chunk>]) -> Result<bool, String> {
        let first = &chunks[0];
        let domain = &first.source.domain;
        if self.active.get(domain).is_some_and(ActiveSegment::is_gone) {
            self.active.remove(domain);
        }
        if !self.active.contains_key(domain) {
            let dir = self.dir.join(&**domain);
            // The directory may have been deleted, and another store opened in a new one.
            let locked = segment::create_dir(&self.dir).and_then(|()| self.lock.ensure());
            let active =
                locked.and_then(|()| ActiveSegment::create(dir.clone(), first.first_seq, self.run));
            let active = active.map_err(|error| format!("{}: {error}", dir.display()))?;
            self.active.insert(Arc::clone(domain), active);
            self.limit_open_files(domain);
            if self.started.insert(Arc::clone(domain)) {
                self.retention_due.get_or_insert(0);
            } else {
                self.retain();
            }
        }
        let limit = self.limits.file_bytes;
        let Some(active) = self.active.get_mut(domain) else {
            return Ok(false);
        };
        active.last_used = first.first_seq;
        let result = active.append(chunks);
        result.map_err(|error| format!("{}: {error}", active.path().display()))?;
        Ok(active.bytes >= limit)
    }

    /// Ends a full segment: the next record starts another one.
    fn seal(&mut self, domain: &Arc<str>) {
        if let Some(active) = self.active.remove(domain)
            && self.limits.compress
        {
            self.compressor.compress(domain, active.first_seq);
        }
    }

    /// Removes segments beyond the limits.
    fn retain(&self) {
        let names = segment::list_domains(&self.dir).unwrap_or_default();
        let listed = names.iter().map(|domain| {
            let segments = segment::list(&self.dir.join(domain)).unwrap_or_default();
            (domain, segments)
        });
        let listed: Vec<_> = listed.collect();
        let files: Vec<DomainFiles<'_>> = listed
            .iter()
            .map(|(domain, segments)| DomainFiles {
                domain,
                segments,
                is_active: self.active.contains_key(domain.as_str()),
            })
            .collect();
        for (domain, first_seq) in expired(&files, &self.limits, wall_clock()) {
            let dir = self.dir.join(domain);
            for extension in [segment::LOG_EXT, segment::COMPRESSED_EXT] {
                let _ = std::fs::remove_file(segment::path(&dir, first_seq, extension));
            }
        }
    }

    /// Closes the least recently used file if too many are open.
    fn limit_open_files(&mut self, newest: &str) {
        let active = self.active.iter_mut();
        let mut open: Vec<_> = active
            .filter(|(domain, active)| active.is_open() && &***domain != newest)
            .map(|(_, active)| active)
            .collect();
        if open.len() >= MAX_OPEN_FILES {
            open.sort_by_key(|active| active.last_used);
            open[0].close();
        }
    }
}
