//! Whether a text nests so deeply that parsing it could exhaust a stack.
//!
//! The parser, and each walk over its tree, recurse; a stack that overflows ends the process, and
//! with it every domain. So what no person writes is refused beforehand, by a look at the bytes
//! that is quick and doesn't have to be exact: the limits are a small part of what the stack of
//! [`strip`](super::strip) was measured to bear in a build without optimisation, and many times
//! what real code has.

/// Open brackets, and angle brackets.
const BRACKETS: usize = 2_000;

/// Operators in one statement or list item: each may be a level of the tree.
const OPERATORS: usize = 20_000;

/// Words that stand before an operand, as operators do.
const PREFIXES: &[&str] = &[
    "typeof", "keyof", "void", "await", "new", "delete", "infer", "readonly", "unique", "yield",
];

/// Where the text gets too deep, as a byte offset.
pub(super) fn first_too_deep(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut angles = 0_usize;
    let mut operators = 0_usize;
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' | b'`' => {
                at = end_of_text(bytes, at);
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
                    PREFIXES
                        .iter()
                        .any(|word| before.ends_with(word.as_bytes())),
                );
            }
            _ => {}
        }
        if open + angles > BRACKETS || operators > OPERATORS {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// Behind the text that begins at `start`. One in plain quotes ends with its line at the latest, so
/// that a quote in a regular expression misleads for one line only.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
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
    fn only_nesting_and_chains_count() {
        assert_eq!(first_too_deep(&"[".repeat(BRACKETS + 9)), Some(BRACKETS));
        assert_eq!(
            first_too_deep(&"A<".repeat(BRACKETS + 9)),
            Some(2 * BRACKETS + 1)
        );
        assert_eq!(first_too_deep(&"!".repeat(OPERATORS + 9)), Some(OPERATORS));
        assert!(first_too_deep(&"typeof ".repeat(OPERATORS + 9)).is_some());
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
