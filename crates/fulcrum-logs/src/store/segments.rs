//! The segments of one domain.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::segment::Segment;
use super::segment_reader::{Opened, SegmentReader};

/// Times of files are coarser than those of lines by at most this.
const FS_TIME_GRANULARITY: Duration = Duration::from_secs(1);

/// The segments of one domain, oldest first.
#[derive(Debug)]
pub(super) struct DomainSegments {
    pub(super) domain: Arc<str>,
    pub(super) dir: PathBuf,
    pub(super) segments: Vec<Segment>,
}

impl DomainSegments {
    /// The segments that may contain lines of this time or later.
    pub(super) fn since(
        &self,
        since: Option<SystemTime>,
    ) -> impl DoubleEndedIterator<Item = &Segment> {
        self.segments.iter().filter(move |segment| {
            since.is_none_or(|since| segment.written + FS_TIME_GRANULARITY >= since)
        })
    }

    /// Opens a segment; `None` if it was removed or cannot be read, which the reader of its lines
    /// reports.
    pub(super) fn open(&self, segment: &Segment) -> Option<SegmentReader> {
        match SegmentReader::open(&self.dir, segment, &self.domain) {
            Opened::Reader(reader) => Some(*reader),
            Opened::Removed | Opened::Damaged(_) => None,
        }
    }
}
