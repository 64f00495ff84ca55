//! The files that a Node process has loaded, as its bootstrap reports them.
//!
//! The bootstrap (`sdk/node/src/bootstrap`) writes the paths, one a line, into a file whose name it
//! is given in its configuration. This works before a registration, and for code that never
//! registers. The file is read on demand, so reporting costs nothing until then.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files that one process has loaded, symbolic links resolved. Files of packages are left out.
pub type LoadedModules = Arc<BTreeSet<PathBuf>>;

/// Creates the directory for the report files, `modules` in `runtime_dir`, with mode 0700. What an
/// earlier instance left in it is removed.
///
/// # Errors
/// It cannot be created.
pub fn create_report_dir(runtime_dir: &Path) -> io::Result<PathBuf> {
    let dir = runtime_dir.join("modules");
    remove_report_dir(&dir);
    DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
    Ok(dir)
}

/// Removes the directory of the report files.
pub fn remove_report_dir(dir: &Path) {
    // It may not exist; what cannot be removed now is removed by the next `create_report_dir`.
    let _ = fs::remove_dir_all(dir);
}

/// The report file of a domain.
#[must_use]
pub fn report_file(dir: &Path, domain: &str) -> PathBuf {
    dir.join(domain)
}

/// Reads a report file; empty where there is none yet. Blocks for as long as reading a small file
/// takes.
#[must_use]
pub fn read_report(file: &Path) -> BTreeSet<PathBuf> {
    fs::read(file)
        .map(|content| parse(&content))
        .unwrap_or_default()
}

/// One path a line. The last line may be incomplete, and is left out unless it ends with a newline.
fn parse(content: &[u8]) -> BTreeSet<PathBuf> {
    let end = content.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    content[..end]
        .split(|byte| *byte == b'\n')
        .map(|line| Path::new(OsStr::from_bytes(line)))
        .filter(|path| path.is_absolute())
        .map(Path::to_path_buf)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_lines_with_absolute_paths_are_read() {
        let runtime_dir = tempfile::tempdir().unwrap();
        let dir = create_report_dir(runtime_dir.path()).unwrap();
        let file = report_file(&dir, "users");
        assert_eq!(read_report(&file), BTreeSet::new());
        fs::write(
            &file,
            "/app/a.js\nrelative.js\n/app/lib/b.js\n/app/lib/unfin",
        )
        .unwrap();
        let expected = ["/app/a.js", "/app/lib/b.js"].map(PathBuf::from);
        assert_eq!(read_report(&file), BTreeSet::from(expected));
    }

    #[test]
    fn reports_of_an_earlier_instance_are_removed() {
        let runtime_dir = tempfile::tempdir().unwrap();
        let dir = create_report_dir(runtime_dir.path()).unwrap();
        fs::write(report_file(&dir, "users"), "/app/a.js\n").unwrap();
        assert_eq!(create_report_dir(runtime_dir.path()).unwrap(), dir);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
        remove_report_dir(&dir);
        assert!(!dir.exists());
    }
}
