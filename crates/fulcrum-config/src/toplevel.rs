//! The top level of a file: what is ours, what is another tool's, what is a slip of the pen.

use std::path::Path;

use crate::file::place;
use crate::node::{Content, Entry, Node};
use crate::problem::{Problem, quoted};
use crate::schema;
use crate::suggest::slip;

/// Which file a top level is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Level {
    App,
    Domain,
}

impl Level {
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
pub(crate) fn check(root: &Node, level: Level, file: &Path, problems: &mut Vec<Problem>) {
    let Content::Map(entries) = &root.value else {
        return;
    };
    for entry in entries {
        if let Some(problem) = finding(entry, level) {
            problems.push(problem.at(Some(place(file, entry.spot))));
        }
    }
}

fn finding(entry: &Entry, level: Level) -> Option<Problem> {
    let key = entry.key.as_str();
    let own = level.section();
    match (level, key) {
        (_, key) if key == own => return None,
        (Level::App, "process") => {
            return Some(
                Problem::error(
                    "misplaced-key",
                    "`process` belongs in a domain's file, not in the app's",
                )
                .hint("settings for every domain go under `runtime.defaults`"),
            );
        }
        (Level::Domain, "runtime") => {
            return Some(
                Problem::error(
                    "misplaced-key",
                    "`runtime` belongs in the app's file, not in a domain's",
                )
                .hint("move it there; what is for this domain alone goes under `process`"),
            );
        }
        _ => {}
    }
    let unread = |meant: &str| {
        Problem::warning(
            "unknown-key",
            format!(
                "{} does nothing at the top level: did you mean `{meant}`?",
                quoted(key)
            ),
        )
    };
    if slip(key, [own]).is_some() {
        return Some(unread(own).hint(format!("rename it to `{own}`")));
    }
    let meant = match level {
        Level::App => slip(key, ["domains", "grpc", "defaults", "standby"]),
        Level::Domain => slip(key, schema::names(schema::PROCESS)),
    }?;
    Some(unread(&format!("{own}.{meant}")).hint(format!("move it under `{own}:` as `{meant}`")))
}
