//! The log file of a background instance: `.fulcrum/instance.log` in the app's directory, or beside
//! the control socket of an app that cannot be written.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fulcrum_rpc::{RuntimeDir, create_state_dir};
use rustix::fs::OFlags;

const FILE_NAME: &str = "instance.log";

/// How many bytes at the end of the file are read.
const TAIL_BYTES: u64 = 16 * 1024;

/// The log file of a background start.
#[derive(Debug, Clone)]
pub(super) struct LogFile {
    path: PathBuf,
    file: Arc<File>,
}

impl LogFile {
    /// Creates the file, or truncates that of the previous start. Mode 0600, since domains may
    /// print secrets.
    ///
    /// # Errors
    /// Neither the app's directory nor the socket's is writable, or the path is a symbolic link.
    pub(super) fn create(root: &Path, runtime: &RuntimeDir) -> io::Result<Self> {
        let in_app = create_state_dir(root).and_then(|dir| Self::create_in(&dir));
        match in_app {
            Err(error) if is_unwritable(&error) => {
                let beside_socket = runtime
                    .prepare()
                    .and_then(|()| Self::create_in(runtime.dir()));
                // What is wrong with the app's own directory says more.
                beside_socket.map_err(|_| error)
            }
            result => result,
        }
    }

    fn create_in(dir: &Path) -> io::Result<Self> {
        let path = dir.join(FILE_NAME);
        let file = OpenOptions::new()
            // Each write goes to the end, even if another process writes too.
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .map_err(|error| with_context(&path, &error))?;
        file.set_len(0)
            .map_err(|error| with_context(&path, &error))?;
        Ok(Self {
            path,
            file: Arc::new(file),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Another handle of the file, for the output of a child process.
    pub(super) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// The last lines, at most `count`; none if the file is not readable.
    pub(super) fn tail(&self, count: usize) -> Vec<String> {
        let text = read_end(&self.path).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(count)..]
            .iter()
            .map(|line| (*line).to_owned())
            .collect()
    }
}

/// Whether the directory is of another user, or read-only.
fn is_unwritable(error: &io::Error) -> bool {
    let kinds = [
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::ReadOnlyFilesystem,
    ];
    kinds.contains(&error.kind())
}

fn read_end(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let mut text = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (line, end) = line
            .strip_suffix(b"\n")
            .map_or((line, false), |line| (line, true));
        fulcrum_logs::sanitize(line, false, &mut text);
        text.extend(end.then_some(b'\n'));
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn with_context(path: &Path, error: &io::Error) -> io::Error {
    let text = format!("cannot write the instance log {}: {error}", path.display());
    io::Error::new(error.kind(), text)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn create(app: &Path) -> io::Result<LogFile> {
        let runtime = RuntimeDir::for_app(app, None, app, rustix::process::getuid().as_raw())?;
        LogFile::create(app, &runtime)
    }

    #[test]
    fn the_log_is_private_and_truncated_at_each_start() {
        let app = tempfile::tempdir().expect("a temporary directory");
        let log = create(app.path()).expect("made");
        log.handle()
            .expect("handle")
            .write_all(b"old\n")
            .expect("written");
        let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(log.path()), 0o600);
        // Others may pass through, not list.
        assert_eq!(mode(&app.path().join(".fulcrum")) & 0o066, 0);
        let again = create(app.path()).expect("made");
        assert_eq!(again.tail(5), Vec::<String>::new());
        // A handle of the previous start leaves no hole.
        log.handle()
            .expect("handle")
            .write_all(b"late\n")
            .expect("written");
        assert_eq!(again.tail(5), ["late"]);
    }

    #[test]
    fn only_the_end_is_read_and_sanitized() {
        let app = tempfile::tempdir().expect("a temporary directory");
        let log = create(app.path()).expect("made");
        let mut file = log.handle().expect("handle");
        for number in 0..10_000 {
            writeln!(file, "line {number}").expect("written");
        }
        write!(file, "\x1b[2J unfinished \u{fffd}").expect("written");
        assert_eq!(log.tail(2), ["line 9999", "␛[2J unfinished \u{fffd}"]);
        assert!(log.tail(100_000).len() < 10_000);
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let app = tempfile::tempdir().expect("a temporary directory");
        create(app.path()).expect("made");
        let path = app.path().join(".fulcrum/instance.log");
        std::fs::remove_file(&path).expect("removed");
        let precious = app.path().join("precious");
        std::fs::write(&precious, "data").expect("written");
        std::os::unix::fs::symlink(&precious, &path).expect("linked");
        let error = create(app.path()).expect_err("a link");
        assert!(error.to_string().contains("instance.log"), "{error}");
        assert_eq!(std::fs::read_to_string(&precious).expect("there"), "data");
    }
}
