//! Files of profiles: `.fulcrum/profiles` in the app.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The directory of profiles in an app.
const DIRECTORY: &str = ".fulcrum/profiles";

/// A profile that is being written. A part of one is removed if it is dropped before
/// [`keep`](Self::keep).
#[derive(Debug)]
pub struct ProfileFile {
    file: File,
    path: PathBuf,
    kept: bool,
}

impl ProfileFile {
    /// Creates the file of a domain's profile that only its owner can read: a heap has secrets. Its
    /// name has the domain, the generation and the time in seconds since the epoch. Blocks on the disk.
    ///
    /// # Errors
    /// The directory or the file cannot be written, or there is a file of this name.
    pub fn create(
        app_root: &Path,
        domain: &str,
        generation: u64,
        extension: &str,
        now: SystemTime,
    ) -> io::Result<Self> {
        let dir = app_root.join(DIRECTORY);
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let since_epoch = now.duration_since(UNIX_EPOCH);
        let seconds = since_epoch.unwrap_or(Duration::ZERO).as_secs();
        let path = dir.join(format!("{domain}-{generation}-{seconds}.{extension}"));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Self {
            file,
            path,
            kept: false,
        })
    }

    /// Its path, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the file. Returns its size in bytes.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn keep(mut self) -> io::Result<u64> {
        self.kept = true;
        Ok(self.file.metadata()?.len())
    }
}

impl io::Write for ProfileFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for ProfileFile {
    fn drop(&mut self) {
        if !self.kept {
            // A file that cannot be removed is only a part of a profile.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_profile_is_private_and_a_part_of_one_is_removed() {
        let app = tempfile::tempdir().unwrap();
        let create = |at| {
            let now = UNIX_EPOCH + Duration::from_secs(at);
            ProfileFile::create(app.path(), "users", 3, "cpuprofile", now)
        };
        let mut file = create(7).unwrap();
        file.write_all(b"{}").unwrap();
        let path = file.path().to_owned();
        assert_eq!(
            path,
            app.path().join(".fulcrum/profiles/users-3-7.cpuprofile")
        );
        assert_eq!(file.keep().unwrap(), 2);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(create(7).is_err(), "an existing file is not overwritten");
        let part = create(8).unwrap();
        let path = part.path().to_owned();
        drop(part);
        assert!(!path.exists());
    }
}
