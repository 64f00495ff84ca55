//! Decides which segments are deleted.

use std::time::{Duration, SystemTime};

use super::segment::Segment;

/// How much is retained, and how large segments are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionLimits {
    /// Bytes after which a new segment is started.
    pub file_bytes: u64,
    /// Segments of one domain, the active one included.
    pub files: usize,
    /// The largest age of the newest line of a segment.
    pub age: Duration,
    /// Bytes on disk, all domains together.
    pub total_bytes: u64,
    /// Whether full segments are compressed.
    pub compress: bool,
}

impl Default for RetentionLimits {
    /// 8 MiB per segment, 16 segments per domain, two weeks, 512 MiB in total, compressed.
    fn default() -> Self {
        Self {
            file_bytes: 8 * 1024 * 1024,
            files: 16,
            age: Duration::from_secs(14 * 24 * 60 * 60),
            total_bytes: 512 * 1024 * 1024,
            compress: true,
        }
    }
}

/// The segments of one domain, oldest first; the last one is written to if `is_active`.
#[derive(Debug)]
pub(super) struct DomainFiles<'a> {
    pub(super) domain: &'a str,
    pub(super) segments: &'a [Segment],
    pub(super) is_active: bool,
}

/// The segments to delete, by domain and first sequence number; never an active one.
pub(super) fn expired(
    all: &[DomainFiles<'_>],
    limits: &RetentionLimits,
    now: SystemTime,
) -> Vec<(String, u64)> {
    let mut expired = Vec::new();
    let mut retained = Vec::new();
    let mut total: u64 = 0;
    for files in all {
        let full =
            files.segments.len() - usize::from(files.is_active && !files.segments.is_empty());
        let too_many = files.segments.len().saturating_sub(limits.files.max(1));
        for (at, segment) in files.segments.iter().enumerate() {
            let age = now.duration_since(segment.written).unwrap_or_default();
            if at < full && (at < too_many || age > limits.age) {
                expired.push((files.domain.to_owned(), segment.first_seq));
                continue;
            }
            total += segment.bytes;
            if at < full {
                retained.push((
                    segment.written,
                    segment.first_seq,
                    files.domain,
                    segment.bytes,
                ));
            }
        }
    }
    // The oldest of all domains first.
    retained.sort_unstable();
    for (_, first_seq, domain, bytes) in retained {
        if total <= limits.total_bytes {
            break;
        }
        total -= bytes;
        expired.push((domain.to_owned(), first_seq));
    }
    expired
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn segment(first_seq: u64, bytes: u64) -> Segment {
        Segment {
            first_seq,
            compressed: false,
            bytes,
            written: at(first_seq),
        }
    }

    fn limits() -> RetentionLimits {
        RetentionLimits {
            files: 3,
            age: Duration::from_secs(100),
            total_bytes: 1_000,
            ..RetentionLimits::default()
        }
    }

    #[test]
    fn count_age_and_total_are_limited() {
        let many: Vec<Segment> = (1..=5).map(|n| segment(n, 10)).collect();
        let files = |segments, is_active| {
            [DomainFiles {
                domain: "a",
                segments,
                is_active,
            }]
        };
        let expired_at = |files: &[DomainFiles<'_>], now| {
            let expired = expired(files, &limits(), at(now));
            expired
                .into_iter()
                .map(|(_, first)| first)
                .collect::<Vec<_>>()
        };
        assert_eq!(expired_at(&files(&many, true), 10), [1, 2]);
        assert_eq!(expired_at(&files(&many[2..], true), 104), [3]);
        assert_eq!(expired_at(&files(&many[2..], true), 1_000), [3, 4]);
        assert_eq!(expired_at(&files(&many[2..], false), 1_000), [3, 4, 5]);
        let big = [segment(7, 600), segment(8, 600)];
        assert_eq!(expired_at(&files(&big, true), 10), [7]);
    }

    proptest! {
        #[test]
        fn the_newest_segments_within_the_limits_remain(
            sizes in prop::collection::vec(prop::collection::vec(0_u64..400, 0..8), 1..5),
        ) {
            let mut seq = 0;
            let domains: Vec<(String, Vec<Segment>)> = sizes
                .iter()
                .enumerate()
                .map(|(number, sizes)| {
                    let segments = sizes.iter().map(|bytes| { seq += 1; segment(seq, *bytes) });
                    (format!("d{number}"), segments.collect())
                })
                .collect();
            let all: Vec<DomainFiles<'_>> = domains
                .iter()
                .map(|(domain, segments)| DomainFiles { domain, segments, is_active: true })
                .collect();
            let expired = expired(&all, &limits(), at(seq));
            let mut total = 0;
            for files in &all {
                let is_expired = |segment: &&Segment| {
                    expired.contains(&(files.domain.to_owned(), segment.first_seq))
                };
                let left: Vec<&Segment> = files.segments.iter().filter(|s| !is_expired(s)).collect();
                prop_assert!(left.len() <= limits().files);
                // The active segment remains, and older ones are deleted first.
                let newest = &files.segments[files.segments.len() - left.len()..];
                prop_assert!(left.iter().copied().eq(newest));
                prop_assert!(files.segments.is_empty() || !left.is_empty());
                total += left.iter().map(|segment| segment.bytes).sum::<u64>();
            }
            let written: u64 = all.iter().filter_map(|f| f.segments.last()).map(|s| s.bytes).sum();
            prop_assert!(total <= limits().total_bytes.max(written));
        }
    }
}
