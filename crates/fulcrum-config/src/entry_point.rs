//! The entry point of a domain.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, quoted};
use crate::discovered::DiscoveredDomain;
use crate::file::io_error_text;

/// The names that are looked for when none is set.
pub(crate) const NAMES: [&str; 5] = [
    "domain.js",
    "domain.mjs",
    "domain.cjs",
    "domain.ts",
    "domain.mts",
];
const EXTENSIONS: [&str; 6] = ["js", "mjs", "cjs", "ts", "mts", "cts"];

/// The one entry point found by its name; none when there is none.
pub(crate) fn detect(root: &Path, found: &DiscoveredDomain) -> Result<Option<PathBuf>, Diagnostic> {
    let paths: Vec<_> = found
        .entries
        .iter()
        .map(|name| found.display_path.join(name))
        .collect();
    match paths.as_slice() {
        [] => Ok(None),
        [one] => validate(root, &root.join(one))
            .map(Some)
            .map_err(|problem| problem.in_file(one)),
        several => {
            let listed: Vec<_> = several
                .iter()
                .map(|path| quoted(&path.to_string_lossy()))
                .collect();
            Err(Diagnostic::error(
                "two-entries",
                format!(
                    "{} are both here, and only one can be started",
                    listed.join(" and ")
                ),
            )
            .in_file(&found.display_path)
            .hint(format!(
                "say which with `process.entry: {}` in `{}`, or remove the other",
                found.entries[0],
                found.display_path.join("fulcrum.yml").display()
            )))
        }
    }
}

/// The entry point that is set.
pub(crate) fn resolve_configured(
    root: &Path,
    dir: &Path,
    entry: &str,
) -> Result<PathBuf, Diagnostic> {
    let path = dir.join(entry);
    let extension = Path::new(entry)
        .extension()
        .and_then(|extension| extension.to_str());
    if !extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) && !path.is_dir() {
        return Err(Diagnostic::error(
            "bad-entry",
            format!(
                "`process.entry`: {} is nothing that Node can start",
                quoted(entry)
            ),
        )
        .hint(format!(
            "its name must end with one of .{}; other programs are started with `process.command`",
            EXTENSIONS.join(", .")
        )));
    }
    validate(root, &path).map_err(|problem| Diagnostic {
        message: format!("`process.entry`: {} {}", quoted(entry), problem.message),
        ..problem
    })
}

/// Checks a file, and gives its real path.
fn validate(root: &Path, path: &Path) -> Result<PathBuf, Diagnostic> {
    let bad = |message: String| Diagnostic::error("bad-entry", message);
    let real = path
        .canonicalize()
        .map_err(|error| match path.symlink_metadata() {
            Ok(found) if found.is_symlink() => bad(format!(
                "is a symlink that leads nowhere: {}",
                io_error_text(&error)
            ))
            .hint("put a file there, or correct the link"),
            _ => bad(format!("can't be started: {}", io_error_text(&error)))
                .hint("create the file, or correct its name"),
        })?;
    if !real.starts_with(root) {
        return Err(Diagnostic::error(
            "outside-app",
            format!(
                "leads out of the app, to {}",
                quoted(&real.to_string_lossy())
            ),
        )
        .hint("code that is started must be inside the app: copy it there"));
    }
    if !real.is_file() {
        let what = if real.is_dir() {
            "a folder"
        } else {
            "no ordinary file"
        };
        return Err(bad(format!("is {what}")).hint("name the file in it that is to be started"));
    }
    File::open(&real).map_err(|error| {
        bad(format!("can't be read: {}", io_error_text(&error)))
            .hint("give the user that runs fulcrum the right to read it")
    })?;
    Ok(real)
}
