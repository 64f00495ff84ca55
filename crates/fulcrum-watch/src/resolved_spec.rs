//! A spec with canonical paths.

use std::fs;
use std::path::{Path, PathBuf};

use crate::change::Key;
use crate::ignore_rules::{GitignoreCache, IgnoreRules, compile};
use crate::spec::absolute;
use crate::spec::{WatchError, WatchSpec};

/// One directory or file of a spec.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) key: Key,
    /// The path in the spec.
    pub(crate) requested: PathBuf,
    /// The canonical path; of a file, the canonical directory with the file's name. `None` while the
    /// directory does not exist.
    pub(crate) canonical: Option<PathBuf>,
    /// The rules of a directory; none for a file.
    pub(crate) rules: Option<IgnoreRules>,
}

/// What is to be watched, with canonical paths.
#[derive(Debug)]
pub(crate) struct ResolvedSpec {
    app_root: PathBuf,
    pub(crate) roots: Vec<Root>,
    pub(crate) files: GitignoreCache,
    /// Directories that must be watched to notice that a root appears or disappears.
    pub(crate) parent_dirs: Vec<PathBuf>,
    /// Paths whose creation or removal changes where a root is.
    chain: Vec<PathBuf>,
}

impl ResolvedSpec {
    /// # Errors
    /// [`WatchError::Relative`], [`WatchError::Glob`].
    pub(crate) fn new(spec: &WatchSpec) -> Result<Self, WatchError> {
        absolute(&spec.app_root)?;
        let app = compile(&spec.app_root, &spec.ignore)?;
        let mut roots = Vec::new();
        for tree in &spec.dirs {
            absolute(&tree.root)?;
            let own = compile(&tree.root, &tree.ignore)?;
            roots.push(Root {
                key: tree.key.clone(),
                requested: tree.root.clone(),
                canonical: None,
                rules: Some(IgnoreRules::new(
                    &tree.root,
                    &spec.app_root,
                    own,
                    app.clone(),
                )),
            });
        }
        for file in &spec.files {
            absolute(&file.path)?;
            roots.push(Root {
                key: file.key.clone(),
                requested: file.path.clone(),
                canonical: None,
                rules: None,
            });
        }
        Ok(Self {
            app_root: spec.app_root.clone(),
            roots,
            files: GitignoreCache::default(),
            parent_dirs: Vec::new(),
            chain: Vec::new(),
        })
    }

    /// Resolves all paths again.
    pub(crate) fn resolve(&mut self) {
        self.files.clear();
        self.parent_dirs.clear();
        self.chain.clear();
        for root in &mut self.roots {
            let mut resolver = PathResolver {
                app_root: &self.app_root,
                parent_dirs: &mut self.parent_dirs,
                chain: &mut self.chain,
            };
            root.canonical = if root.rules.is_some() {
                resolver
                    .follow(&root.requested)
                    .filter(|real| real.is_dir())
            } else {
                let dir = root.requested.parent().and_then(|dir| resolver.follow(dir));
                let name = root.requested.file_name();
                dir.zip(name).map(|(dir, name)| {
                    resolver.parent_dirs.push(dir.clone());
                    dir.join(name)
                })
            };
        }
        self.parent_dirs.sort();
        self.parent_dirs.dedup();
        self.chain.sort();
        self.chain.dedup();
    }

    /// Whether the creation or removal of this path changes where a root is.
    pub(crate) fn affects_root(&self, real: &Path) -> bool {
        self.chain
            .binary_search_by(|path| path.as_path().cmp(real))
            .is_ok()
    }

    /// The paths by which the spec names a canonical path.
    pub(crate) fn requested(&self, real: &Path) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = Vec::new();
        for root in &self.roots {
            let Some(rest) = root
                .canonical
                .as_ref()
                .and_then(|at| real.strip_prefix(at).ok())
            else {
                continue;
            };
            let name = match (&root.rules, rest.as_os_str().is_empty()) {
                (_, true) => root.requested.clone(),
                (Some(_), false) => root.requested.join(rest),
                (None, false) => continue,
            };
            if !paths.contains(&name) {
                paths.push(name);
            }
        }
        paths
    }

    /// The keys that a file belongs to; empty if it is not watched.
    pub(crate) fn keys_for(&mut self, path: &Path) -> Vec<Key> {
        let mut keys = Vec::new();
        for root in &self.roots {
            let is_watched = match &root.rules {
                Some(rules) => rules.is_watched(path, false, &mut self.files),
                None => root.requested == path,
            };
            if is_watched && !keys.contains(&root.key) {
                keys.push(root.key.clone());
            }
        }
        keys
    }
}

/// Resolves the path of a root, component by component.
struct PathResolver<'a> {
    app_root: &'a Path,
    parent_dirs: &'a mut Vec<PathBuf>,
    chain: &'a mut Vec<PathBuf>,
}

impl PathResolver<'_> {
    /// The canonical path, if it exists. Records the directories to watch: within the app, its
    /// parent and all from there on; elsewhere, the parent; each that contains a link that is
    /// followed; and the last that exists, if the rest does not.
    fn follow(&mut self, requested: &Path) -> Option<PathBuf> {
        let is_within = requested.starts_with(self.app_root);
        let top = if is_within { self.app_root } else { requested };
        let mut real = PathBuf::new();
        let mut path = PathBuf::new();
        for part in requested.components() {
            path.push(part);
            let here = real.join(part);
            self.chain.push(here.clone());
            let Ok(meta) = fs::symlink_metadata(&here) else {
                self.parent_dirs.push(real);
                return None;
            };
            if meta.is_symlink() {
                self.parent_dirs.push(real);
                real = fs::canonicalize(&here).ok()?;
            } else {
                real = here;
            }
            // The parent is watched as well: only it is notified of the removal of a directory that
            // a process is still using.
            let is_above = Some(path.as_path()) == top.parent();
            if is_above || is_within && path.starts_with(top) {
                self.parent_dirs.push(real.clone());
            }
        }
        Some(real)
    }
}
