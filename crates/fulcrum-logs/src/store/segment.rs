//! The files of a store: names, headers, directories, compression.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Files are accessible to their owner only, whatever the umask.
pub(super) const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

/// The extension of an uncompressed segment.
pub(super) const LOG_EXT: &str = "log";
/// The extension of a compressed segment.
pub(super) const COMPRESSED_EXT: &str = "log.lz4";
/// The extension of a file that is being compressed.
const TEMP_EXT: &str = "log.lz4.new";

/// The first line of a file, before the id of the run.
const FILE_HEADER: &str = "fulcrum log 1";

/// A file of lines, in order, from one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// The sequence number of its first line, which is its name.
    pub(super) first_seq: u64,
    pub(super) compressed: bool,
    /// Bytes on disk.
    pub(super) bytes: u64,
    /// The time of the last write.
    pub(super) written: SystemTime,
}

impl Segment {
    pub(super) fn path(&self, dir: &Path) -> PathBuf {
        path(
            dir,
            self.first_seq,
            if self.compressed {
                COMPRESSED_EXT
            } else {
                LOG_EXT
            },
        )
    }
}

pub(super) fn path(dir: &Path, first_seq: u64, extension: &str) -> PathBuf {
    dir.join(format!("{first_seq:020}.{extension}"))
}

/// The names of domains in a store: its subdirectories. Empty if the directory does not exist.
///
/// # Errors
/// The directory cannot be read.
pub(super) fn list_domains(dir: &Path) -> io::Result<Vec<String>> {
    let mut domains = Vec::new();
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(domains),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            domains.extend(entry.file_name().into_string());
        }
    }
    domains.sort();
    Ok(domains)
}

/// The segments in a directory, oldest first, each once: where both an uncompressed and a compressed
/// file exist, a run was killed after compressing, and both have the same content. Empty if the
/// directory does not exist.
///
/// # Errors
/// The directory cannot be read.
pub(super) fn list(dir: &Path) -> io::Result<Vec<Segment>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some((number, extension)) = name.to_str().and_then(|name| name.split_once('.')) else {
            continue;
        };
        let compressed = match extension {
            LOG_EXT => false,
            COMPRESSED_EXT => true,
            _ => continue,
        };
        let (Ok(first_seq), Ok(meta)) = (number.parse(), entry.metadata()) else {
            continue;
        };
        if meta.is_file() {
            found.push(Segment {
                first_seq,
                compressed,
                bytes: meta.len(),
                written: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            });
        }
    }
    found.sort_by_key(|segment| (segment.first_seq, !segment.compressed));
    found.dedup_by_key(|segment| segment.first_seq);
    Ok(found)
}

/// Removes incomplete files of a killed run, and uncompressed files that were compressed.
pub(super) fn remove_temp_files(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some((number, extension)) = name.to_str().and_then(|name| name.split_once('.')) else {
            continue;
        };
        let compressed = dir.join(format!("{number}.{COMPRESSED_EXT}"));
        if extension == TEMP_EXT || (extension == LOG_EXT && compressed.exists()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Creates a directory that is accessible to this user only, and its parents.
///
/// # Errors
/// It cannot be created, is no directory, or belongs to another user.
pub(super) fn create_dir(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(DIR_MODE)
        .create(dir)?;
    let meta = fs::symlink_metadata(dir)?;
    // The entry of this process belongs to its effective user.
    let me = fs::metadata("/proc/self").map(|me| me.uid());
    if !meta.is_dir() || me.is_ok_and(|me| me != 0 && me != meta.uid()) {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{} is not a directory of this user", dir.display()),
        ));
    }
    if meta.mode() & 0o077 != 0 {
        fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(DIR_MODE))?;
    }
    Ok(())
}

/// Creates a file for lines. Never follows a symbolic link.
///
/// # Errors
/// It exists, or cannot be created.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(FILE_MODE)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

/// Opens a file to append to it.
///
/// # Errors
/// It does not exist, is a symbolic link, or cannot be written.
pub(super) fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

/// Opens a file to read it.
///
/// # Errors
/// It does not exist, is a symbolic link, or cannot be read.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        // Opening a FIFO would block.
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

/// Writes the file header and returns its length.
///
/// # Errors
/// Errors of the write.
pub(super) fn write_file_header(file: &mut File, run: u64) -> io::Result<u64> {
    let header = format!("{FILE_HEADER} run={run}\n");
    file.write_all(header.as_bytes())?;
    Ok(header.len() as u64)
}

/// Parses the file header. Returns the id of the run and the header's length; `None` if it is no
/// segment.
pub(super) fn parse_file_header(head: &[u8]) -> Option<(u64, usize)> {
    let end = memchr::memchr(b'\n', &head[..head.len().min(64)])?;
    let text = std::str::from_utf8(&head[..end]).ok()?;
    let run = text.strip_prefix(FILE_HEADER)?.strip_prefix(" run=")?;
    Some((run.parse().ok()?, end + 1))
}

/// Compresses a sealed segment. `continues` is called repeatedly; once it is false, nothing is
/// changed. Returns the length of the new file.
///
/// # Errors
/// Errors of the file system; the uncompressed file then remains.
pub(super) fn compress_segment(
    dir: &Path,
    first_seq: u64,
    continues: &dyn Fn() -> bool,
) -> io::Result<Option<u64>> {
    let temp = path(dir, first_seq, TEMP_EXT);
    let result = compress(dir, first_seq, &temp, continues);
    match result {
        Ok(Some(bytes)) => {
            fs::rename(&temp, path(dir, first_seq, COMPRESSED_EXT))?;
            fs::remove_file(path(dir, first_seq, LOG_EXT))?;
            Ok(Some(bytes))
        }
        other => {
            let _ = fs::remove_file(&temp);
            other
        }
    }
}

fn compress(
    dir: &Path,
    first_seq: u64,
    temp: &Path,
    continues: &dyn Fn() -> bool,
) -> io::Result<Option<u64>> {
    use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};

    let mut plain = open(&path(dir, first_seq, LOG_EXT))?;
    let written = plain.metadata()?.modified()?;
    let _ = fs::remove_file(temp);
    let info = FrameInfo::new().block_size(BlockSize::Max256KB);
    let mut encoder = FrameEncoder::with_frame_info(info, create(temp)?);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match plain.read(&mut buffer)? {
            0 => break,
            length => encoder.write_all(&buffer[..length])?,
        }
        if !continues() {
            return Ok(None);
        }
    }
    let file = encoder.finish().map_err(io::Error::other)?;
    // Its age is that of its content.
    file.set_modified(written)?;
    Ok(Some(file.metadata()?.len()))
}
