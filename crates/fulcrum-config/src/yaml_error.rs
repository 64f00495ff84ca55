//! What can be wrong with a YAML text, in words.

use serde_saphyr::granit_parser::{ErrorKind, Marker, ScanError};

use crate::node::Position;

/// Deeper than any schema here, shallow enough to recurse on.
pub(crate) const DEEPEST: usize = 64;

/// A finding about the text; the caller knows the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct YamlError {
    pub(crate) code: &'static str,
    pub(crate) position: Position,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// `{A: ${B}}` is what everybody writes first: to YAML the inner brace opens a map.
pub(crate) fn explain(mut fault: YamlError, text: &str) -> YamlError {
    let line = text
        .lines()
        .nth(fault.position.line.saturating_sub(1) as usize);
    if fault.hint.is_none() && line.is_some_and(|line| line.contains("${")) {
        fault.hint = Some("inside `{…}` and `[…]` a value with `${NAME}` needs quotes".into());
    }
    fault
}

/// A parser's place, its columns counted from 1.
pub(crate) fn position_of(marker: &Marker) -> Position {
    Position {
        line: u32::try_from(marker.line().max(1)).unwrap_or(u32::MAX),
        column: u32::try_from(marker.col() + 1).unwrap_or(u32::MAX),
    }
}

/// The text nests deeper than [`DEEPEST`].
pub(crate) fn nesting_too_deep(spot: Position) -> YamlError {
    YamlError {
        code: "too-deep",
        position: spot,
        message: format!("more than {DEEPEST} levels of nesting"),
        hint: None,
    }
}

/// The parser's finding, in words that help with what people get wrong most.
pub(crate) fn syntax(error: &ScanError) -> YamlError {
    let spot = position_of(error.marker());
    let (message, hint) = match error.kind() {
        ErrorKind::RecursionLimitExceeded => return nesting_too_deep(spot),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart => (
            "a tab is used to indent".to_owned(),
            Some("YAML indents with spaces only"),
        ),
        ErrorKind::UnknownAnchor => (
            "this alias refers to no anchor above it".to_owned(),
            Some("mark the value with `&name` first; a text that begins with `*` needs quotes"),
        ),
        ErrorKind::UnclosedQuotedScalar => (
            "a quoted text is not closed".to_owned(),
            Some("the quote opened here has no partner"),
        ),
        ErrorKind::UnclosedFlowCollection { open } => (format!("`{open}` is not closed"), None),
        _ => (error.info(), None),
    };
    YamlError {
        code: "yaml-syntax",
        position: spot,
        message: format!("this is no valid YAML: {message}"),
        hint: hint.map(str::to_owned),
    }
}
