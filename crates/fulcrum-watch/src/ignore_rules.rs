//! Which paths of a tree nobody wants to hear of.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::builtin_ignores::{is_ignored_dir, is_ignored_file};
use crate::spec::WatchError;

/// The rules of one tree.
#[derive(Debug)]
pub(crate) struct IgnoreRules {
    /// The tree's root: what is above, and the root itself, isn't asked about.
    root: PathBuf,
    /// Up to here `.gitignore` files hold: the repository, or the app's folder, or the root.
    top: PathBuf,
    /// Those of the spec, strongest first.
    own: [Arc<Gitignore>; 2],
}

/// The `.gitignore` of each folder that was asked about, read once.
#[derive(Debug, Default)]
pub(crate) struct GitignoreCache(HashMap<PathBuf, Option<Arc<Gitignore>>>);

impl GitignoreCache {
    /// Forgets what was read: files may have changed.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    fn of(&mut self, folder: &Path) -> Option<Arc<Gitignore>> {
        if let Some(known) = self.0.get(folder) {
            return known.clone();
        }
        let path = folder.join(".gitignore");
        let read = path.is_file().then(|| Arc::new(Gitignore::new(path).0));
        self.0.insert(folder.to_owned(), read.clone());
        read
    }
}

/// The `.gitignore` files that hold in one folder, the nearest first.
#[derive(Debug)]
pub(crate) struct Chain(Vec<Arc<Gitignore>>);

/// Compiles lines that are relative to a folder.
///
/// # Errors
/// [`WatchError::Glob`].
pub(crate) fn compile(of: &Path, lines: &[String]) -> Result<Arc<Gitignore>, WatchError> {
    let wrong = |line: &str, error: &ignore::Error| WatchError::Glob {
        line: line.to_owned(),
        of: of.to_owned(),
        why: error.to_string(),
    };
    let mut builder = GitignoreBuilder::new(of);
    for line in lines {
        builder
            .add_line(None, line)
            .map_err(|error| wrong(line, &error))?;
    }
    let all = lines.join(" ");
    Ok(Arc::new(
        builder.build().map_err(|error| wrong(&all, &error))?,
    ))
}

impl IgnoreRules {
    pub(crate) fn new(
        root: &Path,
        app_root: &Path,
        tree: Arc<Gitignore>,
        app: Arc<Gitignore>,
    ) -> Self {
        let below = if root.starts_with(app_root) {
            app_root
        } else {
            root
        };
        let repository = below
            .ancestors()
            .find(|folder| folder.join(".git").exists());
        Self {
            root: root.to_owned(),
            top: repository.unwrap_or(below).to_owned(),
            own: [tree, app],
        }
    }

    /// Does the tree want what is at this path, below its root?
    pub(crate) fn is_watched(
        &self,
        path: &Path,
        is_folder: bool,
        files: &mut GitignoreCache,
    ) -> bool {
        let Ok(rest) = path.strip_prefix(&self.root) else {
            return false;
        };
        let mut here = self.root.clone();
        let mut parts = rest.components().peekable();
        while let Some(part) = parts.next() {
            let chain = self.chain(&here, files);
            here.push(part);
            let folder = is_folder || parts.peek().is_some();
            if !self.is_entry_watched(&here, folder, &chain) {
                return false;
            }
        }
        true
    }

    /// What holds in a folder.
    pub(crate) fn chain(&self, folder: &Path, files: &mut GitignoreCache) -> Chain {
        let mut chain = Vec::new();
        for folder in folder.ancestors() {
            chain.extend(files.of(folder));
            if folder == self.top {
                break;
            }
        }
        Chain(chain)
    }

    /// Does the tree want this entry of a folder that it wants?
    pub(crate) fn is_entry_watched(&self, path: &Path, is_folder: bool, chain: &Chain) -> bool {
        let Some(name) = path.file_name() else {
            return false;
        };
        if is_folder && is_ignored_dir(name) || !is_folder && is_ignored_file(name) {
            return false;
        }
        // The nearest list that has an opinion decides.
        for rules in self.own.iter().chain(&chain.0) {
            match rules.matched(path, is_folder) {
                Match::None => {}
                Match::Ignore(_) => return false,
                Match::Whitelist(_) => return true,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn the_nearest_rule_decides_and_the_root_itself_is_not_asked_about() {
        let home = tempfile::tempdir().unwrap();
        let app = home.path();
        let root = app.join("dist");
        fs::create_dir_all(root.join("gen/deep")).unwrap();
        fs::write(app.join(".gitignore"), "dist\n*.gen.js\n/dist/gen\n").unwrap();
        fs::write(root.join(".gitignore"), "!keep.gen.js\n").unwrap();
        let tree = compile(&root, &lines(&["views/**", "!views/live.hbs"])).unwrap();
        let whole = compile(app, &lines(&["*.md"])).unwrap();
        let rules = IgnoreRules::new(&root, app, tree, whole);
        let mut files = GitignoreCache::default();
        let mut want = |path: &str| rules.is_watched(&root.join(path), false, &mut files);
        assert!(want("domain.js"));
        assert!(!want("a.gen.js"));
        assert!(want("keep.gen.js"));
        assert!(!want("gen/deep/a.js"));
        assert!(!want("views/a.hbs"));
        assert!(want("views/live.hbs"));
        assert!(!want("README.md"));
        assert!(!want("node_modules/a/index.js"));
        assert!(!want("src/.git/HEAD"));
    }

    #[test]
    fn a_broken_glob_is_told_with_its_line() {
        let error = compile(Path::new("/app"), &lines(&["ok", "{a"])).unwrap_err();
        assert!(error.to_string().contains("`{a`"), "{error}");
    }
}
