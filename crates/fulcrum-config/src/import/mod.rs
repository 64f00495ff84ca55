//! Translates the configuration of other process managers: text in, files and notes out.
//!
//! [`import`] reads one file of pm2, docker compose, process-compose, a Procfile or a `package.json`,
//! and returns the `fulcrum.yml` files that say the same, with a note for all that has no
//! counterpart. It writes nothing. The words of these tools are in the table that also answers them
//! in a `fulcrum.yml`.

mod compose;
mod dockerfile;
mod draft;
mod fields;
mod imported;
mod kind;
mod names;
mod output;
mod package_json;
mod pm2;
mod probe;
mod process_compose;
mod procfile;
mod program;
mod source;
#[cfg(test)]
mod tests;
mod text;
mod translation;
mod values;
mod words;

use std::path::{Path, PathBuf};

pub use imported::{Import, ImportedDomain, ImportedFile};
pub use kind::ImportKind;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::file::io_error_text;
use source::Source;
use translation::Translation;

/// What [`import`] reads.
#[derive(Clone, Copy, Debug)]
pub struct ImportRequest<'a> {
    /// The file.
    pub file: &'a Path,
    /// The directory of the app, which may not be one yet; the file's directory if it is not set.
    pub app: Option<&'a Path>,
    /// The value of a JavaScript file as JSON, see [`ImportKind::is_evaluated`].
    pub evaluated: Option<&'a str>,
}

/// Translates a file of another tool.
///
/// # Errors
/// The file cannot be read or parsed, belongs to no tool that is known, or has no program.
pub fn import(request: &ImportRequest<'_>) -> Result<Import, Diagnostic> {
    let file = absolute(request.file)?;
    let dir = file.parent().unwrap_or(Path::new("/")).to_owned();
    let root = match request.app {
        Some(app) => absolute(app)?,
        None => dir.clone(),
    };
    let display = file.strip_prefix(&root).unwrap_or(&file).to_owned();
    let source = Source::read(&file, &display, request.evaluated)?;
    let kind = match ImportKind::of_file(&file) {
        Some(kind) => kind,
        None => source.kind()?,
    };
    let mut translation = Translation::new(root, dir, display);
    match kind {
        ImportKind::Pm2 => pm2::translate(&source, &mut translation)?,
        ImportKind::Compose => compose::translate(&source, &mut translation)?,
        ImportKind::ProcessCompose => process_compose::translate(&source, &mut translation)?,
        ImportKind::Procfile => procfile::translate(&source, &mut translation)?,
        ImportKind::PackageJson => package_json::translate(&source, &mut translation)?,
    }
    if translation.drafts.is_empty() {
        let notes = std::mem::take(&mut translation.notes);
        let reasons: Vec<String> = notes.into_iter().map(|note| note.message).collect();
        let mut error =
            Diagnostic::error(Code::NoProgram, "contains no program that Fulcrum can run")
                .in_file(translation.display);
        if !reasons.is_empty() {
            error = error.hint(reasons.join("; "));
        }
        return Err(error);
    }
    Ok(output::finish(kind, translation))
}

/// The path without symlinks in its directories; the file itself may be a link.
fn absolute(path: &Path) -> Result<PathBuf, Diagnostic> {
    let unreadable = |error: std::io::Error| {
        Diagnostic::error(
            Code::UnreadableFile,
            format!("cannot be read: {}", io_error_text(&error)),
        )
        .in_file(path)
        .hint("name the file of the other tool, or correct its path")
    };
    let full = std::path::absolute(path).map_err(unreadable)?;
    full.symlink_metadata().map_err(unreadable)?;
    match (full.parent(), full.file_name()) {
        (Some(parent), Some(name)) if !full.is_dir() => {
            Ok(parent.canonicalize().map_err(unreadable)?.join(name))
        }
        _ => full.canonicalize().map_err(unreadable),
    }
}
