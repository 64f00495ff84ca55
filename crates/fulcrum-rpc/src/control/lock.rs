//! The lock that makes a process the instance of an app.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::runtime_dir::{RuntimeDir, ensure_private_with_parent, with_context};
use super::state_dir::{create_state_dir, give_to_owner_of};

/// The number of attempts until a lock counts as held. A client that checks for an instance holds
/// it for some microseconds, and a new instance needs a moment to write its pid.
const LOCK_ATTEMPTS: u32 = 10;
/// The number of attempts if the pid of the holder is known.
const MIN_LOCK_ATTEMPTS: u32 = 3;
/// The pause between two attempts.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);
/// The longest text of a lock. A path has at most 4096 bytes.
const MAX_TEXT: u64 = 5000;

/// The lock of an app's instance. It is held until this is dropped or the process exits.
#[derive(Debug)]
pub struct InstanceLock {
    /// The locked files: that in the app first, if the app can be written. The other one is found
    /// when `.fulcrum` is deleted under a running instance, as `git clean -dfx` does.
    files: Vec<LockedFile>,
    /// The socket that the lock names.
    socket: PathBuf,
}

/// One locked file. Its text names the instance.
#[derive(Debug)]
struct LockedFile {
    file: File,
    path: PathBuf,
}

/// The process that is the instance, as its lock names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// The user that it runs as.
    pub uid: u32,
    /// Its control socket.
    pub socket: PathBuf,
}

/// Why a process cannot become the instance.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process is the instance.
    #[error("an instance is already running{}", holder.as_ref().map_or_else(String::new, |holder| format!(" (pid {})", holder.pid)))]
    Held {
        /// The process, if its lock names it.
        holder: Option<Holder>,
    },
    /// The lock file is a symbolic link, which is never followed.
    #[error(transparent)]
    Link(io::Error),
    /// The lock file cannot be used.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl RuntimeDir {
    /// Takes the lock, which makes this process the app's instance, and creates the socket's
    /// directory.
    ///
    /// If another process holds it, this blocks the calling thread for up to 100 ms, to exclude
    /// clients that hold it for a moment.
    ///
    /// # Errors
    /// If another process is the instance, or if no file can be used.
    pub fn try_lock(&self) -> Result<InstanceLock, LockError> {
        self.prepare()?;
        let socket = self.socket();
        let in_app = create_state_dir(self.root())
            .map_err(LockError::from)
            .and_then(|_| take(self.lock_path(), &socket, Some(self.root())));
        let (mut files, not_in_app) = match in_app {
            Ok(file) => (vec![file], None),
            Err(LockError::Io(error)) => (Vec::new(), Some(error)),
            Err(error) => return Err(error),
        };
        files.extend(self.try_fallback_lock(&socket)?);
        match not_in_app {
            Some(error) if files.is_empty() => Err(error.into()),
            // Somebody else may be able to write what this process cannot.
            Some(_) => match holder_of(self.lock_path())? {
                Some(holder) => Err(LockError::Held { holder }),
                None => Ok(InstanceLock { files, socket }),
            },
            None => Ok(InstanceLock { files, socket }),
        }
    }

    /// The lock outside the app; none if it cannot be used.
    fn try_fallback_lock(&self, socket: &Path) -> Result<Option<LockedFile>, LockError> {
        for path in self.fallback_locks() {
            let dir = path.parent().unwrap_or(path);
            if ensure_private_with_parent(dir, self.uid()).is_err() {
                continue;
            }
            match take(path, socket, None) {
                Err(LockError::Io(_)) => {}
                result => return result.map(Some),
            }
        }
        Ok(None)
    }

    fn all_locks(&self) -> impl Iterator<Item = &Path> {
        let fallbacks = self.fallback_locks().iter().map(PathBuf::as_path);
        std::iter::once(self.lock_path()).chain(fallbacks)
    }

    /// The holder of the lock: `None` if the app has no instance, otherwise what its lock says, or
    /// `Some(None)` if it is still being written.
    ///
    /// # Errors
    /// A lock file cannot be opened.
    pub fn holder(&self) -> io::Result<Option<Option<Holder>>> {
        for path in self.all_locks() {
            if let Some(holder) = holder_of(path)? {
                return Ok(Some(holder));
            }
        }
        Ok(None)
    }
}

impl InstanceLock {
    /// The directory of the lock: `.fulcrum` in the app, or a private one if the app cannot be
    /// written.
    pub fn dir(&self) -> &Path {
        let path = &self.files[0].path;
        path.parent().unwrap_or(path)
    }

    /// The socket that the lock names.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // The next reader must not find this pid. The file stays: removing it would invalidate the
        // lock of a process that is about to take it.
        let _ = self.file.set_len(0);
    }
}

