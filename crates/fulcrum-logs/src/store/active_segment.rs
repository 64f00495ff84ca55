//! The segment of a domain that is written to.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::record::Header;
use super::segment;
use crate::chunk::Chunk;

/// A segment that is written to.
pub(super) struct ActiveSegment {
    dir: PathBuf,
    pub(super) first_seq: u64,
    /// `None` where too many files are open.
    file: Option<File>,
    /// The length of the complete records; anything after is an incomplete record.
    pub(super) bytes: u64,
    /// The number of the last record written, to find the least recently used segment.
    pub(super) last_used: u64,
}

impl ActiveSegment {
    /// Creates the file with its header.
    ///
    /// # Errors
    /// The directory or the file cannot be created.
    pub(super) fn create(dir: PathBuf, first_seq: u64, run: u64) -> io::Result<Self> {
        segment::create_dir(&dir)?;
        let path = segment::path(&dir, first_seq, segment::LOG_EXT);
        let mut file = segment::create(&path)?;
        let written = segment::write_file_header(&mut file, run);
        let bytes = written.inspect_err(|_| {
            // A file without a header cannot be read.
            let _ = std::fs::remove_file(&path);
        })?;
        Ok(Self {
            dir,
            first_seq,
            file: Some(file),
            bytes,
            last_used: first_seq,
        })
    }

    pub(super) fn path(&self) -> PathBuf {
        segment::path(&self.dir, self.first_seq, segment::LOG_EXT)
    }

    pub(super) fn is_open(&self) -> bool {
        self.file.is_some()
    }

    pub(super) fn close(&mut self) {
        self.file = None;
    }

    /// Whether the file was removed or replaced.
    pub(super) fn is_gone(&self) -> bool {
        let path = self.path();
        let (Some(file), Ok(on_disk)) = (&self.file, path.symlink_metadata()) else {
            return !path.exists();
        };
        file.metadata()
            .is_ok_and(|open| (open.dev(), open.ino()) != (on_disk.dev(), on_disk.ino()))
    }

    /// Appends records.
    ///
    /// # Errors
    /// The file cannot be opened or written; then no part of the records remains.
    pub(super) fn append(&mut self, chunks: &[Arc<Chunk>]) -> io::Result<()> {
        let path = self.path();
        let file = match &mut self.file {
            Some(file) => file,
            closed => closed.insert(segment::open_append(&path)?),
        };
        let headers: Vec<_> = chunks
            .iter()
            .map(|chunk| Header::from_chunk(chunk).encode())
            .collect();
        let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(2 * chunks.len());
        for (header, chunk) in headers.iter().zip(chunks) {
            slices.push(IoSlice::new(header));
            slices.push(IoSlice::new(&chunk.lines.text));
        }
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        match write_all(file, &mut slices) {
            Ok(()) => {
                self.bytes += total as u64;
                Ok(())
            }
            Err(error) => {
                // An incomplete record would hide the next one.
                if file.set_len(self.bytes).is_err() {
                    self.file = None;
                }
                Err(error)
            }
        }
    }
}

fn write_all(file: &mut File, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !slices.is_empty() {
        match file.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
