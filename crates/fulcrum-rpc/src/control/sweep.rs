//! Removes the directories of instances that are dead: of apps that were deleted or moved, and of
//! tests. Each start makes one, and only its own app would remove what is in it.

use std::fs::{self, File, ReadDir};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::runtime_dir::{LOCK, RuntimeDir, SOCKET};

/// A directory that was used since then is kept: its app may be started again.
const MIN_AGE: Duration = Duration::from_hours(24);

/// The record of a killed instance tells the next start which processes it may have left.
const MIN_AGE_WITH_RECORD: Duration = Duration::from_hours(24 * 30);

/// The most directories that one start removes.
const MAX_REMOVED: usize = 20_000;

impl RuntimeDir {
    /// Removes the directories of other apps whose instances are dead, wherever this user's instances
    /// have them: those that no process holds the lock of, whose socket nobody answers, and that were
    /// not used for a day. Returns their number. Blocks; what cannot be removed remains.
    pub fn sweep(&self, now: SystemTime) -> usize {
        let mut removed = 0;
        for base in self.bases() {
            for dir in app_dirs(&base, self.uid()) {
                if removed == MAX_REMOVED {
                    return removed;
                }
                let is_own = dir.file_name() == self.dir().file_name();
                if !is_own && is_old(&dir, now) && self.remove_dead(&dir) {
                    removed += 1;
                }
            }
        }
        removed
    }

    /// Sweeps as [`Self::sweep`] does, on a thread that nobody waits for.
    #[expect(
        clippy::disallowed_methods,
        reason = "the age of files is measured where they are read; the decision takes the time as an argument"
    )]
    pub fn sweep_in_background(&self) {
        let dir = self.clone();
        let thread = std::thread::Builder::new().name("directory sweep".to_owned());
        // Without it, the next instance sweeps.
        drop(thread.spawn(move || dir.sweep(SystemTime::now())));
    }

    /// The directories that contain those of apps: of the socket, and of the locks outside of apps.
    fn bases(&self) -> Vec<PathBuf> {
        let dirs = self
            .fallback_locks()
            .iter()
            .filter_map(|lock| lock.parent());
        let mut bases: Vec<PathBuf> = dirs
            .chain([self.dir()])
            .filter_map(Path::parent)
            .map(Path::to_owned)
            .collect();
        bases.sort();
        bases.dedup();
        bases
    }

    /// Removes a directory unless its instance lives. Its locks are held meanwhile, and whoever waits
    /// for one notices that the file is gone.
    fn remove_dead(&self, dir: &Path) -> bool {
        let Some(name) = dir.file_name() else {
            return false;
        };
        let elsewhere = self.fallback_locks().iter().filter_map(|lock| {
            let base = lock.parent()?.parent()?;
            Some(base.join(name).join(LOCK))
        });
        let mut held = Vec::new();
        for lock in elsewhere.chain([dir.join(LOCK)]) {
            match File::open(&lock) {
                // A second lock of the same file by this process would be refused.
                Ok(file) if held.iter().any(|other| is_same(other, &file)) => {}
                Ok(file) if file.try_lock().is_ok() => held.push(file),
                Ok(_) => return false,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(_) => return false,
            }
        }
        // The lock of an app that can be written lies in the app.
        let is_answered = UnixStream::connect(dir.join(SOCKET)).is_ok();
        !is_answered && fs::remove_dir_all(dir).is_ok()
    }
}

fn is_same(a: &File, b: &File) -> bool {
    let identity = |file: &File| file.metadata().map(|found| (found.dev(), found.ino())).ok();
    identity(a) == identity(b)
}

/// The directories of apps in a private directory of the user.
fn app_dirs(base: &Path, uid: u32) -> impl Iterator<Item = PathBuf> {
    let is_own = base
        .symlink_metadata()
        .is_ok_and(|found| found.is_dir() && found.uid() == uid);
    let entries: Option<ReadDir> = is_own.then(|| fs::read_dir(base).ok()).flatten();
    entries.into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name();
        let name = name.to_str()?;
        let is_hash = name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_hash && entry.file_type().ok()?.is_dir()).then(|| entry.path())
    })
}

/// Whether neither the directory nor a file in it was changed within the last day.
fn is_old(dir: &Path, now: SystemTime) -> bool {
    let is_older = |path: &Path, min_age| {
        let changed = path.symlink_metadata().and_then(|found| found.modified());
        changed.is_ok_and(|changed| now.duration_since(changed).is_ok_and(|age| age > min_age))
    };
    if !is_older(dir, MIN_AGE) {
        return false;
    }
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    let has_record = paths.iter().any(|path| path.ends_with("record"));
    let min_age = match has_record {
        true => MIN_AGE_WITH_RECORD,
        false => MIN_AGE,
    };
    paths.iter().all(|path| is_older(path, min_age))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "files have the time of the system"
    )]
    fn only_old_directories_of_dead_instances_are_removed() {
        let temp = tempfile::tempdir().expect("a directory");
        let app = temp.path().join("app");
        fs::create_dir(&app).expect("created");
        let uid = rustix::process::getuid().as_raw();
        let locks = temp.path().join("locks");
        let dir = RuntimeDir::for_app(&app, None, temp.path(), uid).expect("an app");
        let dir = dir.with_fallback(&locks);
        dir.prepare().expect("prepared");
        let base = dir.dir().parent().expect("a base").to_owned();
        let other = |name: &str| {
            let path = base.join(name);
            fs::create_dir_all(path.join("modules")).expect("created");
            path
        };
        let free = other("0123456789abcdef");
        File::create(free.join(LOCK)).expect("created");
        let held = other("00000000000000aa");
        let lock = File::create(held.join(LOCK)).expect("created");
        lock.try_lock().expect("locked");
        let answered = other("00000000000000bb");
        let _listener = UnixListener::bind(answered.join(SOCKET)).expect("bound");
        let left = other("00000000000000cc");
        drop(UnixListener::bind(left.join(SOCKET)).expect("bound"));
        let recorded = other("00000000000000dd");
        File::create(recorded.join("record")).expect("created");
        let foreign = other("something");

        let now = SystemTime::now();
        assert_eq!(dir.sweep(now), 0, "nothing is a day old");
        assert_eq!(dir.sweep(now + Duration::from_hours(25)), 2);
        assert!(!free.exists() && !left.exists());
        for kept in [&held, &answered, &recorded, &foreign] {
            assert!(kept.exists(), "{}", kept.display());
        }
        assert!(dir.dir().exists(), "its own");
        drop(lock);
        assert_eq!(dir.sweep(now + Duration::from_hours(24 * 31)), 2);
    }
}
