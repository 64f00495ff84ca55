//! Loads the configuration for a command, with the environment and the working directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fulcrum_config::{App, Diagnostic, LoadOptions, LoadResult, Mode, Severity};
use fulcrum_runtime::AutoPorts;
use fulcrum_runtime::format::pluralize;

use crate::error_code::ErrorCode;
use crate::exit::{CliError, Code};
use crate::output::Output;

/// The app's root, whether or not its configuration is valid.
///
/// # Errors
/// [`Code::ConfigInvalid`] if there is no app.
pub(crate) fn app_root(app: Option<&Path>) -> Result<PathBuf, CliError> {
    fulcrum_config::find_app_root(app, &environment(), &working_dir()?)
        .map_err(|diagnostic| CliError::relayed(Code::ConfigInvalid, &diagnostic.to_string()))
}

/// What the files of diagnostics are relative to; none without an app.
pub(crate) fn root(app: Option<&Path>) -> Option<PathBuf> {
    app_root(app).ok()
}

/// Loads the configuration.
///
/// # Errors
/// The working directory is not usable.
pub(crate) fn read(app: Option<&Path>, mode: Mode) -> Result<LoadResult, CliError> {
    Ok(fulcrum_config::load(&request(app, mode)?))
}

/// The options with which the configuration is loaded.
///
/// # Errors
/// The working directory is not usable.
fn request(app: Option<&Path>, mode: Mode) -> Result<LoadOptions, CliError> {
    Ok(LoadOptions {
        app: app.map(Path::to_owned),
        cwd: working_dir()?,
        env: environment(),
        flags: Vec::new(),
        mode,
        auto_ports: None,
    })
}

/// Loads a configuration that must be valid: the app, and its warnings.
///
/// # Errors
/// [`Code::ConfigInvalid`] if there is any error; all diagnostics have been printed then.
pub(crate) fn load_valid(
    app: Option<&Path>,
    mode: Mode,
    output: &Output,
) -> Result<(App, Vec<Diagnostic>), CliError> {
    valid(app, read(app, mode)?, output)
}

/// As [`load_valid`], for an instance: values that refer to automatic ports have those of the instance.
///
/// # Errors
/// Those of [`load_valid`].
pub(crate) fn load_for_instance(
    app: Option<&Path>,
    mode: Mode,
    auto_ports: &AutoPorts,
    output: &Output,
) -> Result<(App, Vec<Diagnostic>), CliError> {
    let options = instance_request(app, mode, auto_ports)?;
    valid(app, fulcrum_config::load(&options), output)
}

/// The options with which an instance loads the configuration, and loads it again.
///
/// # Errors
/// The working directory is not usable.
pub(crate) fn instance_request(
    app: Option<&Path>,
    mode: Mode,
    auto_ports: &AutoPorts,
) -> Result<LoadOptions, CliError> {
    Ok(LoadOptions {
        auto_ports: Some(Arc::new(auto_ports.clone())),
        ..request(app, mode)?
    })
}

fn valid(
    app: Option<&Path>,
    loaded: LoadResult,
    output: &Output,
) -> Result<(App, Vec<Diagnostic>), CliError> {
    let LoadResult {
        app: loaded_app,
        diagnostics: problems,
    } = loaded;
    match loaded_app {
        Some(app) => Ok((app, problems)),
        None => {
            output.diagnostics(&problems, root(app).as_deref());
            Err(invalid(&problems))
        }
    }
}

/// The error for diagnostics that were printed, which says how to learn more about the first.
pub(crate) fn invalid(diagnostics: &[Diagnostic]) -> CliError {
    let mut message = format!("invalid configuration ({})", summarize(diagnostics));
    let errors = |one: &&Diagnostic| one.severity == Severity::Error;
    if let Some(first) = diagnostics.iter().find(errors) {
        message.push_str(&format!("\n  hint: see `fulcrum explain {}`", first.code));
    }
    CliError::new(ErrorCode::InvalidConfiguration, message)
}

/// The number of diagnostics by severity: `2 errors, 1 warning`; `no problems`.
pub(crate) fn summarize(diagnostics: &[Diagnostic]) -> String {
    let count = |severity| {
        diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == severity)
            .count()
    };
    match (count(Severity::Error), count(Severity::Warning)) {
        (0, 0) => "no problems".to_owned(),
        (errors, 0) => pluralize(errors, "error"),
        (0, warnings) => pluralize(warnings, "warning"),
        (errors, warnings) => format!(
            "{}, {}",
            pluralize(errors, "error"),
            pluralize(warnings, "warning")
        ),
    }
}

/// The environment. Variables that are not UTF-8 cannot be used in a configuration.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn working_dir() -> Result<PathBuf, CliError> {
    std::env::current_dir().map_err(|error| {
        CliError::new(
            ErrorCode::WorkingDirectory,
            format!(
                "cannot use the working directory: {error}\n  hint: change to an existing directory"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(severity: Severity) -> Diagnostic {
        Diagnostic {
            severity,
            code: fulcrum_config::Code::InvalidValue,
            at: None,
            message: String::new(),
            hint: None,
        }
    }

    #[test]
    fn diagnostics_are_counted_by_severity() {
        use Severity::{Error, Warning};
        for (severities, text) in [
            (&[][..], "no problems"),
            (&[Error][..], "1 error"),
            (&[Warning, Warning][..], "2 warnings"),
            (&[Error, Warning, Error][..], "2 errors, 1 warning"),
        ] {
            let diagnostics: Vec<_> = severities.iter().copied().map(diagnostic).collect();
            assert_eq!(summarize(&diagnostics), text);
        }
    }
}