/// Takes the lock of one file. `app` is the root that the file lies in.
#[expect(
    clippy::disallowed_methods,
    reason = "there is no event for the release of a lock, and waiting in flock has no limit"
)]
fn take(path: &Path, socket: &Path, app: Option<&Path>) -> Result<LockedFile, LockError> {
    for attempt in 1.. {
        let mut file = match open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                replace_unwritable(path, &error)?;
                continue;
            }
            Err(error) => {
                let what = "cannot open the lock";
                let described = with_context(&error, what, path);
                return Err(if is_link(&error) {
                    LockError::Link(described)
                } else {
                    described.into()
                });
            }
        };
        match file.try_lock() {
            Ok(()) if !is_current_file(&file, path) => {
                // The file was removed between open and lock, so the lock proves nothing.
            }
            Ok(()) => {
                if let Some(app) = app {
                    give_to_owner_of(app, path);
                }
                write_holder(&mut file, socket)
                    .map_err(|error| with_context(&error, "cannot write the lock", path))?;
                let path = path.to_owned();
                return Ok(LockedFile { file, path });
            }
            Err(TryLockError::WouldBlock) => {
                let holder = read_holder(&mut file).filter(|holder| is_alive(holder.pid));
                if attempt >= LOCK_ATTEMPTS || (attempt >= MIN_LOCK_ATTEMPTS && holder.is_some()) {
                    return Err(LockError::Held { holder });
                }
                std::thread::sleep(RETRY_INTERVAL);
            }
            Err(TryLockError::Error(error)) => {
                return Err(with_context(&error, "cannot take the lock", path).into());
            }
        }
    }
    unreachable!("the attempts are unlimited")
}

/// Removes the lock of an earlier instance of another user, such as root, from a directory of this
/// user. It is held meanwhile, so it is never taken from an instance.
fn replace_unwritable(path: &Path, denied: &io::Error) -> Result<(), LockError> {
    let denied = || io::Error::new(denied.kind(), denied.to_string());
    let mut file = File::open(path).map_err(|_| denied())?;
    match file.try_lock() {
        Ok(()) if is_current_file(&file, path) => {
            std::fs::remove_file(path).map_err(|_| denied())?
        }
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = read_holder(&mut file);
            return Err(LockError::Held { holder });
        }
        Err(TryLockError::Error(_)) => return Err(denied().into()),
    }
    Ok(())
}

fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

/// The holder of one lock; see [`RuntimeDir::holder`].
fn holder_of(path: &Path) -> io::Result<Option<Option<Holder>>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        // Without access nobody could have taken it for this user's app.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::PermissionDenied
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(with_context(&error, "cannot read the lock", path)),
    };
    match file.try_lock_shared() {
        // Closing the file releases it.
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(read_holder(&mut file))),
        // A file system without locks: the lock is at a fallback.
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        // Readable, so that other users are told who runs the app.
        .mode(0o644)
        // The standard library adds CLOEXEC, so no child inherits the lock.
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}

/// Whether this open file is still the one at its path.
fn is_current_file(file: &File, path: &Path) -> bool {
    let identity = |found: std::fs::Metadata| (found.dev(), found.ino());
    match (
        file.metadata().map(identity),
        path.symlink_metadata().map(identity),
    ) {
        (Ok(open), Ok(found)) => open == found,
        _ => false,
    }
}

/// Three lines: the pid, the uid, the socket.
fn write_holder(file: &mut File, socket: &Path) -> io::Result<()> {
    let uid = rustix::process::getuid().as_raw();
    let mut text = format!("{}\n{uid}\n", std::process::id()).into_bytes();
    text.extend(socket.as_os_str().as_bytes());
    text.push(b'\n');
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = Vec::new();
    file.rewind().ok()?;
    file.take(MAX_TEXT).read_to_end(&mut text).ok()?;
    // A text without its last newline is still being written.
    let text = text.strip_suffix(b"\n")?;
    let mut lines = text.splitn(3, |byte| *byte == b'\n');
    let mut number = || std::str::from_utf8(lines.next()?).ok()?.parse().ok();
    let (pid, uid) = (number()?, number()?);
    let socket = PathBuf::from(OsStr::from_bytes(lines.next()?));
    Some(Holder { pid, uid, socket })
}

fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn runtime_dir(root: &Path) -> RuntimeDir {
        let uid = rustix::process::getuid().as_raw();
        let dir = RuntimeDir::for_app(root, None, root, uid).expect("found");
        dir.with_fallback(&root.join("fallback"))
    }

    #[test]
    fn a_held_lock_names_its_holder_and_is_free_afterwards() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let dir = runtime_dir(temp.path());
        assert_eq!(dir.holder().expect("readable"), None);
        let first = dir.try_lock().expect("free");
        let holder = Holder {
            pid: std::process::id(),
            uid: rustix::process::getuid().as_raw(),
            socket: dir.socket(),
        };
        assert_eq!(dir.holder().expect("readable"), Some(Some(holder.clone())));
        let error = dir.try_lock().expect_err("held");
        assert!(matches!(&error, LockError::Held { holder: Some(found) } if *found == holder));
        assert!(error.to_string().contains(&std::process::id().to_string()));
        drop(first);
        assert_eq!(dir.holder().expect("readable"), None);
        dir.try_lock().expect("free again");
    }

    #[test]
    fn one_of_fifty_simultaneous_attempts_succeeds() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let dir = runtime_dir(temp.path());
        let start = Barrier::new(50);
        let results: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..50)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        dir.try_lock()
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"))
                .collect()
        });
        assert_eq!(results.iter().filter(|lock| lock.is_ok()).count(), 1);
        let is_held =
            |lock: &Result<_, _>| matches!(lock, Err(LockError::Held { holder: Some(_) }));
        assert_eq!(results.iter().filter(|lock| is_held(lock)).count(), 49);
    }

    #[test]
    fn the_pid_of_a_killed_instance_does_not_hold_the_lock() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let dir = runtime_dir(temp.path());
        create_state_dir(temp.path()).expect("created");
        std::fs::write(dir.lock_path(), "1\n0\n/tmp/x\n").expect("written");
        assert_eq!(dir.holder().expect("readable"), None);
        dir.try_lock().expect("not held");
    }

    #[test]
    fn checking_clients_do_not_prevent_a_start() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let dir = runtime_dir(temp.path());
        dir.try_lock().expect("creates the file");
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    dir.holder().expect("readable");
                    std::thread::yield_now();
                }
            });
            for _ in 0..20 {
                let lock = dir.try_lock();
                assert!(lock.is_ok(), "{lock:?}");
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }

    #[test]
    fn a_lock_on_a_removed_file_does_not_count() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let dir = runtime_dir(temp.path());
        let lock = dir.try_lock().expect("free");
        let in_app = &lock.files[0];
        assert!(is_current_file(&in_app.file, &in_app.path));
        std::fs::remove_file(dir.lock_path()).expect("removed");
        assert!(!is_current_file(&in_app.file, &in_app.path));
    }

    #[test]
    fn an_instance_whose_directory_is_deleted_is_still_found() {
        let temp = tempfile::tempdir().expect("temporary directory");
        std::fs::create_dir(temp.path().join("fallback")).expect("created");
        let dir = runtime_dir(temp.path());
        let lock = dir.try_lock().expect("free");
        std::fs::remove_dir_all(temp.path().join(".fulcrum")).expect("removed");
        assert!(dir.holder().expect("readable").flatten().is_some());
        assert!(matches!(dir.try_lock(), Err(LockError::Held { .. })));
        drop(lock);
        dir.try_lock().expect("free");
    }

    #[test]
    fn an_app_that_cannot_be_written_is_locked_elsewhere() {
        let temp = tempfile::tempdir().expect("temporary directory");
        std::fs::create_dir(temp.path().join("fallback")).expect("created");
        let dir = runtime_dir(temp.path());
        let state = temp.path().join(".fulcrum");
        std::fs::write(&state, "not a directory").expect("written");
        let lock = dir.try_lock().expect("free");
        assert!(lock.dir().starts_with(temp.path().join("fallback")));
        assert!(matches!(dir.try_lock(), Err(LockError::Held { .. })));
        assert_eq!(
            dir.holder()
                .expect("readable")
                .flatten()
                .map(|holder| holder.socket),
            Some(dir.socket())
        );
        // Once it can be written, the first instance still counts.
        std::fs::remove_file(&state).expect("removed");
        assert!(matches!(dir.try_lock(), Err(LockError::Held { .. })));
        drop(lock);
        assert!(dir.try_lock().expect("free").dir().starts_with(&state));
    }

    #[test]
    fn a_lock_that_is_a_symbolic_link_is_refused() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let dir = runtime_dir(temp.path());
        create_state_dir(temp.path()).expect("created");
        let other = temp.path().join("other");
        std::fs::write(&other, "data").expect("written");
        std::os::unix::fs::symlink(&other, dir.lock_path()).expect("linked");
        assert!(matches!(dir.try_lock(), Err(LockError::Link(_))));
        assert_eq!(std::fs::read_to_string(&other).expect("there"), "data");
    }
}
