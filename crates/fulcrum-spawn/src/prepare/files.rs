//! Files that are there whole or not at all, and readable by their owner only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

static TEMPORARY: AtomicU64 = AtomicU64::new(0);

/// A name beside `path` that no other process and no other thread uses.
pub(super) fn temp_path_next_to(path: &Path) -> PathBuf {
    let number = TEMPORARY.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}-{number}.tmp", std::process::id()))
}

/// Creates `dir` and what is missing above it, with mode 0700.
pub(super) fn create_private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Writes a file so that a reader sees the old content or the new one, never a part. The folder
/// must exist.
pub(super) fn write_atomically(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let temporary = temp_path_next_to(path);
    let written = write_new(&temporary, content, mode).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The error that matters is the one above; a leftover has a name that nothing reads.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Writes a file that must not be there yet.
pub(super) fn write_new(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(content)
}

/// Writes a file of the cache (0600), creating the folder above it when it is missing.
pub(super) fn write_cached(path: &Path, content: &[u8]) -> io::Result<()> {
    match write_atomically(path, content, 0o600) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_private_dir(path.parent().unwrap_or(path))?;
            write_atomically(path, content, 0o600)
        }
        other => other,
    }
}

/// The SHA-256 of the parts, as hexadecimal digits. Each part's length is hashed too, so that two
/// different lists never give the same digest.
pub(super) fn digest(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileStamp {
    size: u64,
    mtime_s: i64,
    mtime_ns: i64,
    inode: u64,
    device: u64,
}

impl FileStamp {
    /// The stamp of the file that `path` names, symbolic links followed.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let meta = fs::metadata(path)?;
        Ok(Self {
            size: meta.size(),
            mtime_s: meta.mtime(),
            mtime_ns: meta.mtime_nsec(),
            inode: meta.ino(),
            device: meta.dev(),
        })
    }
}

/// `path` as a person wants to read it: relative to `base` where it is below it.
pub(super) fn display_relative<'a>(path: &'a Path, base: &Path) -> std::path::Display<'a> {
    match path.strip_prefix(base) {
        Ok(below) if !below.as_os_str().is_empty() => below.display(),
        _ => path.display(),
    }
}

/// The folders from `from` upward to `top`, both included; only `from` if it isn't below `top`.
pub(super) fn ancestors_until<'a>(from: &'a Path, top: &'a Path) -> impl Iterator<Item = &'a Path> {
    let below = from.starts_with(top);
    from.ancestors()
        .take_while(move |dir| dir.starts_with(top) || (!below && *dir == from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upward_includes_both_ends_and_stops_at_the_top() {
        let dirs: Vec<_> =
            ancestors_until(Path::new("/app/domains/a"), Path::new("/app")).collect();
        assert_eq!(
            dirs,
            [
                Path::new("/app/domains/a"),
                Path::new("/app/domains"),
                Path::new("/app")
            ]
        );
        let outside: Vec<_> = ancestors_until(Path::new("/other/a"), Path::new("/app")).collect();
        assert_eq!(outside, [Path::new("/other/a")]);
    }

    #[test]
    fn digests_tell_where_one_part_ends() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(digest(&[b"a"]).len(), 64);
    }

    #[test]
    fn a_cached_file_is_private_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/file.json");
        write_cached(&path, b"1").unwrap();
        write_cached(&path, b"2").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"2");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(
            fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777,
            0o700
        );
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
