//! The files that a Node process has written itself, as its bootstrap reports them.
//!
//! The bootstrap (`sdk/node/src/bootstrap/own-writes.ts`) adds a line, the time and the path, before
//! a file of code is written, to a file beside the report of loaded files.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The resolution of file times: a file may seem to be older than the report.
const CLOCK_GRANULARITY: Duration = Duration::from_millis(20);

/// How long after the report a file may be written, and how long further writes are not reported.
const WRITE_TIME: Duration = Duration::from_secs(2);

/// The report of own writes of a domain.
#[must_use]
pub fn own_writes_file(dir: &Path, domain: &str) -> PathBuf {
    dir.join(format!("{domain}.written"))
}

/// Whether a process of the domain has reported that it wrote `file` at the time when it was changed.
/// Blocks for as long as reading a small file takes.
#[must_use]
pub fn is_own_write(report: &Path, file: &Path, changed: SystemTime) -> bool {
    let Ok(content) = fs::read(report) else {
        return false;
    };
    let canonical = file.canonicalize().ok();
    let is_file = |path: &Path| {
        path == file || (canonical.is_some() && path.canonicalize().ok() == canonical)
    };
    content.split(|byte| *byte == b'\n').rev().any(|line| {
        parse(line).is_some_and(|(time, path)| explains(time, changed) && is_file(path))
    })
}

/// A line: when, none for "all the time", and what.
fn parse(line: &[u8]) -> Option<(Option<SystemTime>, &Path)> {
    let at = line.iter().position(|byte| *byte == b' ')?;
    let (time, path) = (std::str::from_utf8(&line[..at]).ok()?, &line[at + 1..]);
    let time = match time {
        "*" => None,
        millis => Some(UNIX_EPOCH + Duration::from_millis(millis.parse().ok()?)),
    };
    Some((time, Path::new(OsStr::from_bytes(path))))
}

fn explains(reported: Option<SystemTime>, changed: SystemTime) -> bool {
    reported.is_none_or(|reported| {
        reported <= changed + CLOCK_GRANULARITY && changed <= reported + WRITE_TIME
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_explained_by_a_report_of_its_time() {
        let dir = tempfile::tempdir().expect("a directory");
        let report = own_writes_file(dir.path(), "users");
        let at = |millis| UNIX_EPOCH + Duration::from_millis(millis);
        let is_own = |file: &str, millis| is_own_write(&report, Path::new(file), at(millis));
        assert!(!is_own("/app/a.json", 5_000), "there is no report");
        fs::write(
            &report,
            "5000 /app/a.json\n9000 /app/b c.js\n* /app/d.js\nx\n",
        )
        .expect("written");
        for millis in [4_990, 5_000, 6_500] {
            assert!(is_own("/app/a.json", millis), "{millis}");
        }
        for millis in [4_000, 7_500, 9_000] {
            assert!(!is_own("/app/a.json", millis), "{millis}");
        }
        assert!(is_own("/app/b c.js", 9_000) && is_own("/app/d.js", 1));
    }
}
