//! A cgroup v2 directory as a set of processes.
//!
//! Membership is inherited by fork and cannot be left by `setsid`, a second fork or a cleared
//! environment, so it is exact where the other ways are heuristics. Everything here includes
//! subdirectories: a domain may create its own.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Kills every process in the directory and below with SIGKILL, atomically: no process can escape
/// by fork.
///
/// # Errors
/// There is no such directory, its kernel has no `cgroup.kill` (before 5.14), or it may not be
/// written.
pub(crate) fn kill(path: &Path) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(path.join("cgroup.kill"))?
        .write_all(b"1")
}

/// The processes in the directory and below, without zombies. Empty if there is no such directory.
pub(crate) fn members(path: &Path) -> Vec<u32> {
    let mut found = Vec::new();
    for dir in subtree(path) {
        let text = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
        // A process of another pid namespace is shown as 0.
        let pids = text.lines().filter_map(|line| line.parse().ok());
        found.extend(pids.filter(|pid: &u32| *pid != 0));
    }
    found
}

/// Removes the directory after those below it. A missing directory is not an error.
///
/// # Errors
/// A process is in it, or it may not be removed.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    for dir in subtree(path).into_iter().rev() {
        match fs::remove_dir(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Whether any process but zombies is in the directory or below. False if there is no such
/// directory.
pub(crate) fn populated(path: &Path) -> bool {
    fs::read_to_string(path.join("cgroup.events"))
        .is_ok_and(|events| events.lines().any(|line| line == "populated 1"))
}

/// Whether an unreaped child, running or zombie, is in the directory. The names of run and
/// generation suffice, wherever the hierarchy is mounted.
pub(super) fn contains(path: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let own = text.lines().find_map(|line| line.strip_prefix("0::"));
    let mut names = path.iter().rev();
    let mut there = own.map(Path::new).into_iter().flat_map(Path::iter).rev();
    (0..2).all(|_| match (names.next(), there.next()) {
        (Some(name), Some(part)) => name == part,
        _ => false,
    })
}

/// The directory and all below, each before its own children.
fn subtree(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![path.to_owned()];
    let mut next = 0;
    while let Some(dir) = found.get(next) {
        let below = fs::read_dir(dir).into_iter().flatten().flatten();
        let below: Vec<PathBuf> = below
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .collect();
        found.extend(below);
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files alone, without the kernel behind them.
    fn dir(parent: &Path, name: &str, procs: &str) -> PathBuf {
        let path = parent.join(name);
        fs::create_dir(&path).expect("a directory");
        fs::write(path.join("cgroup.procs"), procs).expect("a file");
        path
    }

    #[test]
    fn members_include_subdirectories_but_not_other_pid_namespaces() {
        let root = tempfile::tempdir().expect("a directory");
        let top = dir(root.path(), "generation", "12\n0\n");
        let inner = dir(&top, "nested", "");
        dir(&inner, "deeper", "31\n30\n");
        let mut found = members(&top);
        found.sort_unstable();
        assert_eq!(found, [12, 30, 31]);
        assert!(members(&root.path().join("missing")).is_empty());
    }

    #[test]
    fn directories_are_removed_innermost_first_and_a_missing_one_is_no_error() {
        let root = tempfile::tempdir().expect("a directory");
        let top = root.path().join("run");
        fs::create_dir_all(top.join("generation/nested")).expect("directories");
        fs::create_dir_all(top.join("other")).expect("directories");
        remove(&top).expect("removed");
        assert!(!top.exists());
        remove(&top).expect("nothing to remove");
    }

    #[test]
    fn populated_follows_the_events_file() {
        let root = tempfile::tempdir().expect("a directory");
        assert!(!populated(root.path()));
        fs::write(root.path().join("cgroup.events"), "populated 0\nfrozen 0\n").expect("a file");
        assert!(!populated(root.path()));
        fs::write(root.path().join("cgroup.events"), "populated 1\nfrozen 0\n").expect("a file");
        assert!(populated(root.path()));
    }
}
