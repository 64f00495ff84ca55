//! The sample app, running: a copy of `tests/apps/shop` in a folder of its own, under a
//! `fulcrum` that was built for it.
//!
//! Nothing is shared with another run or with the user's own instance: the app, the runtime
//! folder, the cache and the port are the run's own. Every process of the run carries the
//! run's tag in its environment, so that what is left behind can be found.

mod copy;
mod process;

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::{Child, Output};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::command::Run;
use crate::wait::until;
use crate::workspace;

pub(crate) use process::{Signal, send};

/// The environment variable that carries the tag.
const TAG: &str = "FULCRUM_TEST";

/// How long an instance may need for its start: it may have packages to install.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How long any `fulcrum` command may take; longer than its own limits, so that those are told.
const COMMAND_LIMIT: Duration = Duration::from_secs(150);

/// Builds the `fulcrum` program and returns its path.
///
/// # Errors
/// A build that fails.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    Run::cargo()
        .args(["build", "--quiet", "--package", "fulcrum-cli"])
        .passes()?;
    let program = workspace::target()?.join("debug").join("fulcrum");
    if !program.is_file() {
        bail!(
            "the build made no {}; is a target platform set in cargo's configuration?",
            program.display()
        );
    }
    Ok(program)
}

/// A copy of the sample app, and how to run `fulcrum` on it.
pub(crate) struct Sample {
    program: PathBuf,
    folder: tempfile::TempDir,
    tag: String,
}

impl Sample {
    /// Copies the sample app; installed packages come along where there are some.
    ///
    /// # Errors
    /// Files that can't be read or written.
    pub(crate) fn copy(program: PathBuf) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("fulcrum-")
            .tempdir()
            .context("no temporary folder for the sample app")?;
        let shop = workspace::root().join("tests").join("apps").join("shop");
        copy::copy_tree(&shop, &folder.path().join("shop"), &[".fulcrum"])?;
        fs::DirBuilder::new()
            .mode(0o700)
            .create(folder.path().join("run"))?;
        let random = fs::read_to_string("/proc/sys/kernel/random/uuid")
            .context("no random number for the run's tag")?;
        Ok(Sample {
            program,
            folder,
            tag: random.trim().to_owned(),
        })
    }

    /// Does something with the sample. If that fails, the folder is kept to be looked at.
    ///
    /// # Errors
    /// Those of `run`.
    pub(crate) fn used_by<T>(
        mut self,
        run: impl FnOnce(&Sample) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let result = run(&self);
        if result.is_err() {
            self.folder.disable_cleanup(true);
            eprintln!("kept to be looked at: {}", self.folder.path().display());
        }
        result
    }

    /// The copy's root.
    pub(crate) fn app(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    /// `fulcrum` with these arguments, in the app, in the run's own surroundings.
    pub(crate) fn fulcrum(&self, args: &[&str]) -> Run {
        Run::new(&self.program, self.app())
            .args(args)
            .env("FULCRUM_APP_PATH", self.app())
            .env("XDG_RUNTIME_DIR", self.folder.path().join("run"))
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            // A free port: 50051 may be the user's own.
            .env("FULCRUM_RUNTIME__GRPC__LISTEN", "127.0.0.1:0")
            .env(TAG, &self.tag)
            .within(COMMAND_LIMIT)
    }

    /// Starts the app in the background and waits until all its domains are ready.
    ///
    /// # Errors
    /// What `fulcrum dev` says when it isn't ready in time.
    pub(crate) fn start(&self) -> anyhow::Result<Running<'_>> {
        let limit = format!("{}s", START_LIMIT.as_secs());
        let app = self.app();
        let app = app
            .to_str()
            .context("the temporary folder's path isn't UTF-8")?;
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
        .passes()?;
        Ok(running)
    }

    /// Starts the app in the foreground, as a person at a terminal does, and waits until all
    /// its domains are ready. What it prints goes to the returned file.
    ///
    /// # Errors
    /// An instance that ends, or whose domains aren't ready in time; with what it printed.
    pub(crate) fn start_in_foreground(&self) -> anyhow::Result<(Running<'_>, Child, PathBuf)> {
        let log = self.folder.path().join("foreground.log");
        let running = Running { sample: self };
        let dev = self.fulcrum(&["dev"]);
        let mut child = dev.start(&log)?;
        let ready = until("all domains are ready", START_LIMIT, || {
            if let Some(status) = child.try_wait()? {
                bail!("`fulcrum dev` ended by itself ({status})");
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
            format!("repeat with\n  {}\nit printed:\n{}", dev.line(), printed())
        })?;
        Ok((running, child, log))
    }

    /// The processes of this run that are alive.
    ///
    /// # Errors
    /// A system without /proc.
    pub(crate) fn processes(&self) -> anyhow::Result<Vec<process::Tagged>> {
        process::tagged(TAG, &self.tag)
    }

    /// Waits until no process of this run is left.
    ///
    /// # Errors
    /// Those that are left at the limit.
    pub(crate) fn nothing_left(&self) -> anyhow::Result<()> {
        let gone = until(
            "no process carries the run's tag",
            Duration::from_secs(5),
            || Ok(self.processes()?.is_empty().then_some(())),
        );
        gone.with_context(|| {
            let left = self.processes().unwrap_or_default();
            let lines: String = left
                .iter()
                .map(|process| format!("\n  {process}"))
                .collect();
            format!("left behind:{lines}")
        })
    }
}

/// The sample's domains that have a process, ordered by name.
pub(crate) const DOMAINS: [&str; 3] = ["catalog", "notifications", "orders"];

/// A started sample. Dropping it leaves no process behind, whatever went wrong.
pub(crate) struct Running<'a> {
    sample: &'a Sample,
}

impl Running<'_> {
    /// `fulcrum` with these arguments; see [`Sample::fulcrum`].
    pub(crate) fn fulcrum(&self, args: &[&str]) -> Run {
        self.sample.fulcrum(args)
    }

    /// Runs `fulcrum` and reads the JSON that it prints.
    ///
    /// # Errors
    /// A command that fails, or prints what isn't JSON.
    pub(crate) fn json(&self, args: &[&str]) -> anyhow::Result<Value> {
        let run = self.fulcrum(args);
        let output = run.output()?;
        if !output.status.success() {
            return Err(run.failure(&output));
        }
        serde_json::from_slice(&output.stdout)
            .with_context(|| run.failure(&output).to_string())
            .context("what was printed isn't JSON")
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
            .with_context(|| format!("{name} isn't in the list: {list}"))
    }

    /// Runs `fulcrum` and checks the code it exits with.
    ///
    /// # Errors
    /// Another code.
    pub(crate) fn exits_with(&self, code: i32, args: &[&str]) -> anyhow::Result<Output> {
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
            // The last resort after a failure, which was told already; after `down` nothing is left.
            let _gone_by_itself = send(process.pid, Signal::KILL);
        }
    }
}
