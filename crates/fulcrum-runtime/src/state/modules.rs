//! Which files a domain has loaded, so that a change of one restarts who imports it.
//!
//! The bootstrap in a domain's process writes the paths into a file of the instance's own folder
//! (`sdk/node/src/bootstrap/modules.ts`): a side channel that works before a registration, and for
//! code that never comes to one. It is read when somebody asks, so a process that tells costs
//! nothing until then. What a new life has told replaces what is known of the last one; until
//! then that holds, so that code which fails before it can tell is still watched.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::state::domain::DomainState;

/// The files of one domain, symbolic links resolved. Packages aren't among them.
pub(crate) type LoadedModules = Arc<BTreeSet<PathBuf>>;

/// The folder in which domains tell, below the instance's own; emptied of what an earlier instance
/// has left there.
///
/// # Errors
/// It can't be made.
pub fn report_dir(runtime: &Path) -> io::Result<PathBuf> {
    let folder = runtime.join("modules");
    remove_report_dir(&folder);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    Ok(folder)
}

/// Removes the folder at the end of the instance.
pub fn remove_report_dir(folder: &Path) {
    // It may never have been there; what can't be removed is when the next instance begins.
    let _ = fs::remove_dir_all(folder);
}

/// Where a domain tells.
pub(crate) fn file(folder: &Path, domain: &str) -> PathBuf {
    folder.join(domain)
}

/// Reads what a domain has told in its file, and puts it on its desk. May block, for the time that
/// reading a small file takes.
pub(crate) fn refresh(desk: &DomainState, file: &Path) {
    let told = fs::read(file).map(|text| parse(&text)).unwrap_or_default();
    desk.loaded_modules.send_if_modified(|known| {
        let news = !told.is_empty() && known.as_deref() != Some(&told);
        if news {
            *known = Some(Arc::new(told));
        }
        news
    });
}

/// A path a line; the last one may be about to be written.
fn parse(text: &[u8]) -> BTreeSet<PathBuf> {
    let whole = text.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    text[..whole]
        .split(|byte| *byte == b'\n')
        .map(|line| Path::new(OsStr::from_bytes(line)))
        .filter(|path| path.is_absolute())
        .map(Path::to_path_buf)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::domain::DomainStates;

    fn set(paths: &[&str]) -> BTreeSet<PathBuf> {
        paths.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn what_a_life_has_told_holds_until_the_next_one_tells() {
        let runtime = tempfile::tempdir().expect("a folder");
        let folder = report_dir(runtime.path()).expect("made");
        let file = file(&folder, "users");
        let desks = DomainStates::default();
        desks.add(["users"].into_iter());
        let desk = &*desks.get("users").expect("it was set up");
        let known = || {
            refresh(desk, &file);
            desk.loaded_modules.borrow().as_deref().cloned()
        };
        assert_eq!(known(), None);
        fs::write(&file, "/app/a.js\n/app/lib/b.js\n/app/lib/unfin").expect("told");
        assert_eq!(known(), Some(set(&["/app/a.js", "/app/lib/b.js"])));
        // A life that begins has told nothing yet.
        fs::write(&file, "").expect("emptied");
        assert_eq!(known().map(|set| set.len()), Some(2));
        fs::write(&file, "/app/a.js\n").expect("told");
        assert_eq!(known(), Some(set(&["/app/a.js"])));
        remove_report_dir(&folder);
        assert_eq!(known(), Some(set(&["/app/a.js"])));
    }
}
