//! `fulcrum explain`

use clap::ValueEnum;
use serde::Serialize;

use crate::commands::context::Context;
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::output::{Cell, Table, render_markdown};

/// The code of each error, and its explanation in Markdown, in order.
const EXPLANATIONS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/explanations.rs"));

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name an error code such as FUL0120 [default: all codes]
    code: Option<String>,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The explanation, laid out for the terminal
    Text,
    /// {"code", "title", "text"}, the text as Markdown
    Json,
}

#[derive(Debug, Serialize)]
struct ExplanationJson {
    code: &'static str,
    title: &'static str,
    text: &'static str,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let output = &context.output;
    let stdout = output.stdout();
    let Some(code) = &args.code else {
        return match args.output {
            Format::Json => output.json(&EXPLANATIONS.iter().map(to_json).collect::<Vec<_>>()),
            Format::Text => output.data(index().render(stdout.color, stdout.width).as_bytes()),
        };
    };
    let found = find(code).ok_or_else(|| {
        CliError::new(
            ErrorCode::UnknownCode,
            format!("{code:?} is not an error code\n  hint: `fulcrum explain` lists them all"),
        )
    })?;
    match args.output {
        Format::Json => output.json(&to_json(found)),
        Format::Text => {
            let text = render_markdown(found.1, stdout.color, stdout.width);
            output.data(text.as_bytes())
        }
    }
}

fn index() -> Table {
    let mut table = Table::new(&["CODE", "MEANING"]);
    for (code, text) in EXPLANATIONS {
        table.push([Cell::new(code), Cell::new(title(text))]);
    }
    table
}

/// The explanation of a code as it was printed, or of its number alone: `FUL0120`, `error[FUL0120]`,
/// `ful120`, `0120`.
fn find(code: &str) -> Option<&'static (&'static str, &'static str)> {
    let digits: String = code.chars().filter(char::is_ascii_digit).collect();
    let number: u16 = digits.parse().ok()?;
    let wanted = format!("FUL{number:04}");
    EXPLANATIONS.iter().find(|(known, _)| *known == wanted)
}

fn to_json((code, text): &(&'static str, &'static str)) -> ExplanationJson {
    ExplanationJson {
        code,
        title: title(text),
        text,
    }
}

/// What follows the code in the first line: `# FUL0120: unknown key`.
fn title(text: &'static str) -> &'static str {
    let first = text.lines().next().unwrap_or_default();
    first.split_once(": ").map_or(first, |(_, title)| title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_explanation_has_a_title_and_is_found_as_it_is_printed() {
        assert!(EXPLANATIONS.len() > 50, "{}", EXPLANATIONS.len());
        for explanation in EXPLANATIONS {
            let (code, text) = explanation;
            assert!(text.starts_with(&format!("# {code}: ")), "{code}");
            assert!(!title(text).is_empty() && title(text).len() < 80, "{code}");
            for written in [
                (*code).to_owned(),
                format!("error[{code}]"),
                code.to_lowercase(),
                code.replace("FUL0", "FUL"),
            ] {
                assert_eq!(find(&written), Some(explanation), "{written}");
            }
        }
        for unknown in ["", "FUL", "FUL0000", "x9999"] {
            assert_eq!(find(unknown), None, "{unknown}");
        }
    }
}
