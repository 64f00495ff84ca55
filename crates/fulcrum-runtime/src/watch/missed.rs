//! Changes that no notification tells of, since they were made before the file was watched.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tokio::time::Instant;

use crate::watch::file_time::{link_changed_at, modified_at};
use crate::watch::links::LoadedLinks;

/// The loaded files, and the links to others, that were changed after the process was spawned that
/// has loaded them. Must be asked once they are watched: then no later change is missed.
///
/// `before` is what was known to be loaded, and watched, until now. Reads the times of files, so it
/// may block for a moment.
pub(crate) fn missed_changes(
    domain_dir: &Path,
    before: Option<&BTreeSet<PathBuf>>,
    loaded: &BTreeSet<PathBuf>,
    links: &LoadedLinks,
    spawned: Instant,
    now: Instant,
) -> Vec<PathBuf> {
    // The domain's own directory is always watched.
    let is_new = |path: &&PathBuf| {
        let was_known = before.is_some_and(|before| before.contains(*path));
        !was_known && !path.starts_with(domain_dir)
    };
    let is_later = |at: Option<Instant>| at.is_some_and(|at| at > spawned);
    let files = loaded.iter().filter(is_new);
    let mut missed: Vec<PathBuf> = files
        .filter(|path| is_later(modified_at(path, now)))
        .cloned()
        .collect();
    if before != Some(loaded) {
        let links = links.to_others.iter();
        let swapped = links.filter(|link| is_later(link_changed_at(link, now)));
        missed.extend(swapped.cloned());
    }
    missed
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_is_newly_loaded_and_younger_than_the_process_was_missed() {
        let app = tempfile::tempdir().expect("a directory");
        let file = |name: &str| {
            let path = app.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("created");
            fs::write(&path, "").expect("written");
            path
        };
        let (known, new) = (file("lib/known.js"), file("lib/new.js"));
        let own = file("users/domain.js");
        let gone = app.path().join("lib/gone.js");
        let before = BTreeSet::from([known.clone()]);
        let loaded = BTreeSet::from([known, new.clone(), own, gone]);
        let missed = |before: Option<&BTreeSet<PathBuf>>, spawned: Instant| {
            let dir = app.path().join("users");
            let links = LoadedLinks::default();
            missed_changes(&dir, before, &loaded, &links, spawned, Instant::now())
        };
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        let earlier = now.checked_sub(minute).expect("the machine runs longer");
        assert_eq!(missed(Some(&before), earlier), [new]);
        assert_eq!(missed(None, earlier).len(), 2);
        assert_eq!(missed(None, now + minute), Vec::<PathBuf>::new());
    }
}
