//! What `init` and `generate` have in common.

use std::collections::BTreeMap;
use std::path::Path;

use clap::ValueEnum;
use fulcrum_config::{Diagnostic, check_domain_name};
use fulcrum_scaffold::{Example, Language, WriteError};
use fulcrum_spawn::prepare::SdkLocation;

use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::output::Output;
use crate::{prepare, schema_files};

/// The language of generated code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LanguageArg {
    /// TypeScript
    Ts,
    /// JavaScript
    Js,
}

impl From<LanguageArg> for Language {
    fn from(language: LanguageArg) -> Self {
        match language {
            LanguageArg::Ts => Self::TypeScript,
            LanguageArg::Js => Self::JavaScript,
        }
    }
}

/// Checks the names of new domains.
///
/// # Errors
/// [`ErrorCode::BadName`] for a name that is not valid, or two that differ only in case.
pub(super) fn check_names(names: &[String]) -> Result<(), CliError> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for name in names {
        check_domain_name(name)
            .map_err(|diagnostic| CliError::new(ErrorCode::BadName, message_of(&diagnostic)))?;
        if let Some(other) = seen.insert(name.to_ascii_lowercase(), name) {
            let text = match other == name {
                true => format!("the domain `{name}` is named twice"),
                false => format!("the domains `{other}` and `{name}` differ only in case"),
            };
            return Err(CliError::new(ErrorCode::BadName, text));
        }
    }
    Ok(())
}

/// The message and the hint of a finding, without its code.
fn message_of(diagnostic: &Diagnostic) -> String {
    let hint = diagnostic.hint.as_ref();
    let hint = hint.map(|hint| format!("\n  hint: {hint}"));
    format!("{}{}", diagnostic.message, hint.unwrap_or_default())
}

/// Writes what editors, `tsc` and tests need of Fulcrum itself: the package `@fulcrum/domain`, and the
/// schemas of configuration files. None of it belongs in git; a start writes it again. A failure is a
/// warning.
pub(super) fn make_resolvable(root: &Path, output: &Output) {
    let result = prepare::context().map(|(context, _)| context.sdk.provide(root, &context.cache));
    match result {
        Ok(SdkLocation::InNodeModules) => {}
        Ok(SdkLocation::Fallback(_, error)) => output.eprint(&format!(
            "warning: cannot install @fulcrum/domain in {}: {error}; editors do not find its types",
            root.join("node_modules").display()
        )),
        Err(error) => output.eprint(&format!("warning: {error}")),
    }
    if let Err((file, error)) = schema_files::write(root) {
        output.eprint(&format!(
            "warning: cannot write {}: {error}; editors do not complete fulcrum.yml",
            file.display()
        ));
    }
}

/// The command that sends a message which new code handles.
pub(super) fn call_line(example: &Example) -> String {
    let Example {
        domain,
        request_type,
        payload,
    } = example;
    format!("fulcrum domains call {domain} {request_type} '{payload}'")
}

/// The error of a file that cannot be written.
pub(super) fn write_error(error: &WriteError) -> CliError {
    CliError::new(
        ErrorCode::FileFailed,
        format!(
            "{error}\n  hint: the directory must be writable; files that exist are never changed"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_and_differ_in_more_than_case() {
        let check = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            check_names(&names).map_err(|error| error.message)
        };
        check(&["users", "order-lines"]).expect("valid");
        let error = check(&["my users"]).expect_err("a space");
        assert!(error.contains("such as `my-users`"), "{error}");
        assert!(check(&["all"]).is_err());
        let error = check(&["users", "Users"]).expect_err("case");
        assert!(error.contains("differ only in case"), "{error}");
    }
}
