//! What a file says: paths of somebody's machine, unfinished work, its size, its first line.

use super::finding::Finding;
use super::tree::File;

/// Lines of code in a Rust file (its tests not counted) that make one think, and that are too many.
const MANY: usize = 400;
const TOO_MANY: usize = 600;

/// Words with a meaning that must not be in a finished file. Put together here, so that
/// this file doesn't say them.
const UNFINISHED: [&str; 4] = [
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Where a machine keeps people's files. Split for the same reason.
const MACHINE: [&str; 5] = [
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
        for word in MACHINE.iter().filter(|word| begins_a_word(line, word)) {
            findings.push(Finding::error(
                &file.path,
                index + 1,
                format!("a path of somebody's machine ({word}…)"),
                "use a relative path, a temporary folder, or one like /srv/shop",
            ));
        }
        for word in UNFINISHED.iter().filter(|word| is_a_word(line, word)) {
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
            "the file doesn't begin with its purpose",
            "write a `//!` line that says what it is for",
        ));
    }
    let lines = lines_of_code(&file.text);
    if !is_test(&file.path) && lines > MANY {
        let what = format!("{lines} lines without its tests");
        let cure = format!("split it by what it does ({MANY} is many, {TOO_MANY} too many)");
        findings.push(match lines > TOO_MANY {
            true => Finding::error(&file.path, 1, what, cure),
            false => Finding::warning(&file.path, 1, what, cure),
        });
    }
    findings
}

/// The lines before the test module.
fn lines_of_code(text: &str) -> usize {
    let tests = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..tests].lines().count()
}

fn is_lock(path: &str) -> bool {
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

    fn told(path: &str, text: &str) -> Vec<String> {
        let file = File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        check(&file).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_path_of_a_machine_is_found_with_its_line() {
        for word in MACHINE {
            let told = told("README.md", &format!("fine\nsee {word}ann/x\n"));
            assert_eq!(told.len(), 1, "{word}: {told:?}");
            assert!(told[0].starts_with("README.md:2: "), "{told:?}");
        }
    }

    #[test]
    fn addresses_and_relative_paths_are_no_machine() {
        let (home, work) = (MACHINE[0], MACHINE[2]);
        for fine in [
            format!("https://example.com{home}x"),
            format!("net{work}x"),
            format!("$XDG{home}x"),
        ] {
            assert_eq!(told("a.md", &fine), [""; 0], "{fine}");
        }
    }

    #[test]
    fn unfinished_work_is_found_but_not_in_longer_words() {
        for word in UNFINISHED {
            assert_eq!(told("a.js", &format!("// {word} later")).len(), 1, "{word}");
        }
        let longer = format!("mktemp a.{0}{0} and A{0}B", UNFINISHED[3]);
        assert_eq!(told("a.sh", &longer), [""; 0]);
        assert_eq!(told("x/package-lock.json", UNFINISHED[3]), [""; 0]);
    }

    #[test]
    fn a_rust_file_begins_with_its_purpose() {
        assert_eq!(told("a.rs", "//! Adds.\n"), [""; 0]);
        assert_eq!(told("a.rs", "use std::fs;\n//! Late.\n").len(), 1);
        assert_eq!(
            told("crates/x/src/generated/a.rs", "use std::fs;\n"),
            [""; 0]
        );
    }

    #[test]
    fn size_counts_code_and_not_tests() {
        let lines = |code: usize, tests: usize| {
            format!(
                "//! Long.\n{}#[cfg(test)]\nmod tests {{\n{}}}\n",
                "\n".repeat(code - 1),
                "\n".repeat(tests)
            )
        };
        assert_eq!(told("a.rs", &lines(400, 1000)), [""; 0]);
        let many = told("a.rs", &lines(401, 1));
        assert!(many[0].contains("warning: 401 lines"), "{many:?}");
        let too_many = told("a.rs", &lines(601, 1));
        assert!(
            !too_many[0].contains("warning") && too_many[0].contains("601 lines"),
            "{too_many:?}"
        );
        assert_eq!(told("crates/x/tests/a.rs", &lines(5000, 1)), [""; 0]);
    }
}
