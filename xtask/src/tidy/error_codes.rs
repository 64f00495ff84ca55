//! Error codes: each number has one meaning and one explanation in `docs/errors`.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::policy::{CODE_TABLES, CodeTable};
use super::tree::File;

/// Where the explanations are.
const EXPLANATIONS: &str = "docs/errors/";

/// The sections of an explanation, in order.
const SECTIONS: [&str; 2] = ["\n## Example\n", "\n## What to do\n"];

/// The crates that write to the log of an instance.
const LOGGING_CRATES: [&str; 2] = [
    "crates/fulcrum-runtime/src/",
    "crates/fulcrum-cli/src/wiring/",
];

/// The longest title of an explanation.
const MAX_TITLE: usize = 60;

/// One variant of a table.
struct Variant<'a> {
    name: &'a str,
    number: u16,
    line: usize,
}

/// Compares the tables of codes with the explanations.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut meanings: BTreeMap<u16, String> = BTreeMap::new();
    for table in CODE_TABLES {
        let Some(file) = files.iter().find(|file| file.path == table.file) else {
            findings.push(Finding::error(
                table.file,
                1,
                "the table of error codes is missing",
                "write it, or remove its row from CODE_TABLES",
            ));
            continue;
        };
        for variant in variants(&file.text) {
            findings.extend(check_number(table, &variant));
            let meaning = format!("{} of {}", variant.name, table.file);
            if let Some(other) = meanings.insert(variant.number, meaning) {
                findings.push(Finding::error(
                    table.file,
                    variant.line,
                    format!("FUL{:04} is also {other}", variant.number),
                    "use a free number: codes are never reused",
                ));
            }
        }
    }
    findings.extend(check_log_lines(files));
    let explanations = files
        .iter()
        .filter(|file| file.path.starts_with(EXPLANATIONS));
    let mut explained = Vec::new();
    for file in explanations {
        let Some(number) = number_of(&file.path) else {
            continue;
        };
        explained.push(number);
        findings.extend(check_explanation(file, number));
        if !meanings.contains_key(&number) {
            findings.push(Finding::error(
                &file.path,
                1,
                "no table has this code",
                "keep the number of a code that is gone out of use, and delete the page",
            ));
        }
    }
    for (number, meaning) in meanings {
        if !explained.contains(&number) {
            findings.push(Finding::error(
                format!("{EXPLANATIONS}FUL{number:04}.md"),
                1,
                format!("{meaning} has no explanation"),
                "write what happened, an example and what to do",
            ));
        }
    }
    findings
}

/// Every warning and error that product code writes to the log has a code: the statement around the
/// level says where it comes from.
fn check_log_lines(files: &[File]) -> Vec<Finding> {
    let is_checked = |file: &&File| {
        let path = &file.path;
        LOGGING_CRATES.iter().any(|name| path.starts_with(name)) && !path.contains("tests")
    };
    let mut findings = Vec::new();
    for file in files.iter().filter(is_checked) {
        let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines: Vec<&str> = code.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let writes = ["hub.log(", "self.log(", "log_for_domain("]
                .iter()
                .any(|call| line.contains(call) && !line.contains("fn "));
            let is_problem =
                |text: &str| text.contains("Level::Warn") || text.contains("Level::Error");
            let statement = &lines[index..lines.len().min(index + 2)];
            if !writes || !statement.iter().any(|line| is_problem(line)) {
                continue;
            }
            let context = &lines[index.saturating_sub(7)..lines.len().min(index + 8)];
            let has_code = |line: &&str| line.contains("Code::") || line.contains("exit.text");
            if !context.iter().any(has_code) {
                findings.push(Finding::error(
                    &file.path,
                    index + 1,
                    "a warning or error in the log without a code",
                    "write `with_code(&text, Code::…)`",
                ));
            }
        }
    }
    findings
}

fn check_number(table: &CodeTable, variant: &Variant<'_>) -> Option<Finding> {
    let is_in_area = |area: &u16| variant.number / 100 == *area;
    (!table.areas.iter().any(is_in_area)).then(|| {
        Finding::error(
            table.file,
            variant.line,
            format!(
                "FUL{:04} is outside the areas of this table",
                variant.number
            ),
            "CODE_TABLES in xtask/src/tidy/policy.rs has the areas",
        )
    })
}

