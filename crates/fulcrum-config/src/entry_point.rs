//! The entry point of a domain.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::discovered::DiscoveredDomain;
use crate::file::{io_error_text, normalize};

/// The file names that are searched if no entry point is configured.
pub(crate) const NAMES: [&str; 5] = [
    "domain.js",
    "domain.mjs",
    "domain.cjs",
    "domain.ts",
    "domain.mts",
];
/// The extensions of files that Node runs.
pub(crate) const EXTENSIONS: [&str; 6] = ["js", "mjs", "cjs", "ts", "mts", "cts"];

/// The entry point found by its name; none if there is none.
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
            .map_err(|diagnostic| diagnostic.in_file(one)),
        several => {
            let listed: Vec<_> = several
                .iter()
                .map(|path| quoted(&path.to_string_lossy()))
                .collect();
            Err(Diagnostic::error(
                Code::TwoEntries,
                format!(
                    "{} both exist, but a domain has one entry point",
                    listed.join(" and ")
                ),
            )
            .in_file(&found.display_path)
            .hint(format!(
                "set `process.entry: {}` in `{}`, or remove the other",
                found.entries[0],
                found.display_path.join("fulcrum.yml").display()
            )))
        }
    }
}

/// The configured entry point.
pub(crate) fn resolve_configured(
    root: &Path,
    dir: &Path,
    entry: &str,
) -> Result<PathBuf, Diagnostic> {
    let path = dir.join(entry);
    // Told first: whether such a file exists, and what it is, does not matter then.
    if let Some(normal) = outside(root, &path) {
        let message = format!(
            "`process.entry`: {} is outside the app, at {}",
            quoted(entry),
            quoted(&normal.to_string_lossy())
        );
        return Err(Diagnostic::error(Code::OutsideApp, message).hint(
            "the entry point must be inside the app: copy it there, or use `process.command`",
        ));
    }
    let extension = Path::new(entry)
        .extension()
        .and_then(|extension| extension.to_str());
    if !extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) && !path.is_dir() {
        return Err(Diagnostic::error(
            Code::BadEntry,
            format!(
                "`process.entry`: {} is not a file that Node can run",
                quoted(entry)
            ),
        )
        .hint(format!(
            "its name must end with one of .{}; run other programs with `process.command`",
            EXTENSIONS.join(", .")
        )));
    }
    validate(root, &path).map_err(|diagnostic| Diagnostic {
        message: format!("`process.entry`: {} {}", quoted(entry), diagnostic.message),
        ..diagnostic
    })
}

/// The path without `.` and `..`, if it is outside the root by its text alone.
fn outside(root: &Path, path: &Path) -> Option<PathBuf> {
    let normal = normalize(path);
    // An absolute path may lead into the app through a link.
    let is_inside = |path: &Path| path.starts_with(root);
    let inside_by_link = normal.canonicalize().is_ok_and(|real| is_inside(&real));
    (!is_inside(&normal) && !inside_by_link).then_some(normal)
}

/// Checks a file, and returns its canonical path.
fn validate(root: &Path, path: &Path) -> Result<PathBuf, Diagnostic> {
    let bad = |message: String| Diagnostic::error(Code::BadEntry, message);
    let real = path
        .canonicalize()
        .map_err(|error| match path.symlink_metadata() {
            Ok(found) if found.is_symlink() => {
                bad(format!("is a dangling symlink: {}", io_error_text(&error)))
                    .hint("create the target, or correct the link")
            }
            _ => bad(format!("cannot be run: {}", io_error_text(&error)))
                .hint("create the file, or correct its name"),
        })?;
    if !real.starts_with(root) {
        return Err(Diagnostic::error(
            Code::OutsideApp,
            format!("is outside the app, at {}", quoted(&real.to_string_lossy())),
        )
        .hint("the entry point must be inside the app: copy it there"));
    }
    if !real.is_file() {
        let what = if real.is_dir() {
            "a directory"
        } else {
            "not a regular file"
        };
        return Err(bad(format!("is {what}")).hint("set the path of the file to run"));
    }
    File::open(&real).map_err(|error| {
        bad(format!("cannot be read: {}", io_error_text(&error)))
            .hint("grant the user that runs fulcrum read permission")
    })?;
    Ok(real)
}
