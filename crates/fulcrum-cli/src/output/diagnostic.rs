//! Findings about a configuration as JSON.

use fulcrum_config::Diagnostic;
use serde::Serialize;

/// A diagnostic as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct DiagnosticJson<'a> {
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
