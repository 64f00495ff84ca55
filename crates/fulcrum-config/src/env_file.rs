//! Environment files, parsed as npm's `dotenv` 17 parses them, so that a file means the same with and
//! without Fulcrum.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::file::{location, read_text};
use crate::node::Position;

/// The pattern of `dotenv`, with the classes of JavaScript: `\s` there includes the byte order mark
/// and not the next line (U+0085), `\w` is ASCII.
static LINE: LazyLock<Regex> = LazyLock::new(|| {
    let space = r"[\t\n\x0b\x0c\r \u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}]";
    let quoted = [r"'(?:\\'|[^'])*'", r#""(?:\\"|[^"])*""#, r"`(?:\\`|[^`])*`"]
        .map(|text| format!("{space}*{text}"))
        .join("|");
    let pattern = format!(
        r"(?m)^{space}*(?:export{space}+)?([a-zA-Z0-9_.-]+)(?:{space}*={space}*?|:{space}+?)({quoted}|[^#\r\n]+)?{space}*(?:#[^\n\r]*)?$"
    );
    Regex::new(&pattern).expect("a valid pattern")
});

/// Reads an environment file, as npm's `dotenv` 17 does.
///
/// A line is `NAME=value` or `NAME: value`, after an optional `export `. `#` starts a comment. A value
/// in single, double or back quotes may span lines; in double quotes `\n` and `\r` are line breaks.
/// `${…}` is not replaced. The last of several equal names takes precedence. Any other line is no
/// variable.
///
/// # Errors
/// The file cannot be read.
pub fn read_env_file(path: &Path) -> Result<BTreeMap<String, String>, Diagnostic> {
    Ok(parse(&read_text(path, path)?).variables)
}

/// What a file contains.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct EnvFileContent {
    pub(crate) variables: BTreeMap<String, String>,
    /// A warning for each line that is neither a variable nor a comment.
    pub(crate) warnings: Vec<Diagnostic>,
}

/// [`read_env_file`], with the path for diagnostics, and warnings.
pub(crate) fn read(path: &Path, display_path: &Path) -> Result<EnvFileContent, Diagnostic> {
    let parsed = parse(&read_text(path, display_path)?);
    let warnings = parsed.ignored.iter().map(|(line, text)| {
        let position = Position {
            line: *line,
            column: 1,
        };
        let message = format!("{} is ignored: it is not `NAME=value`", quoted(text));
        Diagnostic::warning(Code::BadEnvFile, message)
            .at(Some(location(display_path, position)))
            .hint("a comment starts with `#`; a value that spans lines needs quotes")
    });
    Ok(EnvFileContent {
        warnings: warnings.collect(),
        variables: parsed.variables,
    })
}

#[derive(Debug, Default)]
struct Parsed {
    variables: BTreeMap<String, String>,
    /// Lines that are neither, by number.
    ignored: Vec<(u32, String)>,
}

fn parse(text: &str) -> Parsed {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut parsed = Parsed::default();
    let mut end = 0;
    for found in LINE.captures_iter(&text) {
        let whole = found.get_match();
        parsed.add_ignored(&text, end, whole.start());
        end = whole.end();
        let name = found.get(1).map_or("", |name| name.as_str());
        let value = found.get(2).map_or("", |value| value.as_str());
        let value = value_of(value.trim_matches(is_js_space));
        parsed.variables.insert(name.to_owned(), value);
    }
    parsed.add_ignored(&text, end, text.len());
    parsed
}

impl Parsed {
    /// Notes the lines of `text[start..end]` that are no comments.
    fn add_ignored(&mut self, text: &str, start: usize, end: usize) {
        let lines_before = text[..start].matches('\n').count();
        for (index, line) in text[start..end].split('\n').enumerate() {
            let line_text = line.trim_matches(is_js_space);
            if !line_text.is_empty() && !line_text.starts_with('#') {
                let number = u32::try_from(lines_before + index + 1).unwrap_or(u32::MAX);
                self.ignored.push((number, line_text.to_owned()));
            }
        }
    }
}

