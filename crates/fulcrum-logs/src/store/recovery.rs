//! Repairs the directory of a store at its start.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::{segment, segment_reader};

/// Segments written to within this time of the newest one may contain the last line.
const RECENT: Duration = Duration::from_secs(10);

/// What an earlier run left.
pub(super) struct Recovered {
    /// The number of the newest line; 0 if there is none.
    pub(super) last_seq: u64,
    /// Segments that are not compressed, by domain and first number.
    pub(super) uncompressed: Vec<(String, u64)>,
}

/// Removes temporary files and finds the last line.
///
/// # Errors
/// A directory or segment cannot be read.
pub(super) fn recover(dir: &Path) -> io::Result<Recovered> {
    let mut uncompressed = Vec::new();
    let mut newest = Vec::new();
    let mut last_seq = 0;
    for domain in segment::list_domains(dir)? {
        let domain_dir = dir.join(&domain);
        segment::remove_temp_files(&domain_dir);
        let segments = segment::list(&domain_dir)?;
        let plain = segments.iter().filter(|segment| !segment.compressed);
        uncompressed.extend(plain.map(|segment| (domain.clone(), segment.first_seq)));
        if let Some(segment) = segments.last() {
            last_seq = last_seq.max(segment.first_seq);
            newest.push((domain, segment.clone()));
        }
    }
    // The last line is in a segment that was written to last; only those that may be it are read.
    let latest = newest.iter().map(|(_, segment)| segment.written).max();
    for (domain, segment) in newest {
        let is_recent = latest.is_some_and(|latest| {
            latest.duration_since(segment.written).unwrap_or_default() < RECENT
        });
        if is_recent || segment.first_seq == last_seq {
            let end = segment_reader::end_seq(&dir.join(domain), &segment)?;
            last_seq = last_seq.max(end.saturating_sub(1));
        }
    }
    Ok(Recovered {
        last_seq,
        uncompressed,
    })
}
