//! The entry point of a domain.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::discover::Found;
use crate::file::reason;
use crate::problem::{Problem, quoted};

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
pub(crate) fn discovered(root: &Path, found: &Found) -> Result<Option<PathBuf>, Problem> {
    let paths: Vec<_> = found
        .entries
        .iter()
        .map(|name| found.shown.join(name))
        .collect();
    match paths.as_slice() {
        [] => Ok(None),
        [one] => usable(root, &root.join(one))
            .map(Some)
            .map_err(|problem| problem.in_file(one)),
        several => {
            let listed: Vec<_> = several
                .iter()
                .map(|path| quoted(&path.to_string_lossy()))
                .collect();
            Err(Problem::error(
                "two-entries",
                format!(
                    "{} are both here, and only one can be started",
                    listed.join(" and ")
                ),
            )
            .in_file(&found.shown)
            .hint(format!(
                "say which with `process.entry: {}` in `{}`, or remove the other",
                found.entries[0],
                found.shown.join("fulcrum.yml").display()
            )))
        }
    }
}

/// The entry point that is set.
pub(crate) fn set(root: &Path, dir: &Path, entry: &str) -> Result<PathBuf, Problem> {
    let path = dir.join(entry);
    let extension = Path::new(entry)
        .extension()
        .and_then(|extension| extension.to_str());
    if !extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) && !path.is_dir() {
        return Err(Problem::error(
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
    usable(root, &path).map_err(|problem| Problem {
        message: format!("`process.entry`: {} {}", quoted(entry), problem.message),
        ..problem
    })
}

/// Checks a file, and gives its real path.
fn usable(root: &Path, path: &Path) -> Result<PathBuf, Problem> {
    let bad = |message: String| Problem::error("bad-entry", message);
    let real = path
        .canonicalize()
        .map_err(|error| match path.symlink_metadata() {
            Ok(found) if found.is_symlink() => bad(format!(
                "is a symlink that leads nowhere: {}",
                reason(&error)
            ))
            .hint("put a file there, or correct the link"),
            _ => bad(format!("can't be started: {}", reason(&error)))
                .hint("create the file, or correct its name"),
        })?;
    if !real.starts_with(root) {
        return Err(Problem::error(
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
        bad(format!("can't be read: {}", reason(&error)))
            .hint("give the user that runs fulcrum the right to read it")
    })?;
    Ok(real)
}
