//! The files of one domain: their names, their first line, what is in a folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Files are for their owner alone, whatever the umask.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// How a file that is being written, or was left as it was, ends.
pub(super) const LOG_EXT: &str = "log";
/// How a compressed one ends.
pub(super) const COMPRESSED_EXT: &str = "log.lz4";
/// How one that is being compressed ends; it is worth nothing before it has its name.
const TEMP_EXT: &str = "log.lz4.new";

/// The first line of a file: what it is and which run of an instance wrote it.
const FILE_HEADER: &str = "fulcrum log 1";

/// A file of lines, in order, from one run of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// The number of its first line, which is its name.
    pub(super) first_seq: u64,
    pub(super) compressed: bool,
    /// Bytes on disk.
    pub(super) bytes: u64,
    /// When it was last written to.
    pub(super) written: SystemTime,
}

impl Segment {
    pub(super) fn path(&self, folder: &Path) -> PathBuf {
        path(
            folder,
            self.first_seq,
            if self.compressed {
                COMPRESSED_EXT
            } else {
                LOG_EXT
            },
        )
    }
}

pub(super) fn path(folder: &Path, first_seq: u64, ending: &str) -> PathBuf {
    folder.join(format!("{first_seq:020}.{ending}"))
}

/// The segments of a folder, oldest first, each once: where a plain and a compressed one of a name
/// are there, Fulcrum was killed between making the one and removing the other, and both hold the
/// same. Empty for a folder that isn't there.
///
/// # Errors
/// The folder can't be read.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Segment>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some((number, ending)) = name.to_str().and_then(|name| name.split_once('.')) else {
            continue;
        };
        let packed = match ending {
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
                compressed: packed,
                bytes: meta.len(),
                written: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            });
        }
    }
    found.sort_by_key(|segment| (segment.first_seq, !segment.compressed));
    found.dedup_by_key(|segment| segment.first_seq);
    Ok(found)
}

/// Removes what a killed instance left half-made, and plain files whose compressed ones are there.
pub(super) fn remove_temp_files(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some((number, ending)) = name.to_str().and_then(|name| name.split_once('.')) else {
            continue;
        };
        let packed = folder.join(format!("{number}.{COMPRESSED_EXT}"));
        if ending == TEMP_EXT || (ending == LOG_EXT && packed.exists()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes a folder that is ours alone, and those above it.
///
/// # Errors
/// It can't be made, isn't a folder, or belongs to somebody else.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(folder)?;
    let meta = fs::symlink_metadata(folder)?;
    // The process's own entry belongs to its effective user.
    let me = fs::metadata("/proc/self").map(|me| me.uid());
    if !meta.is_dir() || me.is_ok_and(|me| me != 0 && me != meta.uid()) {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{} isn't a folder of ours", folder.display()),
        ));
    }
    if meta.mode() & 0o077 != 0 {
        fs::set_permissions(
            folder,
            std::os::unix::fs::PermissionsExt::from_mode(FOLDER_MODE),
        )?;
    }
    Ok(())
}

/// Makes a new file for lines. Never follows a link, never takes what is there.
///
/// # Errors
/// It is there, or can't be made.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(FILE_MODE)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

/// Opens a file to go on writing at its end.
///
/// # Errors
/// It isn't there, is a link, or can't be written to.
pub(super) fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

/// Opens a file to read, if it is one.
///
/// # Errors
/// It isn't there, is a link, or can't be read.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        // A pipe of the name would be waited for.
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

/// Begins a file: its title line. Gives its length.
///
/// # Errors
/// The disk's.
pub(super) fn write_title(file: &mut File, run: u64) -> io::Result<u64> {
    let title = format!("{FILE_HEADER} run={run}\n");
    file.write_all(title.as_bytes())?;
    Ok(title.len() as u64)
}

/// Reads the title line, which a file begins with; gives the run and the line's length. None where
/// it isn't such a file.
pub(super) fn read_title(head: &[u8]) -> Option<(u64, usize)> {
    let end = memchr::memchr(b'\n', &head[..head.len().min(64)])?;
    let text = std::str::from_utf8(&head[..end]).ok()?;
    let run = text.strip_prefix(FILE_HEADER)?.strip_prefix(" run=")?;
    Some((run.parse().ok()?, end + 1))
}

/// Compresses a file that nobody writes to any more. `go_on` is asked now and then; when it says
/// no, nothing has happened. Gives how many bytes the new file has.
///
/// # Errors
/// The disk's; the plain file is still there then.
pub(super) fn compress_segment(
    folder: &Path,
    first_seq: u64,
    go_on: &dyn Fn() -> bool,
) -> io::Result<Option<u64>> {
    let making = path(folder, first_seq, TEMP_EXT);
    let packed = compress(folder, first_seq, &making, go_on);
    match packed {
        Ok(Some(bytes)) => {
            fs::rename(&making, path(folder, first_seq, COMPRESSED_EXT))?;
            fs::remove_file(path(folder, first_seq, LOG_EXT))?;
            Ok(Some(bytes))
        }
        other => {
            let _ = fs::remove_file(&making);
            other
        }
    }
}

fn compress(
    folder: &Path,
    first_seq: u64,
    making: &Path,
    go_on: &dyn Fn() -> bool,
) -> io::Result<Option<u64>> {
    use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};

    let mut plain = open(&path(folder, first_seq, LOG_EXT))?;
    let written = plain.metadata()?.modified()?;
    let _ = fs::remove_file(making);
    let info = FrameInfo::new().block_size(BlockSize::Max256KB);
    let mut encoder = FrameEncoder::with_frame_info(info, create(making)?);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match plain.read(&mut buffer)? {
            0 => break,
            length => encoder.write_all(&buffer[..length])?,
        }
        if !go_on() {
            return Ok(None);
        }
    }
    let file = encoder.finish().map_err(io::Error::other)?;
    // Its age is that of what is in it.
    file.set_modified(written)?;
    Ok(Some(file.metadata()?.len()))
}
