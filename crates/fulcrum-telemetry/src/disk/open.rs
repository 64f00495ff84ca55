//! Finds, opens and replaces the file.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;

use super::file::{DiskFile, OpenError};
use super::outage::CODE;
use crate::export::Signal;

/// Only the user may read it: telemetry can have anything in it.
const MODE: u32 = 0o600;

/// Opens the file. One that cannot be used is renamed, told, and a new one begins.
///
/// # Errors
/// Why neither is possible.
pub(super) fn open_or_replace(
    path: &Path,
    limit: usize,
    restore: &mut dyn FnMut(Signal, &[u8]),
) -> Result<DiskFile, String> {
    let reason = match open(path, limit, restore) {
        Ok(file) => return Ok(file),
        Err(OpenError::Unavailable(reason)) => return Err(reason),
        Err(OpenError::Foreign(reason)) => reason,
    };
    let aside = aside(path);
    if let Err(error) = fs::rename(path, &aside) {
        return Err(format!(
            "it is damaged ({reason}), and cannot be renamed to {}: {error}",
            aside.display()
        ));
    }
    tracing::warn!(
        code = %CODE,
        "{} is damaged, or Fulcrum has not written it: {reason}; it was renamed to {}, and a new one \
         begins: earlier telemetry is lost",
        path.display(),
        aside.display()
    );
    match open(path, limit, restore) {
        Ok(file) => Ok(file),
        Err(OpenError::Unavailable(reason) | OpenError::Foreign(reason)) => Err(reason),
    }
}

/// Where a file is put that cannot be used. One that is there already is replaced, so that they do not
/// grow in number.
fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".damaged");
    name.into()
}

fn open(
    path: &Path,
    limit: usize,
    restore: &mut dyn FnMut(Signal, &[u8]),
) -> Result<DiskFile, OpenError> {
    let unavailable = |error: io::Error| OpenError::Unavailable(error.to_string());
    // A link could lead to a file of somebody else's.
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => {
            return Err(OpenError::Foreign("it is no file".to_owned()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(unavailable(error)),
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(MODE)
        .open(path)
        .map_err(unavailable)?;
    file.set_permissions(Permissions::from_mode(MODE))
        .map_err(unavailable)?;
    let measured = file.try_clone().map_err(unavailable)?;
    let size = Box::new(move || measured.metadata().map_or(0, |found| found.len()));
    let backend = FileBackend::new(file)?;
    DiskFile::open(backend, size, limit, restore)
}
