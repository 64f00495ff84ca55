//! The top level of a file: what is ours, what is another tool's, what is a slip of the pen.

use std::path::Path;

use crate::diagnostic::{Diagnostic, quoted};
use crate::file::location;
use crate::node::{Entry, Node, NodeKind};
use crate::schema;
use crate::suggest::likely_typo;

/// Which file a top level is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FileKind {
    App,
    Domain,
}

impl FileKind {
    /// The key whose settings are ours in this file.
    pub(crate) fn section(self) -> &'static str {
        match self {
            Self::App => "runtime",
            Self::Domain => "process",
        }
    }
}

/// Reports keys that are in the wrong file or on the wrong level. All others are left alone:
/// they belong to other Fulcrum tools.
pub(crate) fn check(root: &Node, level: FileKind, file: &Path, problems: &mut Vec<Diagnostic>) {
    let NodeKind::Mapping(entries) = &root.value else {
        return;
    };
    for entry in entries {
        if let Some(problem) = diagnose(entry, level) {
            problems.push(problem.at(Some(location(file, entry.spot))));
        }
    }
}

fn diagnose(entry: &Entry, level: FileKind) -> Option<Diagnostic> {
    let key = entry.key.as_str();
    let own = level.section();
    match (level, key) {
        (_, key) if key == own => return None,
        (FileKind::App, "process") => {
            return Some(
                Diagnostic::error(
                    "misplaced-key",
                    "`process` belongs in a domain's file, not in the app's",
                )
                .hint("settings for every domain go under `runtime.defaults`"),
            );
        }
        (FileKind::Domain, "runtime") => {
            return Some(
                Diagnostic::error(
                    "misplaced-key",
                    "`runtime` belongs in the app's file, not in a domain's",
                )
                .hint("move it there; what is for this domain alone goes under `process`"),
            );
        }
        _ => {}
    }
    let unread = |meant: &str| {
        Diagnostic::warning(
            "unknown-key",
            format!(
                "{} does nothing at the top level: did you mean `{meant}`?",
                quoted(key)
            ),
        )
    };
    if likely_typo(key, [own]).is_some() {
        return Some(unread(own).hint(format!("rename it to `{own}`")));
    }
    let meant = match level {
        FileKind::App => likely_typo(key, ["domains", "grpc", "defaults", "standby"]),
        FileKind::Domain => likely_typo(key, schema::names(schema::PROCESS)),
    }?;
    Some(unread(&format!("{own}.{meant}")).hint(format!("move it under `{own}:` as `{meant}`")))
}
