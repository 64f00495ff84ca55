//! Stored diagnostic reports of hung Node processes: `.fulcrum/reports` in the app.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many reports are retained; the oldest are removed.
const MAX_REPORTS: usize = 10;

/// The file name of a report: domain, generation and the time in seconds since the epoch.
#[must_use]
pub fn report_file_name(domain: &str, generation: u64, taken_at: SystemTime) -> String {
    let since_epoch = taken_at.duration_since(UNIX_EPOCH);
    let seconds = since_epoch.unwrap_or(Duration::ZERO).as_secs();
    format!("{domain}-{generation}-{seconds}.json")
}

/// Writes a report that only its owner can read (0600), and removes the oldest beyond ten.
/// Returns its path relative to `app_root`. Blocks on the disk.
///
/// # Errors
/// The directory or the file cannot be written, or there is a file of this name.
pub fn save_report(app_root: &Path, file_name: &str, report: &str) -> io::Result<PathBuf> {
    let relative_dir = Path::new(".fulcrum/reports");
    let dir = app_root.join(relative_dir);
    DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(dir.join(file_name))?;
    file.write_all(report.as_bytes())?;
    remove_oldest(&dir)?;
    Ok(relative_dir.join(file_name))
}

fn remove_oldest(dir: &Path) -> io::Result<()> {
    let mut reports: Vec<_> = fs::read_dir(dir)?
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|ext| ext == "json"))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    reports.sort();
    let excess = reports.len().saturating_sub(MAX_REPORTS);
    for (_, report) in reports.drain(..excess) {
        fs::remove_file(report)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn reports_are_private_and_ten_at_most() {
        let app = tempfile::tempdir().unwrap();
        for number in 0..13 {
            let file_name = format!("users-{number:02}-0.json");
            let path = save_report(app.path(), &file_name, "{}").unwrap();
            assert_eq!(path, Path::new(".fulcrum/reports").join(file_name));
        }
        let dir = app.path().join(".fulcrum/reports");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        assert_eq!(mode(&dir.join("users-12-0.json")), 0o600);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), MAX_REPORTS);
        let again = save_report(app.path(), "users-12-0.json", "{}");
        assert!(
            again.is_err(),
            "an existing report, or a link in its place, is not overwritten"
        );
    }

    #[test]
    fn the_file_name_has_domain_generation_and_seconds() {
        let taken_at = UNIX_EPOCH + Duration::from_millis(12_900);
        assert_eq!(report_file_name("users", 3, taken_at), "users-3-12.json");
    }
}
