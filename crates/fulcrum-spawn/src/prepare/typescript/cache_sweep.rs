//! Keeps the cache of compiled code within its bound, by deleting what was not used for longest.
//!
//! Use is recorded as the time of modification of a file, at most once a day. Other instances may read,
//! write and sweep at the same time: what one of them misses is compiled again.

#![expect(
    clippy::disallowed_methods,
    reason = "the age of files is measured where they are read; decisions take the time as an argument"
)]

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How exactly the time of the last use is known.
const USE_PRECISION: Duration = Duration::from_hours(24);

/// A temporary file that is older was left by an instance that was killed.
const STALE_TEMPORARY: Duration = Duration::from_hours(1);

/// The directories of compiled code: Fulcrum's own, and Node's.
const COMPILED: [&str; 2] = ["ts", "compile"];

/// A file that may be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CacheFile {
    path: PathBuf,
    size: u64,
    used: SystemTime,
    is_temporary: bool,
}

/// What a sweep has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// The number of deleted files.
    pub deleted: usize,
    /// Their size, in bytes.
    pub freed: u64,
    /// The size of the files that remain, in bytes.
    pub remaining: u64,
}

/// Deletes compiled code from Fulcrum's cache directory until it takes at most `limit` bytes, least
/// recently used first, and temporary files that were left behind. Blocks; files that cannot be deleted
/// remain.
pub fn sweep_cache(cache: &Path, limit: u64) -> SweepReport {
    let dirs = COMPILED.iter();
    let files: Vec<_> = dirs.flat_map(|dir| list(&cache.join(dir))).collect();
    let total: u64 = files.iter().map(|file| file.size).sum();
    let mut report = SweepReport {
        remaining: total,
        ..SweepReport::default()
    };
    for file in files_to_delete(files, limit, SystemTime::now()) {
        let is_gone = match fs::remove_file(&file.path) {
            Ok(()) => true,
            // Another instance has deleted it.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_gone {
            report.deleted += 1;
            report.freed += file.size;
            report.remaining -= file.size;
        }
    }
    report
}

/// Sweeps as [`sweep_cache`] does, on a thread that nobody waits for.
pub fn sweep_in_background(cache: PathBuf, limit: u64) {
    let thread = std::thread::Builder::new().name("cache sweep".to_owned());
    // Without it, the next instance sweeps.
    drop(thread.spawn(move || sweep_cache(&cache, limit)));
}

/// Records that a file is used.
///
/// # Errors
/// There is no such file.
pub(super) fn mark_used(path: &Path) -> io::Result<()> {
    let used = fs::metadata(path)?.modified()?;
    let now = SystemTime::now();
    if now
        .duration_since(used)
        .is_ok_and(|age| age > USE_PRECISION)
    {
        // In a cache that cannot be written, the time does not matter either.
        let _ = File::open(path).and_then(|file| file.set_modified(now));
    }
    Ok(())
}

/// The files to delete: stale temporary files, and of the others the least recently used ones, until the
/// rest is within the limit. Of files used at the same time, the largest come first.
fn files_to_delete(files: Vec<CacheFile>, limit: u64, now: SystemTime) -> Vec<CacheFile> {
    let is_stale = |file: &CacheFile| {
        let age = now.duration_since(file.used).unwrap_or_default();
        file.is_temporary && age > STALE_TEMPORARY
    };
    let (mut deleted, rest): (Vec<_>, Vec<_>) = files.into_iter().partition(is_stale);
    let mut total: u64 = rest.iter().map(|file| file.size).sum();
    // One that is being written becomes another file.
    let mut rest: Vec<_> = rest.into_iter().filter(|file| !file.is_temporary).collect();
    rest.sort_by(|a, b| a.used.cmp(&b.used).then(b.size.cmp(&a.size)));
    for file in rest {
        if total <= limit {
            break;
        }
        total -= file.size;
        deleted.push(file);
    }
    deleted
}

