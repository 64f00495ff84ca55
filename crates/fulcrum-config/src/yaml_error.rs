//! Errors of a YAML text.

use serde_saphyr::granit_parser::{ErrorKind, Marker, ScanError};

use crate::code::Code;
use crate::node::Position;

/// The deepest nesting, which is more than the schema needs and safe for recursion.
pub(crate) const MAX_NESTING: usize = 64;

/// An error in a text; the caller adds the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct YamlError {
    pub(crate) code: Code,
    pub(crate) position: Position,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// Explains an error by the line that it is in: in most cases a value needs quotes.
pub(crate) fn explain(mut error: YamlError, text: &str) -> YamlError {
    let index = error.position.line.saturating_sub(1) as usize;
    let line = text.lines().nth(index).unwrap_or_default();
    if error.code != Code::YamlSyntax {
        return error;
    }
    // The parser notices some errors only in the line below.
    let above = index
        .checked_sub(1)
        .and_then(|above| text.lines().nth(above));
    let unusual = [Some(line), above]
        .into_iter()
        .flatten()
        .find_map(crate::spaces::in_indentation);
    if let Some(message) = unusual {
        error.message = format!("invalid YAML: {message}");
        error.hint = Some(crate::spaces::HINT.into());
    } else if error.hint.is_none() && line.contains("${") {
        error.hint = Some("inside `{…}` and `[…]` a value with `${NAME}` needs quotes".into());
    } else if error.hint.is_none() || error.message == KEY_IS_NO_TEXT {
        match needs_quotes(line) {
            Some((reason, quoted)) => {
                error.message = format!("invalid YAML: {reason}");
                error.hint = Some(format!("the value needs quotes: `{quoted}`"));
            }
            None if error.message == UNEXPLAINED => {
                error.hint = Some(
                    "check colons, quotes and the indentation, here and in the line above".into(),
                );
            }
            None => {}
        }
    }
    error
}

/// The message for what only the parser's words would tell.
const UNEXPLAINED: &str = "invalid YAML: this line has no meaning here";

/// A key that is a list or a map, as in `A: {{x}}`.
pub(crate) const KEY_IS_NO_TEXT: &str = "a key must be a text, not a list or a map";

/// Why the value in a line needs quotes, and the line with them.
fn needs_quotes(line: &str) -> Option<(String, String)> {
    let content = line.trim_start();
    let (item, content) = match content.strip_prefix("- ") {
        Some(rest) => ("- ", rest.trim_start()),
        None => ("", content),
    };
    let (key, value) = match content.split_once(": ") {
        Some((key, value)) if !key.starts_with(['{', '[', '"', '\'']) => {
            (format!("{key}: "), value.trim())
        }
        _ if !item.is_empty() => (String::new(), content.trim()),
        _ => return None,
    };
    let first = value.chars().next()?;
    let reason = match first {
        '"' | '\'' => return None,
        '{' if value.starts_with("{{") => "a text cannot start with `{{`".to_owned(),
        '@' | '`' | '%' | '&' | '*' | '!' | '|' | '>' | '?' | ',' | ']' | '}' => {
            format!("a text cannot start with `{first}`")
        }
        '{' | '[' => return None,
        _ if value.contains(": ") || value.ends_with(':') => {
            "a text without quotes cannot contain `: `".to_owned()
        }
        _ => return None,
    };
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    let shown: String = crate::diagnostic::quoted(&format!("{item}{key}\"{escaped}\""))
        .trim_matches('`')
        .to_owned();
    Some((reason, shown))
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
        code: Code::TooDeep,
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
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            (format!("`{open}` is closed by `{close}`"), None)
        }
        ErrorKind::ExpectedFlowMappingSeparator => ("a `,` or `}` is missing".to_owned(), None),
        ErrorKind::ExpectedFlowSequenceSeparator => ("a `,` or `]` is missing".to_owned(), None),
        ErrorKind::InvalidIndentation => (
            "the indentation is not that of the lines above".to_owned(),
            None,
        ),
        ErrorKind::UnexpectedCharacter { character } => {
            (format!("unexpected `{}`", character.escape_default()), None)
        }
        // The parser's words are about its tokens; the line is explained instead.
        _ => (UNEXPLAINED["invalid YAML: ".len()..].to_owned(), None),
    };
    YamlError {
        code: Code::YamlSyntax,
        position,
        message: format!("invalid YAML: {message}"),
        hint: hint.map(str::to_owned),
    }
}
