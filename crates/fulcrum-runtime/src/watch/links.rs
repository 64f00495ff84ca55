//! The other paths of loaded files: those that lead to them through symbolic links.
//!
//! Node identifies a module by its canonical path, so that is what a domain reports. A program that
//! asks for `current/price.js`, where `current` is a link to `v1`, loads `v1/price.js`; when the link
//! is swapped, no file changes that it has loaded. So each link that leads to a loaded file makes
//! another path of that file, which is watched and classified as the file itself is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fulcrum_config::{Domain, Program};
use fulcrum_spawn::prepare::LoadedModules;

/// No more entries of directories are examined than this: links are rare, and a domain may hold
/// many files of data.
const MAX_ENTRIES: usize = 50_000;

/// Directories that hold no code that is edited, or very many files.
const SKIPPED: [&str; 5] = ["node_modules", ".git", ".fulcrum", "coverage", ".cache"];

/// What symbolic links have to do with the files that a domain has loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LoadedLinks {
    /// The paths through links that lead to loaded files.
    pub(crate) paths: BTreeSet<PathBuf>,
    /// Links that lead to files with the names of loaded ones, but not to these. One that is younger
    /// than the process was swapped after it was followed.
    pub(crate) to_others: BTreeSet<PathBuf>,
}

/// What symbolic links have to do with the files that a domain has loaded. Does not block.
pub(crate) async fn links_of(
    files: &LoadedModules,
    app_root: &Path,
    domain_dir: &Path,
) -> LoadedLinks {
    let (app_root, domain_dir) = (app_root.to_owned(), domain_dir.to_owned());
    let loaded = Arc::clone(files);
    let search = move || loaded_links(&app_root, &domain_dir, &loaded);
    // Without an answer, the canonical paths are still known.
    let found = tokio::task::spawn_blocking(search).await;
    found.unwrap_or_default()
}

/// Whether a domain whose directory, or a directory above it, is a link has its entry elsewhere now.
pub(crate) fn entry_has_moved(domain: &Domain) -> bool {
    match &domain.program {
        Program::Node { entry } => has_moved(&domain.dir, entry),
        Program::Command(_) | Program::NoProcess => false,
    }
}

/// `entry` is the canonical path of the entry that runs. One that is outside of the directory on
/// purpose has not moved.
fn has_moved(domain_dir: &Path, entry: &Path) -> bool {
    let Ok(real) = domain_dir.canonicalize() else {
        return false;
    };
    if real == domain_dir || entry.starts_with(&real) {
        return false;
    }
    let parts: Vec<_> = entry.components().collect();
    let ends = (1..parts.len()).map(|start| parts[start..].iter().collect::<PathBuf>());
    ends.into_iter().any(|end| real.join(end).is_file())
}

/// The loaded files of a domain, with their paths through symbolic links.
pub(crate) fn with_links(files: LoadedModules, links: &LoadedLinks) -> LoadedModules {
    if links.paths.is_empty() {
        return files;
    }
    Arc::new(files.union(&links.paths).cloned().collect())
}

/// Searches the links of the files in `loaded`, which are canonical.
///
/// Links are searched for in the directory of the domain, at any depth, and beside the loaded files
/// and each of their parent directories, up to `app_root`. `domain_dir` may itself be a link, or be
/// in a directory that is one. Reads directories, so it may block.
fn loaded_links(app_root: &Path, domain_dir: &Path, loaded: &BTreeSet<PathBuf>) -> LoadedLinks {
    let mut search = LinkSearch {
        loaded,
        found: LoadedLinks::default(),
        entries: 0,
    };
    search.add_link(domain_dir);
    search.search_tree(domain_dir);
    let mut parents: BTreeSet<&Path> = BTreeSet::new();
    for file in loaded {
        let above = file.ancestors().skip(1);
        let within = above.take_while(|dir| dir.starts_with(app_root));
        // Where one is known, so are those above it.
        for dir in within {
            if dir.starts_with(domain_dir) {
                continue;
            }
            if !parents.insert(dir) {
                break;
            }
        }
    }
    for dir in parents {
        search.search_dir(dir);
    }
    search.found
}

