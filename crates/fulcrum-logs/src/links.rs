//! Names of files in a line, as links for terminals that know them (OSC 8).

use std::fmt::Write as _;
use std::path::PathBuf;

/// Extensions of files that an editor opens.
const EXTENSIONS: [&str; 13] = [
    "ts", "mts", "cts", "tsx", "js", "mjs", "cjs", "jsx", "json", "yml", "yaml", "log", "env",
];

/// Where links lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkBase {
    /// The name of the machine, so that a terminal knows whether the file is its own.
    pub host: String,
    /// The directory of relative names.
    pub root: PathBuf,
}

impl LinkBase {
    /// The text with a link around each name of a file. Names are those with a directory and a known
    /// extension, or `fulcrum.yml`; line and column after them are part of the link's text.
    pub(crate) fn link(&self, text: &str) -> Option<String> {
        let mut linked = String::new();
        let mut copied = 0;
        let mut start = 0;
        while start < text.len() {
            let rest = &text[start..];
            let length = rest.find(is_outside_name).unwrap_or(rest.len());
            if let Some((name, shown)) = file_name(&rest[..length]) {
                linked.push_str(&text[copied..start]);
                self.push_link(name, shown, &mut linked);
                copied = start + shown.len();
            }
            // Past the character that ends the name.
            let next = rest[length..].chars().next().map_or(0, char::len_utf8);
            start += length + next;
        }
        if copied == 0 {
            return None;
        }
        linked.push_str(&text[copied..]);
        Some(linked)
    }

    fn push_link(&self, name: &str, shown: &str, out: &mut String) {
        let path = self.root.join(name);
        out.push_str("\x1b]8;;file://");
        percent_encode(&self.host, out);
        percent_encode(&path.to_string_lossy(), out);
        out.push_str("\x1b\\");
        out.push_str(shown);
        out.push_str("\x1b]8;;\x1b\\");
    }
}

fn is_outside_name(char: char) -> bool {
    char.is_whitespace()
        || matches!(
            char,
            '(' | ')' | '[' | ']' | '"' | '\'' | '`' | ',' | ';' | '<' | '>' | '='
        )
        || char.is_control()
}

/// The file that a word names, and the part of the word that is shown: the name with line and column.
fn file_name(word: &str) -> Option<(&str, &str)> {
    let name = word.split(':').next()?;
    let shown = match word[name.len()..]
        .split(':')
        .skip(1)
        .take_while(|part| is_number(part))
        .count()
    {
        0 => name,
        1 => until_colon(word, 2),
        _ => until_colon(word, 3),
    };
    let (stem, extension) = name.rsplit_once('.')?;
    let is_path = name.contains('/') || name == "fulcrum.yml";
    // No address: `//host/file.js` is the end of one.
    let is_file = is_path && !stem.is_empty() && !name.starts_with("//") && !stem.contains("://");
    (is_file && EXTENSIONS.contains(&extension)).then_some((name, shown))
}

/// The word up to its colon with this number, or all of it.
fn until_colon(word: &str, number: usize) -> &str {
    let colon = word.match_indices(':').nth(number - 1);
    colon.map_or(word, |(at, _)| &word[..at])
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn percent_encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> LinkBase {
        LinkBase {
            host: "box".into(),
            root: "/srv/my shop".into(),
        }
    }

    #[test]
    fn names_of_files_are_links() {
        let link = |path: &str, shown: &str| {
            format!("\x1b]8;;file://box{path}\x1b\\{shown}\x1b]8;;\x1b\\")
        };
        let relative = link(
            "/srv/my%20shop/domains/orders/price.ts",
            "domains/orders/price.ts:7:21",
        );
        assert_eq!(
            base().link("rejected: domains/orders/price.ts:7:21: Expression expected"),
            Some(format!("rejected: {relative}: Expression expected"))
        );
        let absolute = link("/a/b.js", "/a/b.js:3:5");
        assert_eq!(
            base().link("    at f (/a/b.js:3:5)"),
            Some(format!("    at f ({absolute})"))
        );
        let config = link("/srv/my%20shop/fulcrum.yml", "fulcrum.yml");
        assert_eq!(
            base().link("fulcrum.yml, it"),
            Some(format!("{config}, it"))
        );
    }

    #[test]
    fn other_words_are_not() {
        for text in [
            "",
            "ready in 12 ms",
            "node.js is here",
            "see https://example.com/a.js",
            "10.0.0.1:50051 a/b /usr/bin/node",
            ".ts",
            "日本 語/x",
        ] {
            assert_eq!(base().link(text), None, "{text}");
        }
    }
}
