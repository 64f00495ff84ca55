//! What a package manager that takes long is doing, as far as it can be known.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::manager::PackageManager;
use super::output::shorten;

/// When an install is reported for the first time. Most have ended by then.
pub(super) const FIRST_REPORT: Duration = Duration::from_secs(4);

/// The longest time between two reports.
const MAX_INTERVAL: Duration = Duration::from_secs(60);

/// How much of the end of a debug log is read.
const TAIL_BYTES: u64 = 64 * 1024;

/// The end of the name of npm's debug log.
const DEBUG_LOG: &str = "-debug-0.log";

/// When the next report is due, since the start, after one that was due then: 4 s, 12 s, 36 s, …
pub(super) fn next_report(after: Duration) -> Duration {
    after.saturating_add((after * 2).min(MAX_INTERVAL))
}

/// What a package manager says it is doing: the request that npm is repeating, or else the last line
/// that was printed. npm itself prints nothing while its registry cannot be reached, for more than a
/// minute.
pub(super) fn describe_activity(manager: PackageManager, pid: u32, output: &str) -> Option<String> {
    let request = match manager {
        PackageManager::Npm => debug_log(pid).and_then(|log| failed_request(&read_tail(&log)?)),
        _ => None,
    };
    let last_line = || {
        let mut lines = output.lines().rev().map(str::trim);
        lines.find(|line| !line.is_empty()).map(str::to_owned)
    };
    request.or_else(last_line).map(|text| shorten(&text))
}

/// The debug log that a running npm has open.
fn debug_log(pid: u32) -> Option<PathBuf> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let mut paths = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    paths.find(|path| path.to_string_lossy().ends_with(DEBUG_LOG))
}

fn read_tail(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let start = file.metadata().ok()?.len().saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut tail).ok()?;
    Some(String::from_utf8_lossy(&tail).into_owned())
}

/// The request that failed last, such as `GET https://registry.npmjs.org/left-pad attempt 1 failed with
/// ENOTFOUND`. Nothing if a request has succeeded since.
fn failed_request(log: &str) -> Option<String> {
    let mut requests = log.lines().rev().filter_map(|line| {
        let (_, request) = line.split_once(" http fetch ")?;
        Some(request)
    });
    let last = requests.next()?;
    let is_failed = last.contains(" attempt ") && last.contains(" failed with ");
    is_failed.then(|| last.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_come_at_growing_intervals() {
        let mut due = FIRST_REPORT;
        let mut seconds = Vec::new();
        for _ in 0..6 {
            seconds.push(due.as_secs());
            due = next_report(due);
        }
        assert_eq!(seconds, [4, 12, 36, 96, 156, 216]);
    }

    #[test]
    fn the_request_that_npm_repeats_is_in_its_debug_log() {
        let log = "15 silly fetch manifest left-pad@1.3.0\n\
                   16 http fetch GET 200 https://registry.npmjs.org/a 31ms (cache miss)\n\
                   17 http fetch GET https://registry.npmjs.org/left-pad attempt 1 failed with ENOTFOUND\n\
                   18 silly packumentCache full\n";
        assert_eq!(
            failed_request(log).as_deref(),
            Some("GET https://registry.npmjs.org/left-pad attempt 1 failed with ENOTFOUND")
        );
        let recovered =
            format!("{log}19 http fetch GET 200 https://registry.npmjs.org/left-pad 9ms\n");
        assert_eq!(failed_request(&recovered), None);
        assert_eq!(failed_request("15 silly idealTree buildDeps\n"), None);
    }

    #[test]
    fn a_process_without_a_debug_log_is_told_by_what_it_printed() {
        let output =
            "Progress: resolved 1\n\n WARN  GET https://registry.npmjs.org/a error (ENOTFOUND)\n\n";
        let told = describe_activity(PackageManager::Pnpm, std::process::id(), output);
        assert_eq!(
            told.as_deref(),
            Some("WARN  GET https://registry.npmjs.org/a error (ENOTFOUND)")
        );
        let told = describe_activity(PackageManager::Npm, std::process::id(), "");
        assert_eq!(told, None);
    }

    #[test]
    fn the_debug_log_of_a_process_is_found_among_its_open_files() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("2026-11-29T16_00_23_025Z-debug-0.log");
        let log = "17 http fetch GET http://x/a attempt 2 failed with ECONNREFUSED\n";
        fs::write(&path, log).expect("written");
        let open = File::open(&path).expect("open");
        let told = describe_activity(PackageManager::Npm, std::process::id(), "");
        assert_eq!(
            told.as_deref(),
            Some("GET http://x/a attempt 2 failed with ECONNREFUSED")
        );
        drop(open);
    }
}