struct LinkSearch<'a> {
    loaded: &'a BTreeSet<PathBuf>,
    found: LoadedLinks,
    /// How many entries were examined.
    entries: usize,
}

impl LinkSearch<'_> {
    /// Searches a directory and those below it. Links are not followed, so this ends.
    fn search_tree(&mut self, dir: &Path) {
        let mut pending = vec![dir.to_owned()];
        while let Some(dir) = pending.pop() {
            pending.extend(self.search_dir(&dir));
        }
    }

    /// Searches one directory. Returns the directories in it.
    fn search_dir(&mut self, dir: &Path) -> Vec<PathBuf> {
        let mut dirs = Vec::new();
        let Ok(entries) = fs::read_dir(dir) else {
            return dirs;
        };
        for entry in entries.flatten() {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Vec::new();
            }
            let Ok(file_type) = entry.file_type() else {
                continue;
            };
            let is_skipped = || {
                let name = entry.file_name();
                name.to_str().is_some_and(|name| SKIPPED.contains(&name))
            };
            if file_type.is_symlink() {
                self.add_link(&entry.path());
            } else if file_type.is_dir() && !is_skipped() {
                dirs.push(entry.path());
            }
        }
        dirs
    }

    /// Adds what a link, or a path with a link in it, leads to.
    fn add_link(&mut self, link: &Path) {
        let Ok(target) = link.canonicalize() else {
            return;
        };
        if target == link {
            return;
        }
        let below = self.loaded.range(target.clone()..);
        let below = below.take_while(|file| file.starts_with(&target));
        let paths = below.filter_map(|file| Some(join(link, file.strip_prefix(&target).ok()?)));
        let paths: Vec<PathBuf> = paths.collect();
        if paths.is_empty() && self.resembles_loaded(&target) {
            self.found.to_others.insert(link.to_owned());
        }
        self.found.paths.extend(paths);
    }

    /// Whether a target that is not loaded is a file with the name of a loaded one, or a directory
    /// that has one in the same place.
    fn resembles_loaded(&self, target: &Path) -> bool {
        let is_dir = target.is_dir();
        self.loaded.iter().any(|file| {
            if !is_dir {
                return target.file_name() == file.file_name();
            }
            let parents = file.ancestors().skip(1);
            let mut rests = parents.filter_map(|parent| file.strip_prefix(parent).ok());
            rests.any(|rest| target.join(rest).is_file())
        })
    }
}

