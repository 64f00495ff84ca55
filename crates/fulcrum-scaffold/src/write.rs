//! Writing files that do not exist.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::file::{ScaffoldFile, WrittenFile};

/// A file that could not be written; those before it are written.
#[derive(Debug)]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write {}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Writes the files below `root`, which is created if it does not exist. A path that exists, whatever
/// it is, is not changed, and no link is followed.
///
/// # Errors
/// The first file that cannot be written.
pub fn write_new(root: &Path, files: &[ScaffoldFile]) -> Result<Vec<WrittenFile>, WriteError> {
    let mut written = Vec::with_capacity(files.len());
    for file in files {
        let path = root.join(&file.path);
        let is_new = match create(&path, &file.text) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(WriteError { path, error }),
        };
        written.push(WrittenFile {
            path: file.path.clone(),
            is_new,
        });
    }
    Ok(written)
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        // A file in place of a directory exists too, but its own path cannot.
        fs::create_dir_all(dir).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
            _ => error,
        })?;
    }
    // Exclusive: it neither follows a link nor replaces a file that another process creates meanwhile.
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn file(path: &str) -> ScaffoldFile {
        ScaffoldFile::new(path, "new")
    }

    #[test]
    fn nothing_that_exists_is_changed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "old").unwrap();
        symlink("nowhere", dir.path().join("b")).unwrap();
        let files = [file("a"), file("b"), file("c/d")];
        let written = write_new(dir.path(), &files).unwrap();
        let is_new: Vec<bool> = written.iter().map(|file| file.is_new).collect();
        assert_eq!(is_new, [false, false, true]);
        assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "old");
        assert!(!dir.path().join("nowhere").exists());
        assert_eq!(fs::read_to_string(dir.path().join("c/d")).unwrap(), "new");
    }

    #[test]
    fn a_file_in_place_of_a_directory_is_an_error_with_its_path() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "").unwrap();
        let error = write_new(dir.path(), &[file("a/b")]).unwrap_err();
        assert!(error.to_string().contains("a/b: "), "{error}");
    }
}
