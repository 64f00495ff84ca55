//! Keeps Node's reports about processes that hung: `.fulcrum/reports` in the app.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use crate::clock::now;

/// So many are kept; the oldest go.
const MAX_REPORTS: usize = 10;

/// A report's file name.
pub(crate) fn name(domain: &str, generation: u64) -> String {
    let since = now().duration_since(UNIX_EPOCH);
    let seconds = since.unwrap_or(Duration::ZERO).as_secs();
    format!("{domain}-{generation}-{seconds}.json")
}

/// Writes a report that nobody else can read, and forgets old ones. Gives its place as seen from
/// the app.
///
/// # Errors
/// Where the app's folder can't be written.
pub(crate) fn save(root: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let inside = Path::new(".fulcrum/reports");
    let folder = root.join(inside);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(folder.join(name))?;
    file.write_all(text.as_bytes())?;
    prune(&folder)?;
    Ok(inside.join(name))
}

fn prune(folder: &Path) -> io::Result<()> {
    let mut reports: Vec<_> = fs::read_dir(folder)?
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|one| one == "json"))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    reports.sort();
    let old = reports.len().saturating_sub(MAX_REPORTS);
    for (_, report) in reports.drain(..old) {
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
        let app = tempfile::tempdir().expect("a folder");
        for number in 0..13 {
            let name = format!("users-{number:02}-0.json");
            let kept = save(app.path(), &name, "{}").expect("kept");
            assert_eq!(kept, Path::new(".fulcrum/reports").join(name));
        }
        let folder = app.path().join(".fulcrum/reports");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("users-12-0.json")), 0o600);
        assert_eq!(fs::read_dir(&folder).expect("there").count(), MAX_REPORTS);
        let again = save(app.path(), "users-12-0.json", "{}");
        assert!(
            again.is_err(),
            "a report, or a link in its place, is not written over"
        );
    }
}
