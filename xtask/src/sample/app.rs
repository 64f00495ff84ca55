//! Copying, starting and commanding the sample app.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Output};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use super::copy::copy_tree;
use super::process::{Signal, Tagged, send, tagged};
use crate::command::CommandRunner;
use crate::wait::until;
use crate::workspace;

/// The environment variable that carries the tag.
const TAG: &str = "FULCRUM_TEST";

/// The maximum time of an instance's start, which may include an install of packages.
const START_LIMIT: Duration = Duration::from_secs(120);

/// The maximum time of a `fulcrum` command; longer than its own limits, so that their errors are seen.
const COMMAND_LIMIT: Duration = Duration::from_secs(150);

/// Builds the `fulcrum` program and returns its path.
///
/// # Errors
/// A build that fails.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    CommandRunner::cargo()
        .args(["build", "--quiet", "--package", "fulcrum-cli"])
        .run_checked()?;
    let program = workspace::target()?.join("debug").join("fulcrum");
    if !program.is_file() {
        bail!(
            "the build created no {}; is a target platform set in cargo's configuration?",
            program.display()
        );
    }
    Ok(program)
}

/// A copy of the sample app, and how to run `fulcrum` on it.
pub(crate) struct Sample {
    program: PathBuf,
    directory: tempfile::TempDir,
    tag: String,
    /// The app's root, below the temporary directory.
    app: PathBuf,
    env: Vec<(&'static str, String)>,
}

/// The directory of the repository around an app that is not the sample app.
const REPOSITORY: &str = "repository";

impl Sample {
    /// Copies the sample app, with its installed packages if it has some.
    ///
    /// # Errors
    /// Files that cannot be read or written.
    pub(crate) fn copy(program: PathBuf) -> anyhow::Result<Self> {
        let sample = Self::in_directory(program, PathBuf::from("shop"))?;
        let shop = workspace::root().join("tests").join("apps").join("shop");
        copy_tree(&shop, &sample.app(), &[".fulcrum"])?;
        Ok(sample)
    }

    /// An app without files, `below` the root of its repository.
    ///
    /// # Errors
    /// A directory that cannot be created.
    pub(crate) fn empty(program: PathBuf, below: &str) -> anyhow::Result<Self> {
        let sample = Self::in_directory(program, Path::new(REPOSITORY).join(below))?;
        fs::create_dir_all(sample.app())?;
        Ok(sample)
    }

    /// Sets a variable of everything that is run.
    pub(crate) fn with_env(mut self, name: &'static str, value: &str) -> Self {
        self.env.push((name, value.to_owned()));
        self
    }

    fn in_directory(program: PathBuf, app: PathBuf) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("fulcrum-")
            .tempdir()
            .context("cannot create a temporary directory for the app")?;
        fs::DirBuilder::new()
            .mode(0o700)
            .create(directory.path().join("run"))?;
        let random = fs::read_to_string("/proc/sys/kernel/random/uuid")
            .context("cannot read a random tag for the run")?;
        Ok(Sample {
            program,
            directory,
            tag: random.trim().to_owned(),
            app,
            env: Vec::new(),
        })
    }

    /// Calls `run` with the sample. If that fails, the directory is not removed.
    ///
    /// # Errors
    /// Those of `run`.
    pub(crate) fn run_with<T>(
        mut self,
        run: impl FnOnce(&Sample) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let result = run(&self);
        if result.is_err() {
            self.directory.disable_cleanup(true);
            eprintln!(
                "not removed, for inspection: {}",
                self.directory.path().display()
            );
        }
        result
    }

    /// The app's root.
    pub(crate) fn app(&self) -> PathBuf {
        self.directory.path().join(&self.app)
    }

    /// The root of the repository around an app that is not the sample app.
    pub(crate) fn repository(&self) -> PathBuf {
        self.directory.path().join(REPOSITORY)
    }

