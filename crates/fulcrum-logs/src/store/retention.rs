//! What is kept, and what goes.

use std::time::{Duration, SystemTime};

use super::segment::Segment;

/// How much of what was said is kept, and in which pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionLimits {
    /// Bytes after which a new file is begun.
    pub file_bytes: u64,
    /// Files of one domain, the one that is written to included.
    pub files: usize,
    /// How old the newest line of a file may become.
    pub age: Duration,
    /// Bytes on disk, all domains together.
    pub total_bytes: u64,
    /// Whether files that are full are compressed.
    pub compress: bool,
}

impl Default for RetentionLimits {
    /// 8 MiB a file, 16 files a domain, two weeks, 512 MiB in all, compressed.
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

/// The files of one domain, oldest first; the last one is being written to if `writing`.
#[derive(Debug)]
pub(super) struct DomainFiles<'a> {
    pub(super) domain: &'a str,
    pub(super) segments: &'a [Segment],
    pub(super) writing: bool,
}

/// Which files go, by domain and first number. A file that is being written to stays.
pub(super) fn expired(
    all: &[DomainFiles<'_>],
    limits: &RetentionLimits,
    now: SystemTime,
) -> Vec<(String, u64)> {
    let mut gone = Vec::new();
    let mut left = Vec::new();
    let mut total: u64 = 0;
    for files in all {
        let full = files.segments.len() - usize::from(files.writing && !files.segments.is_empty());
        let too_many = files.segments.len().saturating_sub(limits.files.max(1));
        for (at, segment) in files.segments.iter().enumerate() {
            let age = now.duration_since(segment.written).unwrap_or_default();
            if at < full && (at < too_many || age > limits.age) {
                gone.push((files.domain.to_owned(), segment.first_seq));
                continue;
            }
            total += segment.bytes;
            if at < full {
                left.push((
                    segment.written,
                    segment.first_seq,
                    files.domain,
                    segment.bytes,
                ));
            }
        }
    }
    // The oldest first, whosesoever it is.
    left.sort_unstable();
    for (_, first_seq, domain, bytes) in left {
        if total <= limits.total_bytes {
            break;
        }
        total -= bytes;
        gone.push((domain.to_owned(), first_seq));
    }
    gone
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
    fn count_age_and_total_each_have_their_say() {
        let many: Vec<Segment> = (1..=5).map(|n| segment(n, 10)).collect();
        let files = |segments, writing| {
            [DomainFiles {
                domain: "a",
                segments,
                writing,
            }]
        };
        let told = |files: &[DomainFiles<'_>], now| {
            let gone = expired(files, &limits(), at(now));
            gone.into_iter().map(|(_, first)| first).collect::<Vec<_>>()
        };
        assert_eq!(told(&files(&many, true), 10), [1, 2]);
        assert_eq!(told(&files(&many[2..], true), 104), [3]);
        assert_eq!(told(&files(&many[2..], true), 1_000), [3, 4]);
        assert_eq!(told(&files(&many[2..], false), 1_000), [3, 4, 5]);
        let big = [segment(7, 600), segment(8, 600)];
        assert_eq!(told(&files(&big, true), 10), [7]);
    }

    proptest! {
        #[test]
        fn what_is_left_is_within_the_limits_and_the_newest(
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
                .map(|(domain, segments)| DomainFiles { domain, segments, writing: true })
                .collect();
            let gone = expired(&all, &limits(), at(seq));
            let mut total = 0;
            for files in &all {
                let is_gone = |segment: &&Segment| {
                    gone.contains(&(files.domain.to_owned(), segment.first_seq))
                };
                let left: Vec<&Segment> = files.segments.iter().filter(|s| !is_gone(s)).collect();
                prop_assert!(left.len() <= limits().files);
                // The one that is written to is never gone, and nothing goes before what is older.
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
