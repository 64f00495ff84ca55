//! A cgroup v2 folder as a set of processes: who is in it, whether anybody is, and their end.
//!
//! Membership is inherited by fork and can't be left by `setsid`, a second fork or a cleared
//! environment, so it is exact where the other ways are good guesses. Everything here includes the
//! folders below: a domain may make some of its own.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Ends everybody in the folder and below by SIGKILL, at once and without a way to fork out of it.
///
/// # Errors
/// There is no such folder, its kernel has no `cgroup.kill` (before 5.14), or it may not be
/// written.
pub(crate) fn kill(path: &Path) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(path.join("cgroup.kill"))?
        .write_all(b"1")
}

/// The processes in the folder and below, without zombies. Empty where there is no such folder.
pub(crate) fn members(path: &Path) -> Vec<u32> {
    let mut found = Vec::new();
    for folder in subtree(path) {
        let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
        // A process of another pid namespace is shown as 0.
        let pids = text.lines().filter_map(|line| line.parse().ok());
        found.extend(pids.filter(|pid: &u32| *pid != 0));
    }
    found
}

/// Removes the folder, and those below it first. One that is gone is as good as removed.
///
/// # Errors
/// Somebody lives in it, or it may not be removed.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    for folder in subtree(path).into_iter().rev() {
        match fs::remove_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Whether anybody but zombies is in the folder or below. False where there is no such folder.
pub(crate) fn populated(path: &Path) -> bool {
    fs::read_to_string(path.join("cgroup.events"))
        .is_ok_and(|events| events.lines().any(|line| line == "populated 1"))
}

/// Whether a child of ours that is unreaped, dead or alive, is in the folder. A name for a run and
/// one for a life are enough to tell, wherever the tree is mounted.
pub(super) fn contains(path: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let place = text.lines().find_map(|line| line.strip_prefix("0::"));
    let mut names = path.iter().rev();
    let mut there = place.map(Path::new).into_iter().flat_map(Path::iter).rev();
    (0..2).all(|_| match (names.next(), there.next()) {
        (Some(name), Some(part)) => name == part,
        _ => false,
    })
}

/// The folder and all below, each before its own children.
fn subtree(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![path.to_owned()];
    let mut next = 0;
    while let Some(folder) = found.get(next) {
        let below = fs::read_dir(folder).into_iter().flatten().flatten();
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
    fn folder(parent: &Path, name: &str, procs: &str) -> PathBuf {
        let path = parent.join(name);
        fs::create_dir(&path).expect("a folder");
        fs::write(path.join("cgroup.procs"), procs).expect("a file");
        path
    }

    #[test]
    fn members_are_those_of_all_folders_below_but_not_those_of_other_namespaces() {
        let root = tempfile::tempdir().expect("a folder");
        let top = folder(root.path(), "life", "12\n0\n");
        let inner = folder(&top, "nested", "");
        folder(&inner, "deeper", "31\n30\n");
        let mut found = members(&top);
        found.sort_unstable();
        assert_eq!(found, [12, 30, 31]);
        assert!(members(&root.path().join("missing")).is_empty());
    }

    #[test]
    fn folders_are_removed_from_the_innermost_and_a_missing_one_is_no_error() {
        let root = tempfile::tempdir().expect("a folder");
        let top = root.path().join("run");
        fs::create_dir_all(top.join("life/nested")).expect("folders");
        fs::create_dir_all(top.join("other")).expect("folders");
        remove(&top).expect("removed");
        assert!(!top.exists());
        remove(&top).expect("nothing to remove");
    }

    #[test]
    fn only_the_events_file_says_that_somebody_is_in() {
        let root = tempfile::tempdir().expect("a folder");
        assert!(!populated(root.path()));
        fs::write(root.path().join("cgroup.events"), "populated 0\nfrozen 0\n").expect("a file");
        assert!(!populated(root.path()));
        fs::write(root.path().join("cgroup.events"), "populated 1\nfrozen 0\n").expect("a file");
        assert!(populated(root.path()));
    }
}
