//! Rules for the text of each file: no path of a particular machine, no unfinished work, and a
//! first line with its purpose.

use super::finding::Finding;
use super::tree::File;

/// Markers of unfinished work. Put together here, so that this file has none of them.
const TODO_MARKERS: [&str; 4] = [
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Directories in which a machine keeps the files of its users. Split for the same reason.
const ABSOLUTE_PATHS: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
    concat!("C:\\Us", "ers\\"),
];

/// Checks one file.
pub(super) fn check(file: &File) -> Vec<Finding> {
    // Lock files are made by tools, and their hashes may spell anything.
    if is_lock(&file.path) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for word in ABSOLUTE_PATHS
            .iter()
            .filter(|word| begins_a_word(line, word))
        {
            findings.push(Finding::error(
                &file.path,
                index + 1,
                format!("a path of a particular machine ({word}…)"),
                "use a relative path, a temporary directory, or one like /srv/shop",
            ));
        }
        for word in TODO_MARKERS.iter().filter(|word| is_a_word(line, word)) {
            let word = word.trim_end_matches('(');
            let what = format!("unfinished work ({word})");
            findings.push(Finding::error(
                &file.path,
                index + 1,
                what,
                "finish it, or open an issue",
            ));
        }
    }
    if file.path.ends_with(".rs") && !is_generated(&file.path) {
        findings.extend(check_rust(file));
    }
    findings
}

fn check_rust(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !file.text.trim_start().starts_with("//!") {
        findings.push(Finding::error(
            &file.path,
            1,
            "the file does not begin with its purpose",
            "write a `//!` line that states what it is for",
        ));
    }
    findings
}

pub(super) fn is_lock(path: &str) -> bool {
    path.ends_with("package-lock.json") || path.ends_with("Cargo.lock")
}

pub(super) fn is_generated(path: &str) -> bool {
    path.contains("/generated/")
}

/// A file that is nothing but tests.
pub(super) fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// Is `word` in the line, and not as the tail of something longer, as in an address or a
/// relative path?
fn begins_a_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.~*$>}".contains(c))
    })
}

/// Is `word` in the line, and not as a part of something longer?
fn is_a_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let joined = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !joined(before) && (word.ends_with('(') || !joined(after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let file = File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        check(&file).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_path_of_a_machine_is_found_with_its_line() {
        for word in ABSOLUTE_PATHS {
            let found = found("README.md", &format!("fine\nsee {word}ann/x\n"));
            assert_eq!(found.len(), 1, "{word}: {found:?}");
            assert!(found[0].starts_with("README.md:2: "), "{found:?}");
        }
    }

    #[test]
    fn addresses_and_relative_paths_are_allowed() {
        let (home, work) = (ABSOLUTE_PATHS[0], ABSOLUTE_PATHS[2]);
        for fine in [
            format!("https://example.com{home}x"),
            format!("net{work}x"),
            format!("$XDG{home}x"),
        ] {
            assert_eq!(found("a.md", &fine), [""; 0], "{fine}");
        }
    }

    #[test]
    fn unfinished_work_is_found_but_not_in_longer_words() {
        for word in TODO_MARKERS {
            assert_eq!(
                found("a.js", &format!("// {word} later")).len(),
                1,
                "{word}"
            );
        }
        let longer = format!("mktemp a.{0}{0} and A{0}B", TODO_MARKERS[3]);
        assert_eq!(found("a.sh", &longer), [""; 0]);
        assert_eq!(found("x/package-lock.json", TODO_MARKERS[3]), [""; 0]);
    }

    #[test]
    fn a_rust_file_begins_with_its_purpose() {
        assert_eq!(found("a.rs", "//! Adds.\n"), [""; 0]);
        assert_eq!(found("a.rs", "use std::fs;\n//! Late.\n").len(), 1);
        assert_eq!(
            found("crates/x/src/generated/a.rs", "use std::fs;\n"),
            [""; 0]
        );
    }
}
