//! Facts about files and directories.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Enough to tell that a limit is too low.
const MAX_DIRECTORIES: u64 = 200_000;

/// The directories of compiled code in the cache.
const COMPILED: [&str; 2] = ["ts", "compile"];

/// The size of the compiled code in a cache, which its limit is about.
pub(super) fn compiled_size(cache: &Path) -> u64 {
    COMPILED.iter().map(|dir| size(&cache.join(dir))).sum()
}

/// The size of all files below a directory. Links are not followed.
pub(super) fn size(dir: &Path) -> u64 {
    let mut total = 0;
    let mut directories = vec![dir.to_path_buf()];
    while let Some(dir) = directories.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => directories.push(entry.path()),
                Ok(found) if found.is_file() => total += found.len(),
                _ => {}
            }
        }
    }
    total
}

/// The number of directories that a watcher of an app needs: without packages and hidden ones.
pub(super) fn watched_directories(root: &Path) -> u64 {
    let mut number = 0;
    let mut directories: Vec<PathBuf> = vec![root.to_path_buf()];
    while let Some(dir) = directories.pop() {
        number += 1;
        if number == MAX_DIRECTORIES {
            break;
        }
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_skipped = name == "node_modules" || name.as_encoded_bytes().starts_with(b".");
            if !is_skipped && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(entry.path());
            }
        }
    }
    number
}

/// Why `XDG_RUNTIME_DIR` is not used, or should not be.
pub(super) fn runtime_dir_problem(dir: &Path) -> Option<String> {
    let uid = rustix::process::getuid().as_raw();
    let shown = dir.display();
    if !dir.is_absolute() {
        return Some(format!("XDG_RUNTIME_DIR={shown} is not absolute"));
    }
    match dir.metadata() {
        Err(error) => Some(format!("XDG_RUNTIME_DIR={shown}: {error}")),
        Ok(found) if !found.is_dir() => Some(format!("XDG_RUNTIME_DIR={shown} is no directory")),
        Ok(found) if found.uid() != uid => {
            let owner = found.uid();
            Some(format!("XDG_RUNTIME_DIR={shown} belongs to user {owner}"))
        }
        Ok(_) => None,
    }
}

/// Why files and directories of an app cannot be used: the directory, what Fulcrum keeps in it, and
/// these files.
pub(super) fn denied<'a>(root: &Path, read: impl Iterator<Item = &'a Path>) -> Vec<String> {
    let mut denied = Vec::new();
    let state = root.join(".fulcrum");
    for dir in [root.to_path_buf(), state.clone(), state.join("logs")] {
        match dir.symlink_metadata() {
            Err(_) => {}
            Ok(_) if !dir.is_dir() => denied.push(format!("{} is no directory", dir.display())),
            Ok(found) if access(&dir, Access::WRITE_OK | Access::EXEC_OK).is_err() => {
                let owner = found.uid();
                denied.push(format!(
                    "{} cannot be written: it belongs to user {owner}",
                    dir.display()
                ));
            }
            Ok(_) => {}
        }
    }
    let unreadable = read.filter(|file| access(*file, Access::READ_OK).is_err());
    denied.extend(unreadable.map(|file| format!("{} cannot be read", file.display())));
    denied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_and_sizes_are_counted_without_packages_and_links() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path();
        for below in ["a/b", "node_modules/x", ".git"] {
            fs::create_dir_all(root.join(below)).expect("a directory");
        }
        fs::write(root.join("a/b/file"), [0; 100]).expect("a file");
        std::os::unix::fs::symlink(root, root.join("a/loop")).expect("a link");
        assert_eq!(watched_directories(root), 3);
        assert_eq!(size(root), 100);
        assert_eq!(size(&root.join("none")), 0);
    }

    #[test]
    fn a_file_in_the_place_of_a_directory_is_found() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join(".fulcrum"), "").expect("a file");
        let found = denied(dir.path(), std::iter::empty());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with(".fulcrum is no directory"));
        assert!(runtime_dir_problem(&dir.path().join(".fulcrum")).is_some());
        assert_eq!(runtime_dir_problem(dir.path()), None);
    }
}