fn check_explanation(file: &File, number: u16) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |message: String, hint: &str| {
        findings.push(Finding::error(&file.path, 1, message, hint));
    };
    let heading = format!("# FUL{number:04}: ");
    let title = file.text.lines().next().unwrap_or_default();
    match title.strip_prefix(&heading) {
        Some(title) if title.chars().count() <= MAX_TITLE => {}
        Some(_) => report("the title is too long".into(), "it is one row of a table"),
        None => report(
            format!("the page does not begin with `{heading}`"),
            "write the code and a title",
        ),
    }
    let mut rest = file.text.as_str();
    for section in SECTIONS {
        match rest.split_once(section) {
            Some((before, after)) if !before.trim().is_empty() && !after.trim().is_empty() => {
                rest = after;
            }
            _ => report(
                format!("the section `{}` is missing", section.trim()),
                "an explanation has a cause, an example and what to do",
            ),
        }
    }
    findings
}

/// `docs/errors/FUL0120.md`
fn number_of(path: &str) -> Option<u16> {
    let name = path.strip_prefix(EXPLANATIONS)?;
    let digits = name.strip_prefix("FUL")?.strip_suffix(".md")?;
    digits.parse().ok()
}

/// The variants that have numbers: `    UnknownKey = 120,`.
fn variants(text: &str) -> Vec<Variant<'_>> {
    let lines = text.lines().enumerate();
    let found = lines.filter_map(|(index, line)| {
        let (name, number) = variant(line)?;
        Some(Variant {
            name,
            number,
            line: index + 1,
        })
    });
    found.collect()
}

fn variant(line: &str) -> Option<(&str, u16)> {
    let (name, number) = line.trim().strip_suffix(',')?.split_once(" = ")?;
    let is_name = name.starts_with(|char: char| char.is_ascii_uppercase())
        && name.chars().all(|char| char.is_ascii_alphanumeric());
    Some((name, number.parse().ok().filter(|_| is_name)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u16) -> File {
        File {
            path: format!("docs/errors/FUL{number:04}.md"),
            text: format!(
                "# FUL{number:04}: a title\n\nA cause.\n\n## Example\n\nx\n\n## What to do\n\nx\n"
            ),
        }
    }

    fn tables(first: &str) -> Vec<File> {
        let files = CODE_TABLES.iter().enumerate().map(|(index, table)| File {
            path: table.file.to_owned(),
            text: if index == 0 {
                first.to_owned()
            } else {
                String::new()
            },
        });
        files.collect()
    }

    fn check_with(first: &str, pages: Vec<File>) -> Vec<String> {
        let mut files = tables(first);
        files.extend(pages);
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_code_with_a_page_is_fine() {
        let found = check_with("    A = 101,\n    B = 102,\n", vec![page(101), page(102)]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_code_without_a_page_a_page_without_a_code_and_a_number_used_twice_are_found() {
        for (text, pages, expected) in [
            (
                "    A = 101,\n",
                vec![],
                "A of crates/fulcrum-config/src/code.rs has no explanation",
            ),
            ("", vec![page(101)], "no table has this code"),
            (
                "    A = 101,\n    B = 101,\n",
                vec![page(101)],
                "FUL0101 is also A of",
            ),
            ("    A = 7,\n", vec![page(7)], "outside the areas"),
        ] {
            let found = check_with(text, pages);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(expected), "{found:?}");
        }
    }

    #[test]
    fn a_warning_without_a_code_is_found() {
        let log = |text: &str| {
            let mut files = tables("");
            files.push(File {
                path: "crates/fulcrum-runtime/src/x.rs".to_owned(),
                text: format!("fn f() {{\n    {text}\n}}\n"),
            });
            check(&files).len()
        };
        assert_eq!(log("hub.log(Level::Warn, text);"), 1);
        assert_eq!(log("hub.log(Level::Info, text);"), 0);
        assert_eq!(log("hub.log(Level::Warn, with_code(&text, Code::X));"), 0);
        assert_eq!(log("log_for_domain(hub, name, 1, Level::Error, text);"), 1);
    }

    #[test]
    fn a_page_needs_a_title_and_every_section() {
        let mut broken = page(101);
        broken.text = broken.text.replace("## What to do", "## Cure");
        assert!(check_with("    A = 101,\n", vec![broken])[0].contains("## What to do"));
        let mut untitled = page(101);
        untitled.text = untitled.text.replace("FUL0101: a title", "A title");
        assert!(check_with("    A = 101,\n", vec![untitled])[0].contains("does not begin with"));
    }
}
