//! The lock that makes a process the instance of an app.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::RuntimeDir;
use super::runtime_dir::with_context;

/// How often a lock that is held is looked at before it counts as held. A client that
/// finds out whether an instance lives holds it for some microseconds, and a new instance
/// needs a moment to write down its pid.
const LOCK_ATTEMPTS: u32 = 10;
/// How many looks it takes in any case.
const MIN_LOCK_ATTEMPTS: u32 = 3;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// The lock of an app's instance, held until this is dropped or the process ends, however
/// it ends.
#[derive(Debug)]
pub struct InstanceLock {
    file: File,
    path: PathBuf,
}

/// Why a process can't be the instance.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process is.
    #[error("this app already runs{}", pid.map_or_else(String::new, |pid| format!(" (pid {pid})")))]
    Held {
        /// Which one, where it could be told.
        pid: Option<u32>,
    },
    /// The lock's file can't be used.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl RuntimeDir {
    /// Becomes the app's instance.
    ///
    /// Where another process is, this takes up to 100 ms to be sure of it, on the calling
    /// thread.
    ///
    /// # Errors
    /// Where another process is the instance, or the file can't be used.
    #[expect(
        clippy::disallowed_methods,
        reason = "no event tells when a lock is let go, and waiting in flock could last for ever"
    )]
    pub fn try_lock(&self) -> Result<InstanceLock, LockError> {
        let path = self.lock_path();
        for look in 1.. {
            let mut file = open(&path)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if !is_current_file(&file, &path) => {
                    // Somebody removed the file between open and lock: it proves nothing.
                }
                Ok(()) => {
                    write_pid(&mut file).map_err(|error| {
                        with_context(&error, "the lock", &path, "can't be written")
                    })?;
                    return Ok(InstanceLock { file, path });
                }
                Err(Errno::WOULDBLOCK) => {
                    let pid = read_pid(&mut file).filter(|pid| is_alive(*pid));
                    if look >= LOCK_ATTEMPTS || (look >= MIN_LOCK_ATTEMPTS && pid.is_some()) {
                        return Err(LockError::Held { pid });
                    }
                    std::thread::sleep(PAUSE);
                }
                Err(errno) => {
                    return Err(
                        with_context(&errno.into(), "the lock", &path, "can't be taken").into(),
                    );
                }
            }
        }
        unreachable!("the looks are unlimited")
    }

    /// Whether the app has an instance, by its lock: `None` where it has none, else its pid
    /// where it could be read.
    pub(crate) fn holder(&self) -> io::Result<Option<Option<u32>>> {
        let mut file = match File::open(self.lock_path()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            // Closing the file gives it back.
            Ok(()) => Ok(None),
            Err(Errno::WOULDBLOCK) => Ok(Some(read_pid(&mut file))),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl InstanceLock {
    /// The locked file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for InstanceLock {
    fn drop(&mut self) {
        // The next one to look shall not read our pid; the file stays, since removing it
        // would take the lock from whoever waits for it.
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
        // The standard library adds CLOEXEC: no child inherits the lock.
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(|error| with_context(&error, "the lock", path, "can't be opened"))
}

/// Whether this open file is the one that others find under its path.
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
    // Without its line end it is still being written.
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

    fn runtime_dir(folder: &Path) -> RuntimeDir {
        let uid = rustix::process::getuid().as_raw();
        RuntimeDir::for_app(folder, None, folder, uid).expect("found")
    }

    #[test]
    fn the_second_is_told_who_is_first_and_gets_it_afterwards() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let dir = runtime_dir(folder.path());
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
    fn of_fifty_at_once_one_wins() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let dir = runtime_dir(folder.path());
        let start = Barrier::new(50);
        let won: Vec<_> = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..50)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        dir.try_lock()
                    })
                })
                .collect();
            racers
                .into_iter()
                .map(|racer| racer.join().expect("no panic"))
                .collect()
        });
        assert_eq!(won.iter().filter(|lock| lock.is_ok()).count(), 1);
        let told = |lock: &Result<_, _>| matches!(lock, Err(LockError::Held { pid: Some(_) }));
        assert_eq!(won.iter().filter(|lock| told(lock)).count(), 49);
    }

    #[test]
    fn a_pid_left_by_a_killed_instance_keeps_nobody_out() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let dir = runtime_dir(folder.path());
        std::fs::write(dir.lock_path(), "1\n").expect("written");
        assert_eq!(dir.holder().expect("readable"), None);
        dir.try_lock().expect("not held");
    }

    #[test]
    fn clients_that_look_keep_no_instance_from_starting() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let dir = runtime_dir(folder.path());
        dir.try_lock().expect("makes the file");
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    dir.holder().expect("readable");
                    std::thread::yield_now();
                }
            });
            for _ in 0..20 {
                let taken = dir.try_lock();
                assert!(taken.is_ok(), "{taken:?}");
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }

    #[test]
    fn a_lock_on_a_removed_file_is_none() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let dir = runtime_dir(folder.path());
        let lock = dir.try_lock().expect("free");
        assert!(is_current_file(&lock.file, lock.path()));
        std::fs::remove_file(dir.lock_path()).expect("removed");
        assert!(!is_current_file(&lock.file, lock.path()));
    }
}
