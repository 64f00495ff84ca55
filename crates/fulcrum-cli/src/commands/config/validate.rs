//! `fulcrum config validate`

use clap::ValueEnum;
use fulcrum_config::{Diagnostic, Mode, Severity};
use serde::Serialize;

use crate::commands::context::Context;
use crate::exit::{CliError, Code};
use crate::load::{self, tally};
use fulcrum_runtime::format::pluralize;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Diagnostics on standard error, a summary on standard output
    Table,
    /// All diagnostics as a JSON array
    Json,
}

/// A diagnostic as JSON.
#[derive(Debug, Serialize)]
struct DiagnosticJson<'a> {
    severity: &'static str,
    code: &'static str,
    file: Option<String>,
    /// From 1; null for a whole file.
    line: Option<u32>,
    column: Option<u32>,
    message: &'a str,
    hint: Option<&'a str>,
}

impl<'a> From<&'a Diagnostic> for DiagnosticJson<'a> {
    fn from(problem: &'a Diagnostic) -> Self {
        let place = problem.at.as_ref();
        Self {
            severity: match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: problem.code,
            file: place.map(|place| place.file.to_string_lossy().into_owned()),
            line: place.map(|place| place.line).filter(|line| *line > 0),
            column: place.map(|place| place.column).filter(|column| *column > 0),
            message: &problem.message,
            hint: problem.hint.as_deref(),
        }
    }
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let output = &context.output;
    let loaded = load::read(context.app(), Mode::Dev)?;
    if args.output == Format::Json {
        let findings: Vec<_> = loaded.problems.iter().map(DiagnosticJson::from).collect();
        output.json(&findings)?;
    } else {
        for problem in &loaded.problems {
            output.eprint(&problem.to_string());
        }
    }
    let found = tally(&loaded.problems);
    match loaded.app {
        None if args.output == Format::Json => Err(CliError::already_reported(Code::ConfigInvalid)),
        None => Err(CliError::new(
            Code::ConfigInvalid,
            format!("the configuration has {found}"),
        )),
        Some(app) if args.output == Format::Table => {
            let domains = pluralize(app.domains.len(), "domain");
            output.data(format!("{domains}, {found}\n").as_bytes())
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use fulcrum_config::Location;

    use super::*;

    #[test]
    fn a_finding_has_every_key() {
        let problem = Diagnostic {
            severity: Severity::Warning,
            code: "no-domains",
            at: Some(Location {
                file: PathBuf::from("fulcrum.yml"),
                line: 0,
                column: 0,
            }),
            message: "none".into(),
            hint: None,
        };
        assert_eq!(
            serde_json::to_string(&DiagnosticJson::from(&problem)).expect("JSON"),
            r#"{"severity":"warning","code":"no-domains","file":"fulcrum.yml","line":null,"column":null,"message":"none","hint":null}"#
        );
    }
}
