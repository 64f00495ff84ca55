//! What an import returns.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::kind::ImportKind;
use crate::diagnostic::Diagnostic;

/// The configuration that says the same as a file of another tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The tool that the file belongs to.
    pub kind: ImportKind,
    /// The directory of the app, absolute and without symlinks.
    pub root: PathBuf,
    /// The files to write: the app's own, and one a domain.
    pub files: Vec<ImportedFile>,
    /// What was carried over, in the order of the files.
    pub domains: Vec<ImportedDomain>,
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

/// A domain of an [`Import`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedDomain {
    /// The name of the domain.
    pub name: String,
    /// Its name in the other tool.
    pub source_name: String,
    /// The path of its file, relative to the app root.
    pub file: PathBuf,
    /// The settings that were carried over: `process:` of its file.
    pub process: Map<String, Value>,
}
