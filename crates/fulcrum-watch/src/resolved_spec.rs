//! Where what the spec names really is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::change::Key;
use crate::ignore_rules::{GitignoreCache, IgnoreRules, compile};
use crate::spec::absolute;
use crate::spec::{WatchError, WatchSpec};

/// One tree or single file of a spec.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) key: Key,
    /// As the caller named it.
    pub(crate) requested: PathBuf,
    /// Where it is; of a single file, where its name is. Without links above it. `None` while it,
    /// or for a single file its folder, isn't there.
    pub(crate) canonical: Option<PathBuf>,
    /// The rules of a tree; none for a single file.
    pub(crate) rules: Option<IgnoreRules>,
}

/// What is to be watched, ready for use.
#[derive(Debug)]
pub(crate) struct ResolvedSpec {
    app_root: PathBuf,
    pub(crate) roots: Vec<Root>,
    pub(crate) files: GitignoreCache,
    /// Folders that must be watched to see a root come and go.
    pub(crate) parent_dirs: Vec<PathBuf>,
    /// Paths whose coming and going moves a root.
    chain: Vec<PathBuf>,
}

impl ResolvedSpec {
    /// # Errors
    /// [`WatchError::Relative`], [`WatchError::Glob`].
    pub(crate) fn new(spec: &WatchSpec) -> Result<Self, WatchError> {
        absolute(&spec.app_root)?;
        let app = compile(&spec.app_root, &spec.ignore)?;
        let mut roots = Vec::new();
        for tree in &spec.trees {
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

    /// Looks again where everything is.
    pub(crate) fn resolve(&mut self) {
        self.files.clear();
        self.parent_dirs.clear();
        self.chain.clear();
        for root in &mut self.roots {
            let mut way = PathResolver {
                app_root: &self.app_root,
                parent_dirs: &mut self.parent_dirs,
                chain: &mut self.chain,
            };
            root.canonical = if root.rules.is_some() {
                way.follow(&root.requested).filter(|real| real.is_dir())
            } else {
                let folder = root
                    .requested
                    .parent()
                    .and_then(|folder| way.follow(folder));
                let name = root.requested.file_name();
                folder.zip(name).map(|(folder, name)| {
                    way.parent_dirs.push(folder.clone());
                    folder.join(name)
                })
            };
        }
        self.parent_dirs.sort();
        self.parent_dirs.dedup();
        self.chain.sort();
        self.chain.dedup();
    }

    /// Would a root be elsewhere if something came to this path, or went from it?
    pub(crate) fn affects_root(&self, real: &Path) -> bool {
        self.chain
            .binary_search_by(|path| path.as_path().cmp(real))
            .is_ok()
    }

    /// The names by which the spec knows a real path.
    pub(crate) fn requested(&self, real: &Path) -> Vec<PathBuf> {
        let mut names: Vec<PathBuf> = Vec::new();
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
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Whose file is this? Empty if nobody wants it.
    pub(crate) fn keys_for(&mut self, path: &Path) -> Vec<Key> {
        let mut keys = Vec::new();
        for root in &self.roots {
            let wanted = match &root.rules {
                Some(rules) => rules.is_watched(path, false, &mut self.files),
                None => root.requested == path,
            };
            if wanted && !keys.contains(&root.key) {
                keys.push(root.key.clone());
            }
        }
        keys
    }
}

/// The way to a root, component by component.
struct PathResolver<'a> {
    app_root: &'a Path,
    parent_dirs: &'a mut Vec<PathBuf>,
    chain: &'a mut Vec<PathBuf>,
}

impl PathResolver<'_> {
    /// Where the path leads, if anywhere. Notes the folders to watch: the one above the app's, and
    /// those from there on; elsewhere the last one above; any with a link in it that is followed;
    /// and the last that is there if the rest isn't.
    fn follow(&mut self, asked: &Path) -> Option<PathBuf> {
        let is_within = asked.starts_with(self.app_root);
        let top = if is_within { self.app_root } else { asked };
        let mut real = PathBuf::new();
        let mut named = PathBuf::new();
        for part in asked.components() {
            named.push(part);
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
            // The last one above is watched as well: a folder that goes while a process is in it
            // tells only its parent.
            let is_above = Some(named.as_path()) == top.parent();
            if is_above || is_within && named.starts_with(top) {
                self.parent_dirs.push(real.clone());
            }
        }
        Some(real)
    }
}
