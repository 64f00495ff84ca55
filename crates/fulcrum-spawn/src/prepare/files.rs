//! Atomic writes, private directories, content digests, URLs and paths for display.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::{Builder, TempDir};

/// Creates temporary files, directories and links with this mode, in the directory of their final
/// path, so that a rename replaces it atomically. They are removed when they are dropped.
fn temporary(mode: u32) -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".fulcrum-").suffix(".tmp");
    builder.permissions(Permissions::from_mode(mode));
    builder
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Creates a temporary directory next to `path`, with the process's default mode.
pub(super) fn temp_dir_next_to(path: &Path) -> io::Result<TempDir> {
    temporary(0o777).tempdir_in(parent(path))
}

/// Creates `dir` and what is missing above it, with mode 0700.
pub(super) fn create_private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Replaces a file: a reader sees the old content or the new one, never a part. The directory must
/// exist.
pub(super) fn write_atomically(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file = temporary(mode).tempfile_in(parent(path))?;
    file.write_all(content)?;
    file.persist(path)?;
    Ok(())
}

/// Creates a symbolic link at `path`, in place of what is there.
pub(super) fn symlink_atomically(target: &Path, path: &Path) -> io::Result<()> {
    let link = temporary(0o777).make_in(parent(path), |link| symlink(target, link))?;
    link.into_temp_path().persist(path)?;
    Ok(())
}

/// Writes a file of the cache (0600), and creates its directory if it is missing.
pub(super) fn write_cached(path: &Path, content: &[u8]) -> io::Result<()> {
    match write_atomically(path, content, 0o600) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_private_dir(path.parent().unwrap_or(path))?;
            write_atomically(path, content, 0o600)
        }
        other => other,
    }
}

/// The SHA-256 of the parts, as hexadecimal digits. The length of each part is hashed too, so that
/// different lists have different digests.
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

/// Identifies the state of a file without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileStamp {
    size: u64,
    mtime_s: i64,
    mtime_ns: i64,
    inode: u64,
    device: u64,
}

impl FileStamp {
    /// The stamp of the file at `path`; symbolic links are followed.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
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

/// The `file:` URL of a path, for `--import`: in a plain path `%`, `#` and `?` would have a meaning.
pub(super) fn file_url(path: &Path) -> String {
    let mut url = String::from("file://");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'/'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'@'
            | b'+' => {
                url.push(char::from(*byte));
            }
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url
}

/// Displays `path`, relative to `base` where it is below it.
pub(super) fn display_relative<'a>(path: &'a Path, base: &Path) -> std::path::Display<'a> {
    match path.strip_prefix(base) {
        Ok(below) if !below.as_os_str().is_empty() => below.display(),
        _ => path.display(),
    }
}

/// The directories from `from` upward to `top`, both included; only `from` if it is not below `top`.
pub(super) fn ancestors_until<'a>(from: &'a Path, top: &'a Path) -> impl Iterator<Item = &'a Path> {
    let below = from.starts_with(top);
    from.ancestors()
        .take_while(move |dir| dir.starts_with(top) || (!below && *dir == from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_include_both_ends() {
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
    fn urls_escape_reserved_characters() {
        assert_eq!(
            file_url(Path::new("/a b/100%#?é.mjs")),
            "file:///a%20b/100%25%23%3F%C3%A9.mjs"
        );
    }

    #[test]
    fn the_digest_depends_on_where_a_part_ends() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(digest(&[b"a"]).len(), 64);
    }

    #[test]
    fn a_cached_file_is_private_and_leaves_no_temporary_file() {
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