/// The files of a directory and of those in it. What cannot be read is left out.
fn list(dir: &Path) -> Vec<CacheFile> {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else {
                continue;
            };
            if meta.is_dir() {
                dirs.push(entry.path());
            } else if let Ok(used) = meta.modified() {
                let name = entry.file_name();
                files.push(CacheFile {
                    path: entry.path(),
                    size: meta.len(),
                    used,
                    is_temporary: name.as_encoded_bytes().ends_with(b".tmp"),
                });
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: u64 = 24 * 60 * 60;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn file(name: &str, size: u64, used: u64) -> CacheFile {
        CacheFile {
            path: name.into(),
            size,
            used: at(used),
            is_temporary: name.ends_with(".tmp"),
        }
    }

    fn deleted(files: &[CacheFile], limit: u64, now: u64) -> Vec<String> {
        let deleted = files_to_delete(files.to_vec(), limit, at(now));
        let names = deleted.iter().map(|file| file.path.display().to_string());
        names.collect()
    }

    #[test]
    fn the_least_recently_used_files_are_deleted_until_the_rest_fits() {
        let files = [
            file("new", 40, 3 * DAY),
            file("old", 40, DAY),
            file("older", 40, 5),
        ];
        assert_eq!(deleted(&files, 120, 4 * DAY), [""; 0]);
        assert_eq!(deleted(&files, 119, 4 * DAY), ["older"]);
        assert_eq!(deleted(&files, 40, 4 * DAY), ["older", "old"]);
        assert_eq!(deleted(&files, 0, 4 * DAY), ["older", "old", "new"]);
    }

    #[test]
    fn temporary_files_are_deleted_when_nobody_can_be_writing_them() {
        let files = [
            file("a.tmp", 1, 0),
            file("b.tmp", 1, 2 * DAY),
            file("c", 1, 0),
        ];
        assert_eq!(deleted(&files, 100, 2 * DAY + 60), ["a.tmp"]);
        assert_eq!(deleted(&files, 1, 2 * DAY + 60), ["a.tmp", "c"]);
    }

    proptest! {
        #[test]
        fn what_remains_fits_and_no_file_is_deleted_without_need(
            files in prop::collection::vec((0..100_u64, 0..50_u64), 0..40),
            limit in 0..2_000_u64,
        ) {
            let files: Vec<_> = files.iter().enumerate()
                .map(|(index, (size, used))| file(&index.to_string(), *size, *used))
                .collect();
            let total: u64 = files.iter().map(|file| file.size).sum();
            let deleted = files_to_delete(files.clone(), limit, at(DAY));
            let freed: u64 = deleted.iter().map(|file| file.size).sum();
            prop_assert!(total - freed <= limit);
            if let Some(last) = deleted.last() {
                prop_assert!(total - freed + last.size > limit);
                let newest_deleted = deleted.iter().map(|file| file.used).max();
                let oldest_kept = files.iter().filter(|file| !deleted.contains(file)).map(|file| file.used).min();
                prop_assert!(oldest_kept.is_none_or(|kept| newest_deleted.unwrap() <= kept));
            }
        }
    }

    #[test]
    fn a_sweep_deletes_files_of_all_directories_and_tolerates_a_missing_one() {
        let cache = tempfile::tempdir().unwrap();
        assert_eq!(sweep_cache(cache.path(), 0), SweepReport::default());
        let dir = cache.path().join("ts/ab");
        fs::create_dir_all(&dir).unwrap();
        for (name, age) in [
            ("a.js", 3 * DAY),
            ("b.js", DAY),
            (".fulcrum-x.tmp", 2 * DAY),
        ] {
            fs::write(dir.join(name), "12345").unwrap();
            let time = SystemTime::now() - Duration::from_secs(age);
            File::open(dir.join(name))
                .unwrap()
                .set_modified(time)
                .unwrap();
        }
        fs::write(cache.path().join("other"), "12345").unwrap();
        let report = sweep_cache(cache.path(), 5);
        let expected = SweepReport {
            deleted: 2,
            freed: 10,
            remaining: 5,
        };
        assert_eq!(report, expected);
        assert!(dir.join("b.js").exists() && cache.path().join("other").exists());
    }

    #[test]
    fn use_is_recorded_once_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        assert!(mark_used(&path).is_err());
        fs::write(&path, "").unwrap();
        let set = |age: u64| {
            let time = SystemTime::now() - Duration::from_secs(age);
            File::open(&path).unwrap().set_modified(time).unwrap();
            mark_used(&path).unwrap();
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            modified.duration_since(time).unwrap() > Duration::from_secs(1)
        };
        assert!(set(2 * DAY));
        assert!(!set(DAY / 2));
    }
}
