//! A file that is to be written.

use std::path::PathBuf;

/// A file of an app: where it belongs, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScaffoldFile {
    /// The path, relative to the app's root.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
}

impl ScaffoldFile {
    pub(crate) fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }
}

/// What became of a [`ScaffoldFile`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// The path, relative to the app's root.
    pub path: PathBuf,
    /// Whether it was written; a file that existed is not changed.
    pub is_new: bool,
}
