//! Writes source maps.

use std::path::Path;

use serde_json::json;

/// A place in the code and its place in the source; lines and columns from 0, columns in UTF-16 units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) source_line: u32,
    pub(super) source_column: u32,
}

/// The source map of code whose only source is the file at `path`. The mappings are in the order of
/// the code.
pub(super) fn write(path: &Path, mappings: &[Mapping]) -> String {
    json!({
        "version": 3,
        "sources": [file_url(path)],
        "names": [],
        "mappings": encode(mappings),
    })
    .to_string()
}

/// The URL of an absolute path, as Node's `pathToFileURL` makes it.
pub(super) fn file_url(path: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    let mut url = String::from("file://");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => url.push(char::from(*byte)),
            b'/' | b'-' | b'_' | b'.' | b'!' | b'*' | b'\'' | b'(' | b')' | b'$' | b'&' | b'+'
            | b',' | b':' | b';' | b'=' | b'@' => {
                url.push(char::from(*byte));
            }
            byte => {
                // Writing to a string cannot fail.
                let _ = write!(url, "%{byte:02X}");
            }
        }
    }
    url
}

fn encode(mappings: &[Mapping]) -> String {
    let mut text = String::with_capacity(mappings.len() * 6);
    let (mut line, mut column) = (0, 0);
    let (mut source_line, mut source_column) = (0, 0);
    let mut is_first = true;
    for (index, mapping) in mappings.iter().enumerate() {
        while line < mapping.line {
            text.push(';');
            line += 1;
            column = 0;
            is_first = true;
        }
        if !is_first {
            text.push(',');
        }
        is_first = false;
        push_vlq(&mut text, i64::from(mapping.column) - i64::from(column));
        // The only source, in relation to the source of the mapping before.
        push_vlq(&mut text, 0);
        push_vlq(
            &mut text,
            i64::from(mapping.source_line) - i64::from(source_line),
        );
        push_vlq(
            &mut text,
            i64::from(mapping.source_column) - i64::from(source_column),
        );
        debug_assert!(index == 0 || mappings[index - 1].line <= mapping.line);
        column = mapping.column;
        source_line = mapping.source_line;
        source_column = mapping.source_column;
    }
    text
}

/// Appends a number in the base 64 form of source maps: five bits a digit, the sign in the lowest.
fn push_vlq(text: &mut String, number: i64) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut rest = (number.unsigned_abs() << 1) | u64::from(number < 0);
    loop {
        let digit = (rest & 31) as usize;
        rest >>= 5;
        let digit = if rest > 0 { digit | 32 } else { digit };
        text.push(char::from(DIGITS[digit]));
        if rest == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_source_maps_have_them() {
        for (number, expected) in [(0, "A"), (1, "C"), (-1, "D"), (16, "gB"), (-1000, "x+B")] {
            let mut text = String::new();
            push_vlq(&mut text, number);
            assert_eq!(text, expected, "{number}");
        }
    }

    #[test]
    fn mappings_are_relative_to_the_one_before() {
        let at = |line, column, source_line, source_column| Mapping {
            line,
            column,
            source_line,
            source_column,
        };
        let mappings = [at(0, 0, 2, 4), at(0, 8, 2, 6), at(2, 1, 0, 0)];
        assert_eq!(encode(&mappings), "AAEI,QAAE;;CAFN");
    }

    #[test]
    fn a_path_with_special_characters_is_a_url() {
        assert_eq!(
            file_url(Path::new("/a b/\u{e9}#?%.ts")),
            "file:///a%20b/%C3%A9%23%3F%25.ts"
        );
    }
}
