//! Which paths below a watched directory are ignored.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::builtin_ignores::{is_ignored_dir, is_ignored_file};
use crate::spec::WatchError;

/// The rules of one watched directory.
#[derive(Debug)]
pub(crate) struct IgnoreRules {
    /// The watched directory. No rule applies to it or to what is above it.
    root: PathBuf,
    /// The topmost directory whose `.gitignore` applies: the repository, the app, or the root.
    top: PathBuf,
    /// The rules of the spec, in order of precedence.
    own: [Arc<Gitignore>; 2],
}

/// The `.gitignore` of each directory that was inspected, read once.
#[derive(Debug, Default)]
pub(crate) struct GitignoreCache(HashMap<PathBuf, Option<Arc<Gitignore>>>);

impl GitignoreCache {
    /// Discards all cached files, since they may have changed.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    fn get_or_read(&mut self, dir: &Path) -> Option<Arc<Gitignore>> {
        if let Some(known) = self.0.get(dir) {
            return known.clone();
        }
        let path = dir.join(".gitignore");
        let read = path.is_file().then(|| Arc::new(Gitignore::new(path).0));
        self.0.insert(dir.to_owned(), read.clone());
        read
    }
}

/// The `.gitignore` files that apply in one directory, the nearest first.
#[derive(Debug)]
pub(crate) struct Chain(Vec<Arc<Gitignore>>);

/// Compiles `.gitignore` lines that are relative to a directory.
///
/// # Errors
/// [`WatchError::Glob`].
pub(crate) fn compile(dir: &Path, lines: &[String]) -> Result<Arc<Gitignore>, WatchError> {
    let invalid = |line: &str, error: &ignore::Error| WatchError::Glob {
        line: line.to_owned(),
        dir: dir.to_owned(),
        reason: error.to_string(),
    };
    let mut builder = GitignoreBuilder::new(dir);
    for line in lines {
        builder
            .add_line(None, line)
            .map_err(|error| invalid(line, &error))?;
    }
    let all = lines.join(" ");
    Ok(Arc::new(
        builder.build().map_err(|error| invalid(&all, &error))?,
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
        let repository = below.ancestors().find(|dir| dir.join(".git").exists());
        Self {
            root: root.to_owned(),
            top: repository.unwrap_or(below).to_owned(),
            own: [tree, app],
        }
    }

    /// Whether the path, which is below the root, is watched.
    pub(crate) fn is_watched(&self, path: &Path, is_dir: bool, files: &mut GitignoreCache) -> bool {
        let Ok(rest) = path.strip_prefix(&self.root) else {
            return false;
        };
        let mut here = self.root.clone();
        let mut parts = rest.components().peekable();
        while let Some(part) = parts.next() {
            let chain = self.chain(&here, files);
            here.push(part);
            let dir = is_dir || parts.peek().is_some();
            if !self.is_entry_watched(&here, dir, &chain) {
                return false;
            }
        }
        true
    }

    /// The `.gitignore` files that apply in a directory.
    pub(crate) fn chain(&self, dir: &Path, files: &mut GitignoreCache) -> Chain {
        let mut chain = Vec::new();
        for dir in dir.ancestors() {
            chain.extend(files.get_or_read(dir));
            if dir == self.top {
                break;
            }
        }
        Chain(chain)
    }

    /// Whether an entry of a watched directory is watched.
    pub(crate) fn is_entry_watched(&self, path: &Path, is_dir: bool, chain: &Chain) -> bool {
        let Some(name) = path.file_name() else {
            return false;
        };
        if is_dir && is_ignored_dir(name) || !is_dir && is_ignored_file(name) {
            return false;
        }
        // The nearest rules that match decide.
        for rules in self.own.iter().chain(&chain.0) {
            match rules.matched(path, is_dir) {
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
    fn the_nearest_rule_decides_and_none_applies_to_the_root() {
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
        let mut is_watched = |path: &str| rules.is_watched(&root.join(path), false, &mut files);
        assert!(is_watched("domain.js"));
        assert!(!is_watched("a.gen.js"));
        assert!(is_watched("keep.gen.js"));
        assert!(!is_watched("gen/deep/a.js"));
        assert!(!is_watched("views/a.hbs"));
        assert!(is_watched("views/live.hbs"));
        assert!(!is_watched("README.md"));
        assert!(!is_watched("node_modules/a/index.js"));
        assert!(!is_watched("src/.git/HEAD"));
    }

    #[test]
    fn the_error_of_an_invalid_glob_names_its_line() {
        let error = compile(Path::new("/app"), &lines(&["ok", "{a"])).unwrap_err();
        assert!(error.to_string().contains("`{a`"), "{error}");
    }
}
