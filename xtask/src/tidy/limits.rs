//! Sizes: of files, of functions, and of what may not grow.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::policy::{
    MAX_FILE_LINES, MEDIAN_FILE_LINES, MIN_OVERLONG_FUNCTION, SizeLimit, UNLIMITED_FILES,
};
use super::source::Source;

/// Is the file's size limited?
pub(super) fn is_limited(path: &str) -> bool {
    let path = format!("/{path}");
    !UNLIMITED_FILES
        .iter()
        .any(|(pattern, _)| path.contains(pattern))
}

/// Files and functions that are too long. `sources` are those that are not only for tests.
pub(super) fn check(sources: &[&Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let limited = || sources.iter().filter(|source| is_limited(&source.path));
    for source in limited() {
        let lines = source.code_lines();
        if lines > MAX_FILE_LINES {
            findings.push(Finding::error(
                &source.path,
                1,
                format!("{lines} lines without its tests; the limit is {MAX_FILE_LINES}"),
                "split it by what it does",
            ));
        }
        for function in &source.functions {
            if !function.is_test && function.lines >= MIN_OVERLONG_FUNCTION {
                findings.push(Finding::error(
                    &source.path,
                    function.line,
                    format!("{} has {} lines", function.name, function.lines),
                    format!("split it: functions stay under {MIN_OVERLONG_FUNCTION} lines"),
                ));
            }
        }
    }
    let middle = median(limited().map(|source| source.code_lines()).collect());
    if middle >= MEDIAN_FILE_LINES {
        findings.push(Finding::error(
            "xtask/src/tidy/policy.rs",
            1,
            format!("the median file has {middle} lines without its tests"),
            format!("split files by what they do: the median stays under {MEDIAN_FILE_LINES}"),
        ));
    }
    findings
}

/// Directories that have grown beyond their limit. A limit of a directory that does not exist holds.
pub(super) fn check_directories(
    sources: &BTreeMap<String, Source>,
    limits: &[SizeLimit],
) -> Vec<Finding> {
    limits
        .iter()
        .filter_map(|limit| {
            let lines = lines_below(sources, limit.directory);
            (lines > limit.lines).then(|| {
                Finding::error(
                    limit.directory,
                    1,
                    format!("{lines} lines of Rust; the limit is {}", limit.lines),
                    limit.hint,
                )
            })
        })
        .collect()
}

/// Lines of all Rust files below a directory, in-file tests included.
pub(super) fn lines_below(sources: &BTreeMap<String, Source>, directory: &str) -> usize {
    sources
        .values()
        .filter(|source| {
            source
                .path
                .strip_prefix(directory)
                .is_some_and(|rest| rest.starts_with('/'))
        })
        .map(|source| source.lines)
        .sum()
}

/// The middle value, of two the greater one; 0 of none.
pub(super) fn median(mut values: Vec<usize>) -> usize {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    fn sources(files: &[(&str, String)]) -> BTreeMap<String, Source> {
        files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), source::parse(path, text).unwrap()))
            .collect()
    }

    fn found(path: &str, text: String) -> Vec<String> {
        let mut files = vec![(path, text)];
        files.extend(["s1.rs", "s2.rs", "s3.rs"].map(|path| (path, "//! Small.\n".to_owned())));
        check(&sources(&files).values().collect::<Vec<_>>())
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn the_size_of_a_file_counts_code_and_not_tests() {
        let file = |code: usize, tests: usize| {
            let (code, tests) = ("\n".repeat(code - 1), "\n".repeat(tests));
            format!("//! Long.\n{code}#[cfg(test)]\nmod tests {{\n{tests}}}\n")
        };
        assert_eq!(found("a.rs", file(500, 1000)), [""; 0]);
        assert!(found("a.rs", file(501, 1))[0].contains("501 lines"));
        assert_eq!(found("crates/x/tests/a.rs", file(5000, 1)), [""; 0]);
        assert_eq!(found("crates/x/src/generated/a.rs", file(5000, 1)), [""; 0]);
    }

    #[test]
    fn functions_stay_under_eighty_lines_but_for_tests() {
        let function = |lines: usize| format!("fn long() {{\n{}}}\n", "\n".repeat(lines - 2));
        assert_eq!(found("a.rs", function(79)), [""; 0]);
        assert!(found("a.rs", function(80))[0].contains("a.rs:1: long has 80 lines"));
        assert_eq!(found("a.rs", format!("#[test]\n{}", function(90))), [""; 0]);
        let method = format!("struct A;\nimpl A {{\n{}}}\n", function(85));
        assert_eq!(found("a.rs", method).len(), 1);
    }

    #[test]
    fn the_median_is_limited() {
        let file = |lines: usize| format!("//! A.\n{}", "\n".repeat(lines - 1));
        let files = [("a.rs", file(10)), ("b.rs", file(160)), ("c.rs", file(300))];
        assert_eq!(
            check(&sources(&files).values().collect::<Vec<_>>()).len(),
            1
        );
        let files = [("a.rs", file(10)), ("b.rs", file(159)), ("c.rs", file(300))];
        assert_eq!(check(&sources(&files).values().collect::<Vec<_>>()), []);
    }

    #[test]
    fn a_directory_has_a_limit() {
        let files = [
            ("a/b/x.rs", "//! X.\n\n".to_owned()),
            ("a/bc.rs", "//! Y.\n".to_owned()),
        ];
        let limit = |lines| SizeLimit {
            directory: "a/b",
            lines,
            hint: "move it",
        };
        assert_eq!(check_directories(&sources(&files), &[limit(2)]), []);
        assert_eq!(check_directories(&sources(&files), &[limit(1)]).len(), 1);
    }
}