/// A trimmed value without its quotes.
fn value_of(value: &str) -> String {
    let unquoted = without_quotes(value);
    if value.starts_with('"') {
        return unquoted.replace("\\n", "\n").replace("\\r", "\r");
    }
    unquoted
}

/// `dotenv` replaces `/^(['"`])([\s\S]*)\1$/mg` by its second group: from a quote at the start of a
/// line to the last one of its kind at the end of a line.
fn without_quotes(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    let mut at_line_start = true;
    while !rest.is_empty() {
        let quote = rest
            .chars()
            .next()
            .filter(|c| matches!(c, '\'' | '"' | '`'));
        if at_line_start
            && let Some(quote) = quote
            && let Some(end) = closing_quote(rest, quote)
        {
            out.push_str(&rest[1..end]);
            rest = &rest[end + 1..];
            at_line_start = false;
            continue;
        }
        let line_end = rest.find('\n').map_or(rest.len(), |end| end + 1);
        out.push_str(&rest[..line_end]);
        rest = &rest[line_end..];
        at_line_start = true;
    }
    out
}

/// The index of the last such quote, after the first character, that ends a line.
fn closing_quote(text: &str, quote: char) -> Option<usize> {
    text.rmatch_indices(quote)
        .map(|(index, _)| index)
        .take_while(|index| *index > 0)
        .find(|index| matches!(text.as_bytes().get(index + 1), None | Some(b'\n')))
}

/// What JavaScript's `trim` removes.
fn is_js_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn variables(text: &str) -> BTreeMap<String, String> {
        parse(text).variables
    }

    #[test]
    fn common_forms_are_read_as_dotenv_does() {
        let text = "\r\n# a comment\nPLAIN = 1.10 \nexport ZIP=0123 # inline\nHASH=a#b\nEMPTY=\nNOTE=# nothing\n\
            DOUBLE=\"a\\n $x\" # c\nSINGLE='a\\n # b'\nLONG=\"one\ntwo\"\nURL=http://a/?b=c\nPLAIN=2\r\n\
            BACK=`it's \"it\"` # c\nYAML: style\n1A=digit\nESC=\"a \\\"b\\\"\"\nOPEN='a\nTAIL=\"a\" b\n";
        let expected = [
            ("1A", "digit"),
            ("BACK", "it's \"it\""),
            ("DOUBLE", "a\n $x"),
            ("EMPTY", ""),
            ("ESC", "a \\\"b\\\""),
            ("HASH", "a"),
            ("LONG", "one\ntwo"),
            ("NOTE", ""),
            ("OPEN", "'a"),
            ("PLAIN", "2"),
            ("SINGLE", "a\\n # b"),
            ("TAIL", "\"a\" b"),
            ("URL", "http://a/?b=c"),
            ("YAML", "style"),
            ("ZIP", "0123"),
        ];
        assert_eq!(
            variables(text),
            expected
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into()
        );
    }

    #[test]
    fn a_line_that_is_no_variable_is_noted_with_its_number() {
        for (text, lines) in [
            ("A=1\nnonsense\n# c\n\nB=2", &[2][..]),
            ("=x\nA B=1\nA=\"x\ny\"\n-", &[1, 2]),
            ("A=1\r\n?\r\n", &[2]),
        ] {
            let ignored: Vec<u32> = parse(text).ignored.iter().map(|(line, _)| *line).collect();
            assert!(ignored.starts_with(lines), "{text:?}: {ignored:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[ -~\n\r'\"`=#\\\\é]{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn a_single_quoted_value_is_literal(value in "[^'\0\r\\\\]{0,30}") {
            prop_assert_eq!(&variables(&format!("A='{value}'"))["A"], &value);
        }
    }
}
