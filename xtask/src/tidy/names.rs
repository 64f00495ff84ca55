//! Words that the project has replaced by standard terms.

use std::collections::{BTreeMap, BTreeSet};

use super::file_rules::is_lock;
use super::finding::Finding;
use super::policy::{NAMED_DIRECTORIES, REPLACED_FUNCTION_NAMES, REPLACED_WORDS};
use super::source::Source;
use super::tree::File;

/// Finds replaced words in names, texts and paths of files.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let is_checked = NAMED_DIRECTORIES
            .iter()
            .any(|directory| file.path.starts_with(directory));
        if !is_checked || is_lock(&file.path) {
            continue;
        }
        let mut found = |line: usize, word: &str| {
            findings.push(Finding::error(
                &file.path,
                line,
                format!("the word {word}"),
                "use the standard term",
            ));
        };
        for word in words(&file.path).iter().filter_map(|word| replaced(word)) {
            found(1, word);
        }
        for (index, line) in file.text.lines().enumerate() {
            let on_line: BTreeSet<_> = words(line)
                .iter()
                .filter_map(|word| replaced(word))
                .collect();
            for word in on_line {
                found(index + 1, word);
            }
        }
        if !file.path.ends_with(".rs") {
            for (line, name) in script_functions(&file.text) {
                findings.extend(check_function(&file.path, line, name));
            }
        }
    }
    findings
}

/// Finds functions, tests included, with a verb that has been replaced.
pub(super) fn check_functions(sources: &BTreeMap<String, Source>) -> Vec<Finding> {
    sources
        .values()
        .flat_map(|source| {
            let functions = source.functions.iter();
            functions.filter_map(|f| check_function(&source.path, f.line, &f.name))
        })
        .collect()
}

fn check_function(path: &str, line: usize, name: &str) -> Option<Finding> {
    let verb = words(name).into_iter().next()?;
    REPLACED_FUNCTION_NAMES.contains(&verb.as_str()).then(|| {
        Finding::error(
            path,
            line,
            format!("the function name {name}"),
            "use a verb for what it does: log, publish, notify, report, render, handle",
        )
    })
}

/// The entry of the list that a word is, in singular or plural.
fn replaced(word: &str) -> Option<&'static str> {
    REPLACED_WORDS
        .iter()
        .find(|replaced| **replaced == word || word.strip_suffix('s') == Some(**replaced))
        .copied()
}

/// The words of a text in lower case; `RunRecord`, `run_record` and `runRecord` are two.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut after_lower = false;
    for c in text.chars() {
        let is_break = !c.is_alphabetic() || (c.is_uppercase() && after_lower);
        if is_break && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Line and name of what is declared by `function` in JavaScript and TypeScript, or `def` in Python.
fn script_functions(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let (_, after) = line
            .split_once("function ")
            .or_else(|| line.split_once("def "))?;
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_');
        Some((index + 1, &after[..end.unwrap_or(after.len())]))
    })
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let file = File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        check(&[file]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_replaced_word_is_found_as_part_of_a_name_and_in_a_path() {
        for word in REPLACED_WORDS {
            let mut capital = word.to_owned();
            capital[..1].make_ascii_uppercase();
            for text in [
                format!("let {word}_table = 1;"),
                format!("struct Old{capital}Reader;"),
                format!("// all {word}s"),
                word.to_ascii_uppercase(),
            ] {
                assert_eq!(found("crates/a.rs", &text).len(), 1, "{text}");
            }
            assert_eq!(found(&format!("tests/{word}/a.txt"), "").len(), 1, "{word}");
        }
    }

    #[test]
    fn longer_words_and_other_directories_are_left_alone() {
        let word = REPLACED_WORDS[0];
        assert_eq!(
            found("crates/a.rs", &format!("ware{word} {word}hold")),
            [""; 0]
        );
        assert_eq!(found("docs/a.md", word), [""; 0]);
        assert_eq!(found("sdk/node/package.json", word), [""; 0]);
        assert_eq!(found("sdk/node/src/a.ts", word).len(), 1);
    }

    #[test]
    fn functions_with_a_replaced_verb_are_found_in_every_language() {
        for verb in REPLACED_FUNCTION_NAMES {
            let code =
                format!("//! A.\nfn {verb}() {{}}\nfn {verb}_all() {{}}\nfn re{verb}() {{}}\n");
            let parsed = source::parse("a.rs", &code).unwrap();
            let findings = check_functions(&[("a.rs".to_owned(), parsed)].into());
            let lines: Vec<_> = findings.iter().map(|finding| finding.line).collect();
            assert_eq!(lines, [2, 3], "{findings:?}");
            let script = format!("export function {verb}All(x) {{}}\n");
            assert_eq!(found("sdk/node/src/a.ts", &script).len(), 1);
        }
    }
}
