//! The other paths of loaded files: those that lead to them through symbolic links.
//!
//! Node identifies a module by its canonical path, so that is what a domain reports. A program that
//! asks for `current/price.js`, where `current` is a link to `v1`, loads `v1/price.js`; when the link
//! is swapped, no file changes that it has loaded. So each link that leads to a loaded file makes
//! another path of that file, which is watched and classified as the file itself is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// No more entries of directories are examined than this: links are rare, and a domain may hold
/// many files of data.
const MAX_ENTRIES: usize = 50_000;

/// Directories that hold no code that is edited, or very many files.
const SKIPPED: [&str; 5] = ["node_modules", ".git", ".fulcrum", "coverage", ".cache"];

/// The paths through symbolic links of the files in `loaded`, which are canonical.
///
/// Links are searched for in the directory of the domain, at any depth, and beside the loaded files
/// and each of their parent directories, up to `app_root`. `domain_dir` may itself be a link, or be
/// in a directory that is one. Reads directories, so it may block.
pub(crate) fn linked_paths(
    app_root: &Path,
    domain_dir: &Path,
    loaded: &BTreeSet<PathBuf>,
) -> BTreeSet<PathBuf> {
    let mut search = LinkSearch {
        loaded,
        found: BTreeSet::new(),
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
    found: BTreeSet<PathBuf>,
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

    /// Adds the paths of the loaded files that a link, or a path with a link in it, leads to.
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
        self.found.extend(paths);
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
        let found = linked_paths(&root, &root.join("domains/users"), &loaded);
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
