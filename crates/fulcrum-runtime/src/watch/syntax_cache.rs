//! Whether changed files are code at all, each content looked at once.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use fulcrum_spawn::prepare::{StripError, check_syntax};

/// As many files of one reload are looked at. More than this is a checkout, which nobody has typed.
const MOST: usize = 500;

/// A fault in a file, and whether it has been told before.
#[derive(Debug, Clone)]
pub(crate) struct SyntaxError {
    pub(crate) error: StripError,
    pub(crate) is_new: bool,
}

/// Looks at files, and remembers what it has found.
#[derive(Debug, Default)]
pub(crate) struct SyntaxChecker(Mutex<HashMap<PathBuf, CachedResult>>);

#[derive(Debug)]
struct CachedResult {
    /// Of the content.
    hash: u64,
    fault: Option<StripError>,
}

impl SyntaxChecker {
    /// The faults of these files, in order; of those that aren't there any more none. May block.
    pub(crate) fn faults(&self, files: &BTreeSet<PathBuf>) -> Vec<SyntaxError> {
        let files = files.iter().take(MOST);
        files.filter_map(|path| self.fault(path)).collect()
    }

    fn fault(&self, path: &Path) -> Option<SyntaxError> {
        // One that can't be read is Node's to complain about.
        let content = fs::read(path).ok()?;
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let hash = hasher.finish();
        if let Some(known) = self.known().get(path).filter(|known| known.hash == hash) {
            let error = known.fault.clone()?;
            return Some(SyntaxError {
                error,
                is_new: false,
            });
        }
        let fault = check_syntax(path, &content).err();
        let known = CachedResult {
            hash,
            fault: fault.clone(),
        };
        self.known().insert(path.to_owned(), known);
        Some(SyntaxError {
            error: fault?,
            is_new: true,
        })
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, CachedResult>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_new_once_for_each_content() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let files = ["a.js", "gone.js"].map(|name| folder.path().join(name));
        let checker = SyntaxChecker::default();
        let saved = |text: &str| {
            fs::write(&files[0], text).expect("writable");
            let faults = checker.faults(&BTreeSet::from(files.clone()));
            let told = faults.iter().map(|fault| (fault.error.line, fault.is_new));
            told.collect::<Vec<_>>()
        };
        assert_eq!(saved("a()"), []);
        assert_eq!(saved("\na("), [(2, true)]);
        assert_eq!(saved("\na("), [(2, false)]);
        assert_eq!(saved("a("), [(1, true)]);
        assert_eq!(saved("a()"), []);
    }
}
