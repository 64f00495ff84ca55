//! Reads a text file within bounds, and parses a `fulcrum.yml`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::diagnostic::{Diagnostic, Location, Severity};
use crate::node::{Node, NodeKind};
use crate::yaml;
use crate::yaml_error::YamlError;

/// The name of a configuration file, in the app's folder and in a domain's.
pub(crate) const CONFIG_FILE: &str = "fulcrum.yml";
/// A name that people try instead.
pub(crate) const MISNAMED_CONFIG_FILE: &str = "fulcrum.yaml";

/// Far more than anyone writes by hand, little enough to read in one go.
const MAX_FILE_SIZE: u64 = 1024 * 1024;

/// Reads a whole text file. `shown` is how it is called in findings.
pub(crate) fn read_text(path: &Path, shown: &Path) -> Result<String, Diagnostic> {
    let unreadable = |error: &io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "create it, or correct its name",
            io::ErrorKind::PermissionDenied => {
                "give the user that runs fulcrum the right to read it"
            }
            _ => "it must be an ordinary, readable file",
        };
        Diagnostic::error(
            "unreadable-file",
            format!("can't be read: {}", io_error_text(error)),
        )
        .in_file(shown)
        .hint(hint)
    };
    // A pipe or a device would block or never end.
    let found = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !found.is_file() {
        let what = if found.is_dir() {
            "a folder"
        } else {
            "no ordinary file"
        };
        return Err(Diagnostic::error("unreadable-file", format!("is {what}"))
            .in_file(shown)
            .hint("it must be an ordinary, readable file"));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_FILE_SIZE {
        return Err(Diagnostic::error("too-large", "is larger than 1 MiB")
            .in_file(shown)
            .hint("is this the right file? A configuration is small"));
    }
    decode(bytes, shown)
}

fn decode(bytes: Vec<u8>, shown: &Path) -> Result<String, Diagnostic> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Diagnostic::error("not-text", "is UTF-16 text")
            .in_file(shown)
            .hint("save it as UTF-8"));
    }
    let place = |before: &[u8]| {
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before
            .iter()
            .rev()
            .take_while(|byte| **byte != b'\n')
            .count()
            + 1;
        Some(Location {
            file: shown.to_owned(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        })
    };
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(Diagnostic::error("not-text", "holds binary data, not text")
            .at(place(&bytes[..at]))
            .hint("is this the right file? It must be UTF-8 text"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(match text.strip_prefix('\u{feff}') {
            Some(text) => text.to_owned(),
            None => text,
        }),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            Err(
                Diagnostic::error("not-text", "holds bytes that are no UTF-8 text")
                    .at(place(&error.as_bytes()[..valid]))
                    .hint("save it as UTF-8"),
            )
        }
    }
}

/// Parses a `fulcrum.yml`: none when it is unusable, which is then among the problems.
///
/// Only what is under `section` is ours: a duplicate key elsewhere is told as a warning.
pub(crate) fn read_config(
    path: &Path,
    shown: &Path,
    section: &str,
    problems: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let text = match read_text(path, shown) {
        Ok(text) => text,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let parsed = match yaml::parse(&text) {
        Ok(parsed) => parsed,
        Err(fault) => {
            problems.push(into_diagnostic(fault, shown));
            return None;
        }
    };
    for duplicate in parsed.duplicates {
        let ours = duplicate
            .section
            .as_deref()
            .is_none_or(|name| name == section);
        let mut problem = into_diagnostic(duplicate.fault, shown);
        if !ours {
            problem.severity = Severity::Warning;
        }
        problems.push(problem);
    }
    match parsed.root.value {
        NodeKind::Mapping(_) => Some(parsed.root),
        NodeKind::Null => Some(Node {
            value: NodeKind::Mapping(Vec::new()),
            ..parsed.root
        }),
        _ => {
            problems.push(
                Diagnostic::error(
                    "wrong-type",
                    format!("the file must hold a map, not {}", parsed.root.kind()),
                )
                .at(Some(location(shown, parsed.root.spot)))
                .hint(format!("begin with a key, such as `{section}:`")),
            );
            None
        }
    }
}

/// A place in a file.
pub(crate) fn location(file: &Path, spot: crate::node::Position) -> Location {
    Location {
        file: file.to_owned(),
        line: spot.line,
        column: spot.column,
    }
}

fn into_diagnostic(fault: YamlError, shown: &Path) -> Diagnostic {
    let mut problem =
        Diagnostic::error(fault.code, fault.message).at(Some(location(shown, fault.position)));
    problem.hint = fault.hint;
    problem
}

/// An I/O error without its number: `permission denied`.
pub(crate) fn io_error_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        // Its `ErrorKind` isn't stable yet, and its number differs between systems.
        _ if error.to_string().contains("symbolic links") => {
            "its symlinks go round in a circle".into()
        }
        _ => error.to_string(),
    }
}
