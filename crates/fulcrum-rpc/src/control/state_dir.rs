//! `.fulcrum/` in an app: its lock, its logs, and what else an instance keeps.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::process::{Gid, Uid, getuid};

use super::runtime_dir::{STATE_DIR, with_context};

/// Creates `.fulcrum/` in the app at `root`, with a `.gitignore` that excludes all of it.
///
/// Other users can pass through it (mode 0711), so that they can tell who runs the app; they cannot
/// list it, and what must stay private is so by itself. What root creates in another user's app
/// belongs to that user.
///
/// # Errors
/// The directory cannot be created.
pub fn create_state_dir(root: &Path) -> io::Result<PathBuf> {
    let dir = root.join(STATE_DIR);
    match DirBuilder::new().mode(0o711).create(&dir) {
        Ok(()) => give_to_owner_of(root, &dir),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(with_context(&error, "cannot create", &dir)),
    }
    let ignore = dir.join(".gitignore");
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&ignore);
    if let Ok(mut file) = created {
        // Without it the app works as well.
        let _ = file.write_all(b"*\n");
        give_to_owner_of(root, &ignore);
    }
    Ok(dir)
}

/// What `sudo fulcrum dev` creates must not lock out the owner of the app.
pub(super) fn give_to_owner_of(root: &Path, path: &Path) {
    if !getuid().is_root() {
        return;
    }
    if let Ok(owner) = root.metadata()
        && owner.uid() != 0
    {
        let (uid, gid) = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
        // If it fails, the owner falls back as in an app that cannot be written.
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        let _ = rustix::fs::chownat(rustix::fs::CWD, path, Some(uid), Some(gid), flags);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_excludes_itself_from_git() {
        let app = tempfile::tempdir().expect("a directory");
        let dir = create_state_dir(app.path()).expect("created");
        let ignore = dir.join(".gitignore");
        assert_eq!(std::fs::read_to_string(&ignore).expect("there"), "*\n");
        std::fs::write(&ignore, "logs\n").expect("written");
        create_state_dir(app.path()).expect("there");
        assert_eq!(std::fs::read_to_string(&ignore).expect("there"), "logs\n");
    }
}
