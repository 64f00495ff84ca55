//! `fulcrum config validate`

use clap::ValueEnum;
use fulcrum_config::{Diagnostic, Mode};
use fulcrum_runtime::format::pluralize;
use serde::Serialize;

use crate::commands::context::Context;
use crate::exit::{CliError, Code};
use crate::load::{self, summarize};

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
    severity: String,
    /// `FUL0120`, which `fulcrum explain` explains.
    code: String,
    /// `unknown-key`
    kind: String,
    file: Option<String>,
    /// From 1; null for a whole file.
    line: Option<u32>,
    column: Option<u32>,
    message: &'a str,
    hint: Option<&'a str>,
}

impl<'a> From<&'a Diagnostic> for DiagnosticJson<'a> {
    fn from(diagnostic: &'a Diagnostic) -> Self {
        let at = diagnostic.at.as_ref();
        Self {
            severity: diagnostic.severity.to_string(),
            code: diagnostic.code.to_string(),
            kind: diagnostic.code.kind(),
            file: at.map(|at| at.file.to_string_lossy().into_owned()),
            line: at.map(|at| at.line).filter(|line| *line > 0),
            column: at.map(|at| at.column).filter(|column| *column > 0),
            message: &diagnostic.message,
            hint: diagnostic.hint.as_deref(),
        }
    }
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let output = &context.output;
    let loaded = load::read(context.app(), Mode::Dev)?;
    if args.output == Format::Json {
        let diagnostics: Vec<_> = loaded
            .diagnostics
            .iter()
            .map(DiagnosticJson::from)
            .collect();
        output.json(&diagnostics)?;
    } else {
        let root = load::root(context.app());
        output.diagnostics(&loaded.diagnostics, root.as_deref());
    }
    let summary = summarize(&loaded.diagnostics);
    match loaded.app {
        None if args.output == Format::Json => Err(CliError::already_reported(Code::ConfigInvalid)),
        None => Err(load::invalid(&loaded.diagnostics)),
        Some(app) if args.output == Format::Table => {
            let domains = pluralize(app.domains.len(), "domain");
            output.data(format!("{domains}, {summary}\n").as_bytes())
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use fulcrum_config::{Location, Severity};

    use super::*;

    #[test]
    fn a_diagnostic_has_every_key() {
        let diagnostic = Diagnostic {
            severity: Severity::Warning,
            code: fulcrum_config::Code::NoDomains,
            at: Some(Location {
                file: PathBuf::from("fulcrum.yml"),
                line: 0,
                column: 0,
            }),
            message: "none".into(),
            hint: None,
        };
        assert_eq!(
            serde_json::to_string(&DiagnosticJson::from(&diagnostic)).expect("JSON"),
            r#"{"severity":"warning","code":"FUL0141","kind":"no-domains","file":"fulcrum.yml","line":null,"column":null,"message":"none","hint":null}"#
        );
    }
}
