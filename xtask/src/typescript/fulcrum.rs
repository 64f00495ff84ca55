//! Fulcrum's command for a row: planned as at a start, and executed as it is.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use fulcrum_spawn::prepare::{NodeProgram, PrepareContext, plan_node};

use super::execute::{LIMIT, Printed, execute};

/// How Fulcrum runs rows.
pub(super) struct Fulcrum {
    context: PrepareContext,
}

/// A row that was run, or whose start was refused.
pub(super) struct Run {
    pub(super) printed: Printed,
    pub(super) warnings: String,
    /// How long the plan took, in an unoptimized build.
    pub(super) planned: Duration,
}

/// A planned command, or the error message of the start.
pub(super) type Plan = Result<(Command, String), String>;

impl Fulcrum {
    /// With this program as the helper of the bootstrap.
    pub(super) fn new(program: PathBuf, cache: &Path) -> Self {
        let helper = vec![program.into(), "__typescript".into()];
        Self {
            context: PrepareContext::new(cache, helper),
        }
    }

    /// Plans the command of an entry in `directory` on a Node, with its warnings.
    pub(super) fn plan(
        &self,
        directory: &Path,
        entry: &str,
        node: &Path,
        node_args: &[String],
    ) -> Plan {
        let entry = directory.join(entry);
        let modules = directory.with_extension("modules");
        let program = NodeProgram {
            name: "row",
            entry: &entry,
            dir: entry.parent().unwrap_or(directory),
            app_root: directory,
            node: Some(node),
            node_args,
            args: &[],
            cwd: directory,
            env: environment(directory),
            modules: Some(&modules),
            parent: std::process::id(),
        };
        match plan_node(&program, &self.context) {
            Ok((spec, warnings)) => {
                let mut command = Command::new(&spec.program);
                command.args(&spec.args).current_dir(&spec.cwd);
                command.env_clear().envs(&spec.env);
                let warnings = warnings
                    .iter()
                    .map(|warning| format!("{}\n", warning.text()));
                Ok((command, warnings.collect()))
            }
            Err(error) => {
                let hint = error.hint.as_deref().unwrap_or_default();
                Err(format!("{}\n{hint}", error.message))
            }
        }
    }

    /// Plans and executes an entry.
    ///
    /// # Errors
    /// A planned program that cannot be started.
    pub(super) fn run(&self, directory: &Path, entry: &str, node: &Path) -> anyhow::Result<Run> {
        let started = Instant::now();
        let plan = self.plan(directory, entry, node, &[]);
        let planned = started.elapsed();
        let (printed, warnings) = match plan {
            Ok((mut command, warnings)) => (execute(&mut command, LIMIT)?, warnings),
            Err(stderr) => {
                let printed = Printed {
                    stderr,
                    ..Printed::default()
                };
                (printed, String::new())
            }
        };
        Ok(Run {
            printed,
            warnings,
            planned,
        })
    }
}

/// The whole environment of a program: nothing of Node or of tsx from the outside.
pub(super) fn environment(home: &Path) -> BTreeMap<OsString, OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    BTreeMap::from([
        ("HOME".into(), home.into()),
        ("PATH".into(), path),
        ("TMPDIR".into(), std::env::temp_dir().into()),
    ])
}
