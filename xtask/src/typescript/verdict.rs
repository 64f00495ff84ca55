//! Whether a program has printed what its row expects.

use super::execute::Printed;
use super::pattern;
use super::row::Row;

/// Why an output is not the expected one; empty if it is.
pub(super) fn differences(row: &Row, printed: &Printed) -> Vec<String> {
    let output = check_output(row, printed);
    let error = check_error(row, printed);
    match (row.either, output, error) {
        (true, Some(output), Some(error)) => {
            if output.is_empty() && printed.success || error.is_empty() {
                Vec::new()
            } else {
                [output, error].concat()
            }
        }
        (_, output, error) => {
            let mut all = output.unwrap_or_default();
            match error {
                Some(error) => all.extend(error),
                None if !printed.success => {
                    all.push(format!("it failed: {}", excerpt(&printed.stderr)))
                }
                None => {}
            }
            all
        }
    }
}

/// The warnings that are missing at a start of Fulcrum.
pub(super) fn missing_warnings(row: &Row, warnings: &str) -> Vec<String> {
    let missing = row.expected.warning.iter();
    missing
        .filter(|line| !pattern::is_in(line, warnings))
        .map(|line| format!("no warning with {line:?} in {warnings:?}"))
        .collect()
}

fn check_output(row: &Row, printed: &Printed) -> Option<Vec<String>> {
    let expected = row.expected.stdout.as_ref()?;
    let (wanted, actual) = (expected.trim_end(), printed.stdout.trim_end());
    let same = wanted.lines().count() == actual.lines().count()
        && wanted
            .lines()
            .zip(actual.lines())
            .all(|(wanted, actual)| pattern::matches(wanted, actual));
    Some(if same {
        Vec::new()
    } else {
        vec![format!("expected {wanted:?}, printed {actual:?}")]
    })
}

fn check_error(row: &Row, printed: &Printed) -> Option<Vec<String>> {
    let lines = &row.expected.error;
    if lines.is_empty() {
        return None;
    }
    let mut wrong = Vec::new();
    if printed.success {
        wrong.push("it should have failed".to_owned());
    }
    wrong.extend(
        lines
            .iter()
            .filter(|line| !pattern::is_in(line, &printed.stderr))
            .map(|line| format!("no {line:?} in {:?}", excerpt(&printed.stderr))),
    );
    Some(wrong)
}

/// The beginning of a message, which is what matters of a stack trace. Lines may be as long as a file.
fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 200;
    const MAX_LINES: usize = 12;
    let lines = text.trim().lines().filter(|line| !line.is_empty());
    let lines = lines
        .take(MAX_LINES)
        .map(|line| -> String { line.chars().take(MAX_CHARS).collect() });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::parse::parse;
    use super::*;

    fn row(rest: &str) -> Row {
        let text = format!("# A\n## R\n{rest}");
        parse(Path::new("x.md"), &text).unwrap().remove(0)
    }

    fn printed(success: bool, stdout: &str, stderr: &str) -> Printed {
        Printed {
            success,
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
        }
    }

    #[test]
    fn output_is_compared_as_a_whole_and_errors_in_parts() {
        let row = row("```ts a.ts\n```\n```stdout\na\nb…\n```\n```error\nx\n```\n");
        assert!(differences(&row, &printed(false, "a\nbc\n", "1\nxyz\n")).is_empty());
        assert_eq!(differences(&row, &printed(true, "a\n", "y")).len(), 3);
    }

    #[test]
    fn a_failure_is_never_expected_without_an_error() {
        let row = row("```ts a.ts\n```\n```stdout\na\n```\n");
        assert_eq!(differences(&row, &printed(false, "a\n", "why")).len(), 1);
    }

    #[test]
    fn either_the_output_or_the_error_will_do() {
        let row = row("- either: yes\n```ts a.ts\n```\n```stdout\n1\n```\n```error\nx\n```\n");
        assert!(differences(&row, &printed(true, "1\n", "")).is_empty());
        assert!(differences(&row, &printed(false, "", "x")).is_empty());
        assert!(!differences(&row, &printed(false, "1\n", "y")).is_empty());
    }
}
