//! From the command line to a configuration: what fulcrum-config asks for, and what it finds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fulcrum_config::{App, Diagnostic, LoadOptions, LoadResult, Mode, Severity};

use crate::exit::{CliError, Code};
use crate::output::{Output, pluralize};

/// The app's root, whatever state its configuration is in.
///
/// # Errors
/// [`Code::ConfigInvalid`] where there is no app.
pub(crate) fn app_root(app: Option<&Path>) -> Result<PathBuf, CliError> {
    fulcrum_config::find_app_root(app, &environment(), &working_folder()?)
        .map_err(|problem| CliError::new(Code::ConfigInvalid, problem.to_string()))
}

/// Reads the configuration.
///
/// # Errors
/// Without a working folder.
pub(crate) fn read(app: Option<&Path>, mode: Mode) -> Result<LoadResult, CliError> {
    Ok(fulcrum_config::load(&request(app, mode)?))
}

/// What the configuration is read with.
///
/// # Errors
/// Without a working folder.
pub(crate) fn request(app: Option<&Path>, mode: Mode) -> Result<LoadOptions, CliError> {
    Ok(LoadOptions {
        app: app.map(Path::to_owned),
        cwd: working_folder()?,
        env: environment(),
        flags: Vec::new(),
        mode,
    })
}

/// Reads a configuration that is to be used: the app, and findings that don't keep it from
/// running.
///
/// # Errors
/// [`Code::ConfigInvalid`] when there is any error; all findings have been printed then.
pub(crate) fn valid(
    app: Option<&Path>,
    mode: Mode,
    output: &Output,
) -> Result<(App, Vec<Diagnostic>), CliError> {
    let LoadResult {
        app,
        diagnostics: problems,
    } = read(app, mode)?;
    match app {
        Some(app) => Ok((app, problems)),
        None => {
            for problem in &problems {
                output.eprint(&problem.to_string());
            }
            Err(CliError::new(
                Code::ConfigInvalid,
                format!("the configuration has {}", tally(&problems)),
            ))
        }
    }
}

/// `2 errors, 1 warning`; `no problems`.
pub(crate) fn tally(problems: &[Diagnostic]) -> String {
    let of = |severity| {
        problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    };
    match (of(Severity::Error), of(Severity::Warning)) {
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

/// Variables that aren't UTF-8 can't be meant for a configuration, which is.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn working_folder() -> Result<PathBuf, CliError> {
    std::env::current_dir().map_err(|error| {
        CliError::failed(format!(
            "the working folder can't be used: {error}\n  hint: change to a folder that exists"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(severity: Severity) -> Diagnostic {
        Diagnostic {
            severity,
            code: "x",
            at: None,
            message: String::new(),
            hint: None,
        }
    }

    #[test]
    fn findings_are_counted_by_what_they_are() {
        use Severity::{Error, Warning};
        for (severities, text) in [
            (&[][..], "no problems"),
            (&[Error][..], "1 error"),
            (&[Warning, Warning][..], "2 warnings"),
            (&[Error, Warning, Error][..], "2 errors, 1 warning"),
        ] {
            let problems: Vec<_> = severities
                .iter()
                .map(|severity| problem(*severity))
                .collect();
            assert_eq!(tally(&problems), text);
        }
    }
}
