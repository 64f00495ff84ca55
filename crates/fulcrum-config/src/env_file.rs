//! Environment files: one `KEY=VALUE` per line.

use std::collections::BTreeMap;
use std::path::Path;

use crate::diagnostic::{Diagnostic, quoted};
use crate::file::{location, read_text};
use crate::node::Position;

/// Reads an environment file.
///
/// `#` starts a comment at the start of a line or after a space. A prefix `export ` is allowed. A
/// value in double quotes may span lines and supports the escapes `\n`, `\r`, `\t`, `\"`, `\\` and
/// `\$`. A value in single quotes is literal. A value without quotes ends with its line and is
/// trimmed. `${…}` is not replaced. The last of several equal names takes precedence.
///
/// # Errors
/// The file cannot be read, or a line is malformed; the first such error.
pub fn read_env_file(path: &Path) -> Result<BTreeMap<String, String>, Diagnostic> {
    read(path, path)
}

/// [`read_env_file`], with the path for diagnostics.
pub(crate) fn read(
    path: &Path,
    display_path: &Path,
) -> Result<BTreeMap<String, String>, Diagnostic> {
    let text = read_text(path, display_path)?;
    parse(&text).map_err(|error| {
        let position = Position {
            line: error.line,
            column: 1,
        };
        Diagnostic::error("bad-env-file", error.message)
            .at(Some(location(display_path, position)))
            .hint(error.hint)
    })
}

#[derive(Debug, PartialEq)]
struct EnvFileError {
    line: u32,
    message: String,
    hint: &'static str,
}

fn parse(text: &str) -> Result<BTreeMap<String, String>, EnvFileError> {
    let mut variables = BTreeMap::new();
    let mut rest = text;
    let mut line = 0;
    while !rest.is_empty() {
        line += 1;
        let (this, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let trimmed = this.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            rest = after;
            continue;
        }
        let assignment = trimmed
            .strip_prefix("export ")
            .unwrap_or(trimmed)
            .trim_start();
        let Some((name, value)) = assignment.split_once('=') else {
            return Err(EnvFileError {
                line,
                message: format!("expected `KEY=VALUE`, found {}", quoted(trimmed)),
                hint: "comments start with `#`",
            });
        };
        let name = name.trim_end();
        if !is_name(name) {
            return Err(EnvFileError {
                line,
                message: format!("{} is not a valid variable name", quoted(name)),
                hint: "a name consists of letters, digits, `_`, `.` and `-`, and does not start with a digit",
            });
        }
        let value = value.trim_start();
        match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                // The value may continue after this line, so it is taken from the whole text.
                let from = &rest[this.trim_end().len() - value.len() + 1..];
                let (value, after) = quoted_value(from, quote).ok_or_else(|| EnvFileError {
                    line,
                    message: format!("the value of {} has no closing {quote}", quoted(name)),
                    hint: "close the quote, or leave both out",
                })?;
                let (trailing, next) = after.split_once('\n').unwrap_or((after, ""));
                let trailing = trailing.trim();
                let spanned = from[..from.len() - after.len()].matches('\n').count();
                line += u32::try_from(spanned).unwrap_or(u32::MAX);
                if !trailing.is_empty() && !trailing.starts_with('#') {
                    return Err(EnvFileError {
                        line,
                        message: format!(
                            "unexpected {} after the closing {quote}",
                            quoted(trailing)
                        ),
                        hint: "comments start with `#`",
                    });
                }
                variables.insert(name.to_owned(), value);
                rest = next;
            }
            _ => {
                let end = value
                    .find(" #")
                    .or_else(|| value.find("\t#"))
                    .unwrap_or(value.len());
                let value = if value.starts_with('#') {
                    ""
                } else {
                    value[..end].trim_end()
                };
                variables.insert(name.to_owned(), value.to_owned());
                rest = after;
            }
        }
    }
    Ok(variables)
}

/// The value up to its closing quote, and the text after it.
fn quoted_value(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            _ if c == quote => return Some((value, &text[index + 1..])),
            '\\' if quote == '"' => match chars.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                c @ ('"' | '\\' | '$') => value.push(c),
                c => value.extend(['\\', c]),
            },
            _ => value.push(c),
        }
    }
    None
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn common_forms_are_read() {
        let text = "\r\n# a comment\nPLAIN = 1.10 \nexport ZIP=0123 # inline\nHASH=a#b\nEMPTY=\nNOTE=# nothing\n\
            DOUBLE=\"a\\n\\\"b\\\" $x\" # c\nSINGLE='a\\n # b'\nLONG=\"one\ntwo\"\nURL=http://a/?b=c\nPLAIN=2\r\n";
        let read = parse(text).expect("valid");
        let expected = [
            ("DOUBLE", "a\n\"b\" $x"),
            ("EMPTY", ""),
            ("HASH", "a#b"),
            ("LONG", "one\ntwo"),
            ("NOTE", ""),
            ("PLAIN", "2"),
            ("SINGLE", "a\\n # b"),
            ("URL", "http://a/?b=c"),
            ("ZIP", "0123"),
        ];
        assert_eq!(
            read,
            expected
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into()
        );
    }

    #[test]
    fn errors_have_their_line() {
        for (text, line) in [
            ("A=1\nnonsense", 2),
            ("1A=x", 1),
            ("=x", 1),
            ("A=\"x\n\n", 1),
            ("A='x\ny' z", 2),
            ("A=\"1\n2\"\nB", 3),
        ] {
            assert_eq!(parse(text).map_err(|error| error.line), Err(line), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[ -~\n\r'\"=#\\\\é]{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn a_single_quoted_value_is_literal(value in "[^'\0]{0,30}") {
            let read = parse(&format!("A='{value}'")).expect("valid");
            prop_assert_eq!(&read["A"], &value);
        }
    }
}