    /// Commands for an app that is not running yet. Dropping it kills all processes.
    pub(crate) fn running(&self) -> Running<'_> {
        Running { sample: self }
    }

    /// `fulcrum` with these arguments, in the app, in the run's own environment.
    pub(crate) fn fulcrum(&self, args: &[&str]) -> CommandRunner {
        self.in_environment(&self.program, args)
    }

    /// Any program, as [`Sample::fulcrum`] runs it.
    pub(crate) fn in_environment(
        &self,
        program: impl AsRef<OsStr>,
        args: &[&str],
    ) -> CommandRunner {
        let run = CommandRunner::new(program, self.app()).args(args);
        let run = self
            .env
            .iter()
            .fold(run, |run, (name, value)| run.env(name, value));
        run.env("FULCRUM_APP_PATH", self.app())
            .env("XDG_RUNTIME_DIR", self.directory.path().join("run"))
            .env("XDG_CACHE_HOME", self.directory.path().join("cache"))
            // A free port: 50051 may be the user's own.
            .env("FULCRUM_RUNTIME__GRPC__LISTEN", "127.0.0.1:0")
            .env(TAG, &self.tag)
            .timeout(COMMAND_LIMIT)
    }

    /// Starts the app in the background and waits until all its domains are ready.
    ///
    /// # Errors
    /// The error of `fulcrum dev` if it is not ready in time.
    pub(crate) fn start(&self) -> anyhow::Result<Running<'_>> {
        let limit = format!("{}s", START_LIMIT.as_secs());
        let app = self.app();
        let app = app
            .to_str()
            .context("the temporary directory's path is not UTF-8")?;
        let running = Running { sample: self };
        self.fulcrum(&[
            "dev",
            "--detach",
            "--wait",
            "--timeout",
            &limit,
            "--app",
            app,
        ])
        .run_checked()?;
        Ok(running)
    }

    /// Starts the app in the foreground, as from a terminal, and waits until all its domains are
    /// ready. Its output is redirected to the returned file.
    ///
    /// # Errors
    /// An instance that exits, or whose domains are not ready in time; with its output.
    pub(crate) fn start_in_foreground(&self) -> anyhow::Result<(Running<'_>, Child, PathBuf)> {
        let log = self.directory.path().join("foreground.log");
        let running = Running { sample: self };
        let dev = self.fulcrum(&["dev"]);
        let mut child = dev.start(&log)?;
        let ready = until("all domains are ready", START_LIMIT, || {
            if let Some(status) = child.try_wait()? {
                bail!("`fulcrum dev` exited ({status})");
            }
            let list = running
                .fulcrum(&["domains", "list", "-o", "json"])
                .output()?;
            let Ok(Value::Array(domains)) = serde_json::from_slice(&list.stdout) else {
                return Ok(None);
            };
            let ready = |name: &str| {
                domains
                    .iter()
                    .any(|domain| domain["name"] == name && domain["ready"] == true)
            };
            Ok(DOMAINS.iter().all(|name| ready(name)).then_some(()))
        });
        let printed = || fs::read_to_string(&log).unwrap_or_default();
        ready.with_context(|| {
            format!(
                "repeat with\n  {}\nit printed:\n{}",
                dev.command_line(),
                printed()
            )
        })?;
        Ok((running, child, log))
    }

    /// The running processes of this run.
    ///
    /// # Errors
    /// A system without /proc.
    pub(crate) fn processes(&self) -> anyhow::Result<Vec<Tagged>> {
        tagged(TAG, &self.tag)
    }

    /// Waits until no process of this run remains.
    ///
    /// # Errors
    /// Those that remain at the limit.
    pub(crate) fn assert_no_processes(&self) -> anyhow::Result<()> {
        let gone = until(
            "no process has the run's tag",
            Duration::from_secs(5),
            || Ok(self.processes()?.is_empty().then_some(())),
        );
        gone.with_context(|| {
            let left = self.processes().unwrap_or_default();
            let lines: String = left
                .iter()
                .map(|process| format!("\n  {process}"))
                .collect();
            format!("remaining processes:{lines}")
        })
    }
}

/// The sample's domains that have a process, ordered by name.
pub(crate) const DOMAINS: [&str; 3] = ["catalog", "notifications", "orders"];

/// A started sample. Dropping it kills all its processes.
pub(crate) struct Running<'a> {
    sample: &'a Sample,
}

impl Running<'_> {
    /// `fulcrum` with these arguments; see [`Sample::fulcrum`].
    pub(crate) fn fulcrum(&self, args: &[&str]) -> CommandRunner {
        self.sample.fulcrum(args)
    }

    /// Runs `fulcrum` and reads the JSON that it prints.
    ///
    /// # Errors
    /// A command that fails, or prints invalid JSON.
    pub(crate) fn json(&self, args: &[&str]) -> anyhow::Result<Value> {
        let run = self.fulcrum(args);
        let output = run.output()?;
        if !output.status.success() {
            return Err(run.failure(&output));
        }
        serde_json::from_slice(&output.stdout)
            .with_context(|| run.failure(&output).to_string())
            .context("the output is not JSON")
    }

    /// One domain's element of `domains list`.
    ///
    /// # Errors
    /// A command that fails, or a list without the domain.
    pub(crate) fn domain(&self, name: &str) -> anyhow::Result<Value> {
        let list = self.json(&["domains", "list", "-o", "json"])?;
        let found = list
            .as_array()
            .and_then(|list| list.iter().find(|domain| domain["name"] == name));
        found
            .cloned()
            .with_context(|| format!("{name} is not in the list: {list}"))
    }

    /// Runs `fulcrum` and checks its exit code.
    ///
    /// # Errors
    /// Another code.
    pub(crate) fn expect_exit_code(&self, code: i32, args: &[&str]) -> anyhow::Result<Output> {
        let run = self.fulcrum(args);
        let output = run.output()?;
        if output.status.code() != Some(code) {
            return Err(run
                .failure(&output)
                .context(format!("expected exit code {code}")));
        }
        Ok(output)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        for process in self.sample.processes().unwrap_or_default() {
            // Needed only after a failure, which has been reported; after `down` no process remains.
            let _has_exited = send(process.pid, Signal::KILL);
        }
    }
}