/// Joins paths, without a slash at the end where the second is empty.
fn join(base: &Path, rest: &Path) -> PathBuf {
    if rest.as_os_str().is_empty() {
        base.to_owned()
    } else {
        base.join(rest)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A temporary directory with these files and links (`link -> target`).
    fn tree(entries: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path().canonicalize().expect("it exists");
        for entry in entries {
            let (path, target) = entry.split_once(" -> ").unwrap_or((entry, ""));
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("it has one")).expect("created");
            if target.is_empty() {
                fs::write(path, "").expect("written");
            } else {
                symlink(target, path).expect("a link");
            }
        }
        (dir, root)
    }

    /// The other paths of loaded files, relative to the app's directory.
    fn paths(entries: &[&str], loaded: &[&str]) -> Vec<String> {
        let (_dir, root) = tree(entries);
        let loaded = loaded.iter().map(|path| root.join(path)).collect();
        let found = loaded_links(&root, &root.join("domains/users"), &loaded).paths;
        let relative = |path: &PathBuf| {
            let path = path.strip_prefix(&root).expect("in the app");
            path.display().to_string()
        };
        found.iter().map(relative).collect()
    }

    #[test]
    fn a_linked_file_is_known_by_each_link() {
        let entries = [
            "domains/users/v1.js",
            "domains/users/lib/price.js -> ../v1.js",
            "domains/users/other.js",
            "domains/users/unrelated.js -> other.js",
        ];
        assert_eq!(
            paths(&entries, &["domains/users/v1.js"]),
            ["domains/users/lib/price.js"]
        );
    }

    #[test]
    fn files_behind_a_linked_directory_are_known_by_the_link() {
        let entries = [
            "domains/users/v1/a.js",
            "domains/users/v1/lib/b.js",
            "domains/users/v1/unused.js",
            "domains/users/current -> v1",
            "shared/v3/c.js",
            "shared/newest -> v3",
        ];
        let loaded = [
            "domains/users/v1/a.js",
            "domains/users/v1/lib/b.js",
            "shared/v3/c.js",
        ];
        assert_eq!(
            paths(&entries, &loaded),
            [
                "domains/users/current/a.js",
                "domains/users/current/lib/b.js",
                "shared/newest/c.js"
            ]
        );
    }

    /// As Kubernetes mounts a ConfigMap.
    #[test]
    fn a_link_through_a_link_is_known_by_both() {
        let entries = [
            "domains/users/..v1/price.js",
            "domains/users/..data -> ..v1",
            "domains/users/price.js -> ..data/price.js",
        ];
        assert_eq!(
            paths(&entries, &["domains/users/..v1/price.js"]),
            ["domains/users/..data/price.js", "domains/users/price.js"]
        );
    }

    #[test]
    fn files_of_a_linked_domain_are_known_by_its_name() {
        let entries = [
            "releases/v1/domain.js",
            "releases/v1/lib/a.js",
            "domains/users -> ../releases/v1",
        ];
        assert_eq!(
            paths(&entries, &["releases/v1/domain.js", "releases/v1/lib/a.js"]),
            ["domains/users/domain.js", "domains/users/lib/a.js"]
        );
    }

    #[test]
    fn a_link_that_was_swapped_leads_to_a_file_like_the_loaded_one() {
        let (_dir, root) = tree(&[
            "domains/users/v1/lib/a.js",
            "domains/users/v2/lib/a.js",
            "domains/users/current -> v2",
            "domains/users/a.js -> v2/lib/a.js",
            "domains/users/logs/1.log",
            "domains/users/newest -> logs",
        ]);
        let users = root.join("domains/users");
        let found = loaded_links(&root, &users, &BTreeSet::from([users.join("v1/lib/a.js")]));
        let others = ["a.js", "current"].map(|name| users.join(name));
        assert_eq!(found.to_others, BTreeSet::from(others));
        assert_eq!(found.paths, BTreeSet::new());
    }

    #[test]
    fn the_entry_of_a_linked_domain_moves_with_the_link() {
        let (_dir, root) = tree(&[
            "releases/v1/domain.js",
            "releases/v2/domain.js",
            "shared/main.js",
            "domains/users -> ../releases/v1",
            "domains/orders/domain.js",
        ]);
        let users = root.join("domains/users");
        let entry = root.join("releases/v1/domain.js");
        assert!(!has_moved(&users, &entry));
        fs::remove_file(&users).expect("removed");
        symlink("../releases/v2", &users).expect("a link");
        assert!(has_moved(&users, &entry));
        let elsewhere = root.join("shared/main.js");
        assert!(!has_moved(&users, &elsewhere), "on purpose");
        let orders = root.join("domains/orders");
        assert!(!has_moved(&orders, &orders.join("domain.js")));
    }

    #[test]
    fn circular_and_dangling_links_lead_nowhere() {
        let entries = [
            "domains/users/a.js",
            "domains/users/self -> self",
            "domains/users/up -> ..",
            "domains/users/gone -> nothing",
        ];
        assert_eq!(
            paths(&entries, &["domains/users/a.js"]),
            ["domains/users/up/users/a.js"]
        );
    }
}
