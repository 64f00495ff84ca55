//! What an import returns.

use std::path::PathBuf;

use super::kind::ImportKind;
use crate::diagnostic::Diagnostic;

/// The configuration that says the same as a file of another tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The tool that the file belongs to.
    pub kind: ImportKind,
    /// The directory of the app, absolute and without symlinks.
    pub root: PathBuf,
    /// The files to write.
    pub files: Vec<ImportedFile>,
    /// What was not carried over, or not exactly: a warning each.
    pub notes: Vec<Diagnostic>,
}

/// A file of an [`Import`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFile {
    /// The path, relative to the app root.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}
