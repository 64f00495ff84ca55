//! Errors of a YAML text.

use serde_saphyr::granit_parser::{ErrorKind, Marker, ScanError};

use crate::node::Position;

/// The deepest nesting, which is more than the schema needs and safe for recursion.
pub(crate) const MAX_NESTING: usize = 64;

/// An error in a text; the caller adds the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct YamlError {
    pub(crate) code: &'static str,
    pub(crate) position: Position,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// Adds a hint for the common mistake `{A: ${B}}`, in which the inner brace opens a map.
pub(crate) fn explain(mut error: YamlError, text: &str) -> YamlError {
    let line = text
        .lines()
        .nth(error.position.line.saturating_sub(1) as usize);
    if error.hint.is_none() && line.is_some_and(|line| line.contains("${")) {
        error.hint = Some("inside `{…}` and `[…]` a value with `${NAME}` needs quotes".into());
    }
    error
}

/// The parser's position, with columns counted from 1.
pub(crate) fn position_of(marker: &Marker) -> Position {
    Position {
        line: u32::try_from(marker.line().max(1)).unwrap_or(u32::MAX),
        column: u32::try_from(marker.col() + 1).unwrap_or(u32::MAX),
    }
}

/// The text is nested deeper than [`MAX_NESTING`].
pub(crate) fn nesting_too_deep(position: Position) -> YamlError {
    YamlError {
        code: "too-deep",
        position,
        message: format!("more than {MAX_NESTING} levels of nesting"),
        hint: None,
    }
}

/// The parser's error, with hints for common mistakes.
pub(crate) fn syntax(error: &ScanError) -> YamlError {
    let position = position_of(error.marker());
    let (message, hint) = match error.kind() {
        ErrorKind::RecursionLimitExceeded => return nesting_too_deep(position),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart => (
            "a tab is used for indentation".to_owned(),
            Some("indent with spaces"),
        ),
        ErrorKind::UnknownAnchor => (
            "this alias refers to no anchor above it".to_owned(),
            Some("mark the value with `&name` first; a text that starts with `*` needs quotes"),
        ),
        ErrorKind::UnclosedQuotedScalar => (
            "a quoted text is not closed".to_owned(),
            Some("add the closing quote"),
        ),
        ErrorKind::UnclosedFlowCollection { open } => (format!("`{open}` is not closed"), None),
        _ => (error.info(), None),
    };
    YamlError {
        code: "yaml-syntax",
        position,
        message: format!("invalid YAML: {message}"),
        hint: hint.map(str::to_owned),
    }
}
