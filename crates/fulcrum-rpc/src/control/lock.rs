//! The lock that makes a process the instance of an app.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::runtime_dir::{RuntimeDir, with_context};

/// The number of attempts until a lock counts as held. A client that checks for an instance holds
/// it for some microseconds, and a new instance needs a moment to write its pid.
const LOCK_ATTEMPTS: u32 = 10;
/// The number of attempts if the pid of the holder is known.
const MIN_LOCK_ATTEMPTS: u32 = 3;
/// The pause between two attempts.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// The lock of an app's instance. It is held until this is dropped or the process exits.
#[derive(Debug)]
pub struct InstanceLock {
    file: File,
    path: PathBuf,
}

/// Why a process cannot become the instance.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process is the instance.
    #[error("an instance is already running{}", pid.map_or_else(String::new, |pid| format!(" (pid {pid})")))]
    Held {
        /// The process id, if it could be read.
        pid: Option<u32>,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl RuntimeDir {
    /// Takes the lock, which makes this process the app's instance.
    ///
    /// If another process holds it, this blocks the calling thread for up to 100 ms, to exclude
    /// clients that hold it for a moment.
    ///
    /// # Errors
    /// If another process is the instance, or if the file cannot be used.
    #[expect(
        clippy::disallowed_methods,
        reason = "there is no event for the release of a lock, and waiting in flock has no limit"
    )]
    pub fn try_lock(&self) -> Result<InstanceLock, LockError> {
        let path = self.lock_path();
        for attempt in 1.. {
            let mut file = open(&path)?;
            match file.try_lock() {
                Ok(()) if !is_current_file(&file, &path) => {
                    // The file was removed between open and lock, so the lock proves nothing.
                }
                Ok(()) => {
                    write_pid(&mut file)
                        .map_err(|error| with_context(&error, "cannot write the lock", &path))?;
                    return Ok(InstanceLock { file, path });
                }
                Err(TryLockError::WouldBlock) => {
                    let pid = read_pid(&mut file).filter(|pid| is_alive(*pid));
                    if attempt >= LOCK_ATTEMPTS || (attempt >= MIN_LOCK_ATTEMPTS && pid.is_some()) {
                        return Err(LockError::Held { pid });
                    }
                    std::thread::sleep(RETRY_INTERVAL);
                }
                Err(TryLockError::Error(error)) => {
                    return Err(with_context(&error, "cannot take the lock", &path).into());
                }
            }
        }
        unreachable!("the attempts are unlimited")
    }

    /// The holder of the lock: `None` if the app has no instance, otherwise its process id if it
    /// could be read.
    ///
    /// # Errors
    /// The lock file cannot be opened or locked.
    pub fn holder(&self) -> io::Result<Option<Option<u32>>> {
        let mut file = match File::open(self.lock_path()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            // Closing the file releases it.
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(read_pid(&mut file))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl InstanceLock {
    /// The path of the lock file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for InstanceLock {
    fn drop(&mut self) {
        // The next reader must not find this pid. The file stays: removing it would invalidate the
        // lock of a process that is about to take it.
        let _ = self.file.set_len(0);
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        // The standard library adds CLOEXEC, so no child inherits the lock.
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(|error| with_context(&error, "cannot open the lock", path))
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

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    // A pid without its newline is still being written.
    text.strip_suffix('\n')?.parse().ok()
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
        RuntimeDir::for_app(root, None, root, uid).expect("found")
    }

    #[test]
    fn a_held_lock_names_its_holder_and_is_free_afterwards() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let dir = runtime_dir(temp.path());
        assert_eq!(dir.holder().expect("readable"), None);
        let first = dir.try_lock().expect("free");
        assert_eq!(
            dir.holder().expect("readable"),
            Some(Some(std::process::id()))
        );
        let error = dir.try_lock().expect_err("held");
        assert!(matches!(error, LockError::Held { pid: Some(pid) } if pid == std::process::id()));
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
        let is_held = |lock: &Result<_, _>| matches!(lock, Err(LockError::Held { pid: Some(_) }));
        assert_eq!(results.iter().filter(|lock| is_held(lock)).count(), 49);
    }

    #[test]
    fn the_pid_of_a_killed_instance_does_not_hold_the_lock() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let dir = runtime_dir(temp.path());
        std::fs::write(dir.lock_path(), "1\n").expect("written");
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
        assert!(is_current_file(&lock.file, lock.path()));
        std::fs::remove_file(dir.lock_path()).expect("removed");
        assert!(!is_current_file(&lock.file, lock.path()));
    }
}
