//! What is collected while a file is translated.

use std::path::{Path, PathBuf};

use super::draft::{Draft, relative};
use super::names::domain_name;
use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::file::location;
use crate::node::Position;

/// The domains and notes so far.
pub(super) struct Translation {
    /// The app's directory.
    pub(super) root: PathBuf,
    /// The directory of the file, to which its paths are relative.
    pub(super) dir: PathBuf,
    /// The file in messages.
    pub(super) display: PathBuf,
    pub(super) drafts: Vec<Draft>,
    pub(super) notes: Vec<Diagnostic>,
    /// The names of the other tool, and those of domains.
    names: Vec<(String, String)>,
}

impl Translation {
    pub(super) fn new(root: PathBuf, dir: PathBuf, display: PathBuf) -> Self {
        Self {
            root,
            dir,
            display,
            drafts: Vec::new(),
            notes: Vec::new(),
            names: Vec::new(),
        }
    }

    /// A domain for a program of the other tool, which runs in the file's directory unless it says
    /// otherwise. A name that is none here is changed, with a note.
    pub(super) fn draft(&mut self, name: &str, position: Position) -> Draft {
        let taken: Vec<&str> = self.names.iter().map(|(_, taken)| taken.as_str()).collect();
        let here = domain_name(name, &taken);
        if here != name {
            let message = format!("{} is the domain {}", quoted(name), quoted(&here));
            self.note(position, message, "names are letters, digits, `-` and `_`");
        }
        self.names.push((name.to_owned(), here.clone()));
        Draft::new(name, here, position, self.dir.clone())
    }

    /// The domain of a name of the other tool, if it has become one.
    pub(super) fn domain_of(&self, name: &str) -> Option<&str> {
        let (_, here) = self.names.iter().find(|(source, _)| source == name)?;
        let is_written = self.drafts.iter().any(|draft| draft.name == *here);
        is_written.then_some(here)
    }

    /// Says that something is not carried over, or not exactly.
    pub(super) fn note(
        &mut self,
        position: Position,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let hint = hint.into();
        let mut note = Diagnostic::warning(Code::NotImported, message)
            .at(Some(location(&self.display, position)));
        if !hint.is_empty() {
            note = note.hint(hint);
        }
        self.notes.push(note);
    }

    /// Says that a field of a program is not carried over.
    pub(super) fn skip(
        &mut self,
        draft: &Draft,
        field: &str,
        position: Position,
        why: &str,
        hint: &str,
    ) {
        let message = format!(
            "{}: `{field}` is not carried over: {why}",
            draft.source_name
        );
        self.note(position, message, hint);
    }

    /// A path of the file as a domain's file writes it.
    pub(super) fn path_for(&self, draft: &Draft, path: &Path) -> String {
        relative(&self.root, &draft.dir(), path)
    }
}
