//! The names, or the directory, after `dev` and `serve`.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::start_args::SelectionArgs;
use crate::error_code::ErrorCode;
use crate::exit::CliError;

/// What to start.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TargetArgs {
    /// Select domains to start with their dependencies, or the app's directory [default: all]
    #[arg(value_name = "NAME|DIR", group = "selected")]
    pub(crate) targets: Vec<String>,
}

impl TargetArgs {
    /// Adds the names to the selection, or makes the directory the app.
    ///
    /// # Errors
    /// Two directories, or one beside `--app`.
    pub(super) fn apply(
        self,
        selection: &mut SelectionArgs,
        context: &mut Context,
    ) -> Result<(), CliError> {
        for target in self.targets {
            if matches!(target.as_str(), "true" | "false") {
                let text = format!("{target} is no domain\n  hint: write `--watch={target}`");
                return Err(CliError::new(ErrorCode::Usage, text));
            }
            if !is_directory(&target) {
                selection.only.push(target);
                continue;
            }
            if let Some(app) = &context.app {
                return Err(CliError::new(
                    ErrorCode::Usage,
                    format!("{target} and {} are both the app", app.display()),
                ));
            }
            context.app = Some(PathBuf::from(target));
        }
        Ok(())
    }
}

/// Names of domains contain neither dots nor slashes.
fn is_directory(target: &str) -> bool {
    target.contains(['/', '.']) || Path::new(target).join("fulcrum.yml").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_app_and_a_word_is_a_domain() {
        for (target, is_dir) in [
            (".", true),
            ("..", true),
            ("./shop", true),
            ("/srv/shop", true),
            ("shop/fulcrum.yml", true),
            ("users", false),
        ] {
            assert_eq!(is_directory(target), is_dir, "{target}");
        }
    }
}
