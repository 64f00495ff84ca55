//! Whether Git is changing the files of a working tree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The locks that Git holds while it changes a working tree: a checkout, a merge, a rebase or a pull
/// writes its files while `index.lock` exists in the repository. A file that was left behind by a
/// Git that was killed looks the same, so a caller must not wait for ever.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RepositoryLocks {
    files: BTreeSet<PathBuf>,
}

impl RepositoryLocks {
    /// The locks of the repositories that contain these directories; a directory without a
    /// repository has none.
    pub fn of<'a>(dirs: impl IntoIterator<Item = &'a Path>) -> Self {
        let git_dirs = dirs.into_iter().filter_map(git_dir);
        Self {
            files: git_dirs.map(|dir| dir.join("index.lock")).collect(),
        }
    }

    /// Whether one of them is held now. Costs a system call for each repository.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.files.iter().any(|file| file.exists())
    }
}

/// Where the repository of a directory keeps the index of its working tree.
fn git_dir(dir: &Path) -> Option<PathBuf> {
    let entry = |dir: &Path| Some(dir.join(".git")).filter(|entry| entry.exists());
    let entry = dir.ancestors().find_map(entry)?;
    if entry.is_dir() {
        return Some(entry);
    }
    // In a linked working tree and in a submodule it is a file with the path.
    let text = fs::read_to_string(&entry).ok()?;
    let path = text.strip_prefix("gitdir:")?.trim();
    Some(entry.parent()?.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_of_the_nearest_repository_counts() {
        let dir = tempfile::tempdir().expect("a directory");
        let app = dir.path().join("repository/app");
        fs::create_dir_all(&app).expect("a directory");
        assert!(!RepositoryLocks::of([app.as_path()]).is_held());
        let git = dir.path().join("repository/.git");
        fs::create_dir(&git).expect("a directory");
        let locks = RepositoryLocks::of([app.as_path()]);
        assert!(!locks.is_held());
        fs::write(git.join("index.lock"), "").expect("writable");
        assert!(locks.is_held());
        fs::remove_file(git.join("index.lock")).expect("removed");
        assert!(!locks.is_held());
    }

    #[test]
    fn a_linked_working_tree_has_its_own_lock() {
        let dir = tempfile::tempdir().expect("a directory");
        let tree = dir.path().join("tree");
        let git = dir.path().join("main/.git/worktrees/tree");
        fs::create_dir_all(&tree).expect("a directory");
        fs::create_dir_all(&git).expect("a directory");
        fs::write(tree.join(".git"), "gitdir: ../main/.git/worktrees/tree\n").expect("writable");
        fs::write(git.join("index.lock"), "").expect("writable");
        assert!(RepositoryLocks::of([tree.as_path()]).is_held());
    }
}
