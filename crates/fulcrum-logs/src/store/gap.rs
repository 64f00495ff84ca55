//! Lines that a damaged file no longer has.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::record::Header;
use crate::line::{Level, LogLine, Source, Stream};

/// Lines of a domain that cannot be read, since a file is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreGap {
    /// The domain.
    pub domain: Arc<str>,
    /// The number of the first line that may be missing. Lines of other domains may have numbers
    /// in between.
    pub first_seq: u64,
    /// The number of the last one; unknown if nothing of the domain follows.
    pub last_seq: Option<u64>,
    /// The damaged file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub reason: String,
    /// When the line before was read, or the file was written last.
    pub time: SystemTime,
    /// The generation of the line before or after; 0 if it is unknown.
    pub generation: u64,
}

/// What a reader of a segment cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    /// The number of the first line that may be missing.
    pub(super) first_seq: u64,
    /// The number after the last one; none at the end of the segment.
    pub(super) end_seq: Option<u64>,
    /// The records before and after.
    pub(super) before: Option<Header>,
    pub(super) after: Option<Header>,
    pub(super) reason: String,
}

impl StoreGap {
    /// The gap as one of Fulcrum's own lines.
    #[must_use]
    pub fn to_line(&self) -> LogLine {
        LogLine {
            seq: self.first_seq,
            time: self.time,
            source: Source {
                domain: Arc::clone(&self.domain),
                generation: self.generation,
                pid: 0,
            },
            stream: Stream::Fulcrum,
            level: Some(Level::Warn),
            message: self.to_string().into(),
            partial: false,
            continues: false,
            message_trace: None,
        }
    }
}

impl fmt::Display for StoreGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (domain, first) = (&self.domain, self.first_seq);
        match self.last_seq {
            Some(last) if last == first => {
                write!(f, "the line of {domain} with number {first} is missing")?;
            }
            Some(last) => {
                write!(
                    f,
                    "lines of {domain} with numbers from {first} to {last} are missing"
                )?;
            }
            None => write!(
                f,
                "lines of {domain} with numbers from {first} on are missing"
            )?,
        }
        write!(f, ": {} is damaged ({})", self.file.display(), self.reason)
    }
}
