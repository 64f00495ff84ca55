//! What was found in files, computed once for each content.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The last result of each file, with the content that it belongs to. A file that is saved twice
/// within the resolution of file times has the same size and time, so only its content tells.
#[derive(Debug)]
pub(super) struct ContentCache<T> {
    entries: Mutex<HashMap<PathBuf, Entry<T>>>,
}

#[derive(Debug)]
struct Entry<T> {
    content_hash: u64,
    value: T,
}

/// A result.
pub(super) struct Cached<T> {
    pub(super) value: T,
    /// Whether it was computed now.
    pub(super) is_new: bool,
}

impl<T> Default for ContentCache<T> {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
        }
    }
}

impl<T: Clone> ContentCache<T> {
    /// The result of `compute` for this content of a file. Others can use the cache meanwhile.
    pub(super) fn get(
        &self,
        path: &Path,
        content: &[u8],
        compute: impl FnOnce() -> T,
    ) -> Cached<T> {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let content_hash = hasher.finish();
        let known = self
            .entries()
            .get(path)
            .and_then(|entry| (entry.content_hash == content_hash).then(|| entry.value.clone()));
        if let Some(value) = known {
            let is_new = false;
            return Cached { value, is_new };
        }
        let value = compute();
        let entry = Entry {
            content_hash,
            value: value.clone(),
        };
        self.entries().insert(path.to_owned(), entry);
        let is_new = true;
        Cached { value, is_new }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<PathBuf, Entry<T>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_is_computed_once() {
        let cache = ContentCache::default();
        let mut computed = 0;
        let mut get = |path: &str, content: &str| {
            let found = cache.get(Path::new(path), content.as_bytes(), || {
                computed += 1;
                computed
            });
            (found.value, found.is_new)
        };
        assert_eq!(get("a.js", "1"), (1, true));
        assert_eq!(get("a.js", "1"), (1, false));
        assert_eq!(get("b.js", "1"), (2, true));
        // The same size, as after a save within the resolution of file times.
        assert_eq!(get("a.js", "2"), (3, true));
        assert_eq!(get("a.js", "1"), (4, true));
    }
}
