//! The top level of a file: Fulcrum's own section, keys of other tools, and typos.

use std::path::Path;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::file::location;
use crate::node::{Entry, Node, NodeKind};
use crate::schema;
use crate::suggest::likely_typo;

/// The kind of a configuration file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FileKind {
    App,
    Domain,
}

impl FileKind {
    /// The key of Fulcrum's own settings in this file.
    pub(crate) fn section(self) -> &'static str {
        match self {
            Self::App => "runtime",
            Self::Domain => "process",
        }
    }
}

/// Reports keys that are in the wrong file or on the wrong level. All other keys belong to other
/// Fulcrum tools.
pub(crate) fn check(root: &Node, kind: FileKind, file: &Path, diagnostics: &mut Vec<Diagnostic>) {
    let NodeKind::Mapping(entries) = &root.value else {
        return;
    };
    for entry in entries {
        if let Some(diagnostic) = diagnose(entry, kind) {
            diagnostics.push(diagnostic.at(Some(location(file, entry.position))));
        }
    }
}

fn diagnose(entry: &Entry, kind: FileKind) -> Option<Diagnostic> {
    let key = entry.key.as_str();
    let section = kind.section();
    match (kind, key) {
        (_, key) if key == section => return None,
        (FileKind::App, "process") => {
            return Some(
                Diagnostic::error(
                    Code::MisplacedKey,
                    "`process` belongs in a domain's file, not in the app's",
                )
                .hint("settings for every domain go under `runtime.defaults`"),
            );
        }
        (FileKind::Domain, "runtime") => {
            return Some(
                Diagnostic::error(
                    Code::MisplacedKey,
                    "`runtime` belongs in the app's file, not in a domain's",
                )
                .hint("move it there; settings of this domain go under `process`"),
            );
        }
        _ => {}
    }
    let no_effect = |suggestion: &str| {
        Diagnostic::warning(
            Code::UnknownKey,
            format!(
                "{} has no effect at the top level: did you mean `{suggestion}`?",
                quoted(key)
            ),
        )
    };
    if likely_typo(key, [section]).is_some() {
        return Some(no_effect(section).hint(format!("rename it to `{section}`")));
    }
    let suggestion = match kind {
        FileKind::App => likely_typo(key, ["domains", "grpc", "defaults", "standby"]),
        FileKind::Domain => likely_typo(key, schema::names(schema::PROCESS)),
    }?;
    Some(
        no_effect(&format!("{section}.{suggestion}"))
            .hint(format!("move it under `{section}:` as `{suggestion}`")),
    )
}
