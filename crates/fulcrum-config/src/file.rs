//! Reads text files of bounded size, and parses a `fulcrum.yml`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, Location, Severity};
use crate::node::{Node, NodeKind};
use crate::yaml;
use crate::yaml_error::YamlError;

/// The name of a configuration file, in the app's directory and in a domain's.
pub(crate) const CONFIG_FILE: &str = "fulcrum.yml";
/// A common mistake for [`CONFIG_FILE`].
pub(crate) const MISNAMED_CONFIG_FILE: &str = "fulcrum.yaml";

/// In bytes; far more than any configuration needs.
const MAX_FILE_SIZE: u64 = 1024 * 1024;

/// Reads a text file. `display_path` is its path in diagnostics.
pub(crate) fn read_text(path: &Path, display_path: &Path) -> Result<String, Diagnostic> {
    let unreadable = |error: &io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "create it, or correct its name",
            io::ErrorKind::PermissionDenied => "grant the user that runs fulcrum read permission",
            _ => "it must be a regular, readable file",
        };
        Diagnostic::error(
            Code::UnreadableFile,
            format!("cannot be read: {}", io_error_text(error)),
        )
        .in_file(display_path)
        .hint(hint)
    };
    // Reading a pipe or a device may block or never end.
    let found = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !found.is_file() {
        let kind = if found.is_dir() {
            "a directory"
        } else {
            "not a regular file"
        };
        return Err(
            Diagnostic::error(Code::UnreadableFile, format!("is {kind}"))
                .in_file(display_path)
                .hint("it must be a regular, readable file"),
        );
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_FILE_SIZE {
        return Err(Diagnostic::error(Code::TooLarge, "is larger than 1 MiB")
            .in_file(display_path)
            .hint("is this the right file? Configuration files are small"));
    }
    decode(bytes, display_path)
}

fn decode(bytes: Vec<u8>, display_path: &Path) -> Result<String, Diagnostic> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Diagnostic::error(Code::NotText, "is UTF-16 text")
            .in_file(display_path)
            .hint("save it as UTF-8"));
    }
    let location_after = |before: &[u8]| {
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before
            .iter()
            .rev()
            .take_while(|byte| **byte != b'\n')
            .count()
            + 1;
        Some(Location {
            file: display_path.to_owned(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        })
    };
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(
            Diagnostic::error(Code::NotText, "contains binary data, not text")
                .at(location_after(&bytes[..at]))
                .hint("is this the right file? It must be UTF-8 text"),
        );
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(match text.strip_prefix('\u{feff}') {
            Some(text) => text.to_owned(),
            None => text,
        }),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            Err(Diagnostic::error(Code::NotText, "is not valid UTF-8")
                .at(location_after(&error.as_bytes()[..valid]))
                .hint("save it as UTF-8"))
        }
    }
}

/// Parses a `fulcrum.yml`; none if it is unusable, which is reported.
///
/// Only `section` is Fulcrum's own: a duplicate key or an unusual space elsewhere is a
/// warning.
pub(crate) fn read_config(
    path: &Path,
    display_path: &Path,
    section: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let text = match read_text(path, display_path) {
        Ok(text) => text,
        Err(diagnostic) => {
            diagnostics.push(diagnostic);
            return None;
        }
    };
    let parsed = match yaml::parse(&text) {
        Ok(parsed) => parsed,
        Err(error) => {
            diagnostics.push(into_diagnostic(error, display_path));
            return None;
        }
    };
    for found in parsed.errors {
        let is_own_section = found.section.as_deref().is_none_or(|name| name == section);
        // Other tools may give a meaning to their tags.
        if !is_own_section && found.error.code == Code::UnknownTag {
            continue;
        }
        let mut diagnostic = into_diagnostic(found.error, display_path);
        if !is_own_section {
            diagnostic.severity = Severity::Warning;
        }
        diagnostics.push(diagnostic);
    }
    match parsed.root.value {
        NodeKind::Mapping(_) => Some(parsed.root),
        NodeKind::Null => Some(Node {
            value: NodeKind::Mapping(Vec::new()),
            ..parsed.root
        }),
        _ => {
            diagnostics.push(
                Diagnostic::error(
                    Code::WrongType,
                    format!(
                        "expected a map at the top level, found {}",
                        parsed.root.kind()
                    ),
                )
                .at(Some(location(display_path, parsed.root.position)))
                .hint(format!("start with a key, such as `{section}:`")),
            );
            None
        }
    }
}

/// The path without `.` and `..`, by its text alone.
pub(crate) fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

/// The location of a position in a file.
pub(crate) fn location(file: &Path, position: crate::node::Position) -> Location {
    Location {
        file: file.to_owned(),
        line: position.line,
        column: position.column,
    }
}

fn into_diagnostic(error: YamlError, display_path: &Path) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(error.code, error.message)
        .at(Some(location(display_path, error.position)));
    diagnostic.hint = error.hint;
    diagnostic
}

/// The text of an I/O error without its number: `permission denied`.
pub(crate) fn io_error_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        // Its `ErrorKind` is not stable yet, and its number differs between systems.
        _ if error.to_string().contains("symbolic links") => "its symlinks form a loop".into(),
        _ => error.to_string(),
    }
}
