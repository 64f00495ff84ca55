//! Whether a text nests so deeply that parsing it could overflow the stack.
//!
//! The parser and the visitors of its tree recurse, and a stack overflow ends the process. So a text
//! that nests too deeply is rejected before it is parsed, by a fast scan of its bytes that is not
//! exact. The limits are a small fraction of what the stack of [`strip`](super::strip) was measured
//! to hold in a build without optimization, and many times what real code has.

/// The most open brackets, angle brackets included.
const MAX_BRACKETS: usize = 2_000;

/// The most operators in one statement or list item: each may be a level of the tree.
const MAX_OPERATORS: usize = 20_000;

/// Keywords that precede an operand, like operators.
const PREFIX_KEYWORDS: &[&str] = &[
    "typeof", "keyof", "void", "await", "new", "delete", "infer", "readonly", "unique", "yield",
];

/// The byte offset at which the text nests too deeply; `None` if it does not.
pub(super) fn first_too_deep(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut angles = 0_usize;
    let mut operators = 0_usize;
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' | b'`' => {
                at = end_of_string(bytes, at);
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = end_of_line(bytes, at);
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let body = &text[at..];
                at = body.find("*/").map_or(bytes.len(), |end| at + end + 2);
                continue;
            }
            b'(' | b'[' => (open, operators) = (open + 1, operators + 1),
            b')' | b']' => open = open.saturating_sub(1),
            b'{' => (open, angles, operators) = (open + 1, 0, 0),
            b'}' => (open, angles, operators) = (open.saturating_sub(1), 0, 0),
            b';' => (angles, operators) = (0, 0),
            b',' => operators = 0,
            b'<' => angles += 1,
            b'>' => (angles, operators) = (angles.saturating_sub(1), operators + 1),
            b'!' | b'~' | b'+' | b'-' | b'*' | b'/' | b'%' | b'=' | b'?' | b':' | b'.' | b'&'
            | b'|' | b'^' => {
                operators += 1;
            }
            byte if byte.is_ascii_whitespace() => {
                let before = &bytes[..at];
                operators += usize::from(
                    PREFIX_KEYWORDS
                        .iter()
                        .any(|word| before.ends_with(word.as_bytes())),
                );
            }
            _ => {}
        }
        if open + angles > MAX_BRACKETS || operators > MAX_OPERATORS {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The offset after the string literal that starts at `start`. A literal in plain quotes ends with
/// its line at the latest, so that a quote in a regular expression affects one line only.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' if quote != b'`' => return at,
            byte if *byte == quote => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn end_of_line(bytes: &[u8], start: usize) -> usize {
    bytes[start..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |length| start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_and_chains_are_counted() {
        assert_eq!(
            first_too_deep(&"[".repeat(MAX_BRACKETS + 9)),
            Some(MAX_BRACKETS)
        );
        assert_eq!(
            first_too_deep(&"A<".repeat(MAX_BRACKETS + 9)),
            Some(2 * MAX_BRACKETS + 1)
        );
        assert_eq!(
            first_too_deep(&"!".repeat(MAX_OPERATORS + 9)),
            Some(MAX_OPERATORS)
        );
        assert!(first_too_deep(&"typeof ".repeat(MAX_OPERATORS + 9)).is_some());
        let harmless = [
            "f([{}]);\n".repeat(30_000),
            "if (a < b) {\n  c = -1.5\n}\n".repeat(30_000),
            format!("const svg = `{}`", "M-1.5-2".repeat(30_000)),
            format!("const base64 = '{}'", "+/==".repeat(30_000)),
            format!("/* {} */ // {}", "[[[[".repeat(3_000), "[[[[".repeat(3_000)),
            format!("const list = [{}]", "-1.5, ".repeat(30_000)),
        ];
        for text in harmless {
            assert_eq!(first_too_deep(&text), None, "{}", &text[..40]);
        }
        assert_eq!(first_too_deep("'a"), None);
        assert_eq!(first_too_deep("`\\"), None);
    }
}
