//! Checks of changed files, and of the program that they belong to, each content parsed once.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::content_cache::{Cached, ContentCache};
use super::missing_imports::{CheckedImports, StaticImports};
use super::strip::StripError;
use super::syntax_check::check_syntax;

/// How many files are checked at once. More of them are a checkout, not an edit.
const MAX_FILES: usize = 500;

/// An error in a file that keeps a program from starting.
#[derive(Debug, Clone)]
pub struct SyntaxError {
    /// The error, with file, line and column.
    pub error: StripError,
    /// Whether it was found for the first time.
    pub is_new: bool,
}

/// Checks whether changed code can start, and caches the results by content.
#[derive(Debug, Default)]
pub struct SyntaxChecker {
    results: ContentCache<Option<StripError>>,
    imports: StaticImports,
    /// The last error of each program, by its entry.
    program_errors: Mutex<HashMap<PathBuf, StripError>>,
}

impl SyntaxChecker {
    /// The first syntax error of each file, in the order of the files; at most 500 files are
    /// checked. A file that cannot be read has none: Node reports that. Reads and parses the files,
    /// which may block.
    #[must_use]
    pub fn errors(&self, files: &BTreeSet<PathBuf>) -> Vec<SyntaxError> {
        let files = files.iter().take(MAX_FILES);
        files.filter_map(|path| self.error(path)).collect()
    }

    /// Why the program of this entry cannot start, although each of its files is valid: it imports a
    /// file or a package that does not exist, or one of its files may not be read. Reads and parses
    /// files, which may block.
    #[must_use]
    pub fn program_error(&self, entry: &Path, checked: CheckedImports) -> Option<SyntaxError> {
        let error = self.imports.first_error(entry, checked);
        let mut errors = self
            .program_errors
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(error) = error else {
            errors.remove(entry);
            return None;
        };
        let before = errors.insert(entry.to_owned(), error.clone());
        Some(SyntaxError {
            is_new: before.as_ref() != Some(&error),
            error,
        })
    }

    fn error(&self, path: &Path) -> Option<SyntaxError> {
        let content = fs::read(path).ok()?;
        let check = || check_syntax(path, &content).err();
        let Cached { value, is_new } = self.results.get(path, &content, check);
        value.map(|error| SyntaxError { error, is_new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_new_once_for_each_content() {
        let dir = tempfile::tempdir().unwrap();
        let files = ["a.js", "gone.js"].map(|name| dir.path().join(name));
        let checker = SyntaxChecker::default();
        let save = |text: &str| {
            fs::write(&files[0], text).unwrap();
            let errors = checker.errors(&BTreeSet::from(files.clone()));
            let seen = errors.iter().map(|error| (error.error.line, error.is_new));
            seen.collect::<Vec<_>>()
        };
        assert_eq!(save("a()"), []);
        assert_eq!(save("\na("), [(2, true)]);
        assert_eq!(save("\na("), [(2, false)]);
        assert_eq!(save("a("), [(1, true)]);
        assert_eq!(save("a()"), []);
    }
}
