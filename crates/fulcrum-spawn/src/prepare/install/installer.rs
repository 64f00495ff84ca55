//! Runs package installs, one at a time for each install root.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::manager::PackageManager;
use super::needed::MissingPackages;
use super::output::{InstallOutput, OutputTail, quoted_cure, quoted_error};
use super::plan::{InstallPlan, PackageQuery, plan_install, still_missing};
use super::progress::{FIRST_REPORT, describe_activity, next_report};
use crate::prepare::context::PrepareContext;
use crate::prepare::warning::StartWarning;
use crate::process::{Process, Spawner};
use crate::{Code, ExitReport, StartError};

/// The longest time that an install may take. The slowest real ones take a few minutes.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(600);

/// How long processes that outlive the package manager may take to exit before they are killed.
const ORPHAN_GRACE: Duration = Duration::from_secs(1);

/// Installs packages; an install root has one install at a time. Clones share their state.
#[derive(Debug, Clone, Default)]
pub struct PackageInstaller {
    locks: Arc<Mutex<BTreeMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>>,
}

/// The packages to be installed, and how.
#[derive(Debug, Clone)]
pub struct InstallRequest<'a> {
    /// The domain that needs the packages.
    pub packages: PackageQuery,
    /// Where the domain's Node is looked up.
    pub context: &'a Arc<PrepareContext>,
    /// Whether missing packages may be installed; else they are an error.
    pub allowed: bool,
    /// A variable by which all processes of the install are attributed to the domain.
    pub token: (OsString, OsString),
    /// The label of the package manager's process; see [`Spawner::spawn`].
    pub label: String,
}

/// What happens during an install.
#[derive(Debug)]
pub enum InstallEvent {
    /// Worth a warning.
    Warning(StartWarning),
    /// Another domain's packages are being installed in the same place.
    Waiting {
        /// The install root, relative to the app.
        dir: String,
    },
    /// The package manager is about to be started.
    Started {
        /// The install root, relative to the app.
        dir: String,
        /// The package manager.
        manager: PackageManager,
        /// Why packages are installed.
        reason: String,
    },
    /// The package manager runs; its output has to be read.
    Output {
        /// Its process id.
        pid: u32,
        /// Its standard output.
        stdout: InstallOutput,
        /// Its standard error.
        stderr: InstallOutput,
    },
    /// The package manager has been running for some time.
    Running {
        /// The install root, relative to the app.
        dir: String,
        /// The package manager.
        manager: PackageManager,
        /// For how long.
        elapsed: Duration,
        /// What it says it is doing: a request that it repeats, or the last line that it has printed.
        activity: Option<String>,
    },
    /// The packages are installed.
    Finished {
        /// The install root, relative to the app.
        dir: String,
    },
}

impl PackageInstaller {
    /// Installs the packages that are missing, if any; `report` gets the events of the install.
    /// Dropping the future kills the package manager and all processes that it started.
    ///
    /// # Errors
    /// Packages are missing, and may not or cannot be installed.
    pub async fn ensure_installed(
        &self,
        request: &InstallRequest<'_>,
        spawner: &Spawner,
        report: impl Fn(InstallEvent),
    ) -> Result<(), StartError> {
        let installed = self.install_missing(request, spawner, report).await;
        installed.map_err(|failure| failure.code(Code::InstallFailed))
    }

    async fn install_missing(
        &self,
        request: &InstallRequest<'_>,
        spawner: &Spawner,
        report: impl Fn(InstallEvent),
    ) -> Result<(), StartError> {
        let Some(install) = plan(request).await? else {
            return Ok(());
        };
        if !request.allowed {
            let dir = shown_root(request, &install);
            return Err(StartError::permanent(format!(
                "packages are missing in {dir}: {}",
                install.reason
            ))
            .hint(format!(
                "run `{} install` in {dir}, or leave out --no-install",
                install.manager
            )));
        }
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(install.root.clone()).or_default())
        };
        let _guard = match lock.try_lock() {
            Ok(guard) => guard,
            Err(_) => {
                let dir = shown_root(request, &install);
                report(InstallEvent::Waiting { dir });
                lock.lock().await
            }
        };
        // It may have been installed for another domain of this root meanwhile.
        let mut planned = plan(request).await?;
        let mut before = None;
        while let Some(install) = planned {
            let missing = run(request, &install, spawner, &report).await?;
            // The user may have added a package meanwhile.
            let is_new = missing
                .required
                .iter()
                .any(|name| !install.missing.required.contains(name));
            if missing.required.is_empty() {
                return Ok(());
            }
            if !is_new || before.as_ref() == Some(&missing) {
                return Err(incomplete(request, &install, &missing));
            }
            before = Some(missing);
            planned = plan(request).await?;
        }
        Ok(())
    }
}

async fn plan(request: &InstallRequest<'_>) -> Result<Option<InstallPlan>, StartError> {
    let (packages, context) = (request.packages.clone(), Arc::clone(request.context));
    blocking(move || plan_install(&packages, &context)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StartError> + Send + 'static,
) -> Result<T, StartError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| StartError::permanent(format!("failed to check packages: {error}")))?
}

/// Runs the package manager; returns what is missing after it said that all went well. Otherwise the
/// packages decide whether it failed.
async fn run(
    request: &InstallRequest<'_>,
    install: &InstallPlan,
    spawner: &Spawner,
    report: &impl Fn(InstallEvent),
) -> Result<MissingPackages, StartError> {
    let dir = shown_root(request, install);
    let manager = install.manager;
    for warning in &install.warnings {
        report(InstallEvent::Warning(warning.clone()));
    }
    report(InstallEvent::Started {
        dir: dir.clone(),
        manager,
        reason: install.reason.clone(),
    });
    let (exit, output) = run_manager(request, install, spawner, report).await?;
    if exit.code.is_some() {
        // One that was killed has not ended its work.
        install.marker.end();
    }
    let succeeded = exit.code == Some(0);
    let (packages, context) = (request.packages.clone(), Arc::clone(request.context));
    let missing = blocking(move || still_missing(&packages, &context, succeeded)).await?;
    if succeeded || (missing.required.is_empty() && exit.code.is_some()) {
        if missing.required.is_empty() {
            install.marker.complete();
        }
        if !succeeded {
            report(InstallEvent::Warning(failed_but_complete(
                &dir, manager, &exit, &output,
            )));
        } else if missing.required.is_empty() {
            report(InstallEvent::Finished { dir });
        }
        return Ok(missing);
    }
    let why = quoted_error(&output).map_or_else(String::new, |words| format!(": {words}"));
    Err(
        StartError::permanent(format!("{manager} install in {dir} failed ({exit}){why}"))
            .hint(manual_install(&dir, manager)),
    )
}

/// Runs the package manager to its end; returns its exit and the end of its output.
async fn run_manager(
    request: &InstallRequest<'_>,
    install: &InstallPlan,
    spawner: &Spawner,
    report: &impl Fn(InstallEvent),
) -> Result<(ExitReport, String), StartError> {
    install.mark_started();
    let mut command = install.command.clone();
    let (name, value) = request.token.clone();
    command.env.insert(name, value);
    let process = spawner.spawn(command, request.label.clone()).await?;
    let mut tail = process.take_output().map(|(stdout, stderr)| {
        let pid = process.pid();
        let (tail, stdout, stderr) = OutputTail::new(stdout, stderr);
        report(InstallEvent::Output {
            pid,
            stdout,
            stderr,
        });
        tail
    });
    let (manager, dir) = (install.manager, shown_root(request, install));
    let exited = exited(&process, manager, tail.as_ref(), |elapsed, activity| {
        let dir = dir.clone();
        report(InstallEvent::Running {
            dir,
            manager,
            elapsed,
            activity,
        });
    });
    let Ok(exit) = timeout(INSTALL_TIMEOUT, exited).await else {
        return Err(StartError::permanent(format!(
            "{manager} install in {dir} timed out after {} minutes",
            INSTALL_TIMEOUT.as_secs() / 60
        ))
        .hint(manual_install(&dir, manager)));
    };
    // Dropping the process kills what still runs.
    let _ = timeout(ORPHAN_GRACE, process.group_empty()).await;
    let output = match &mut tail {
        Some(tail) => {
            let _ = timeout(ORPHAN_GRACE, tail.closed()).await;
            tail.text()
        }
        None => String::new(),
    };
    Ok((exit, output))
}

/// Waits until a package manager exits; `report` is told at growing intervals for how long it has run, and
/// what it is doing.
async fn exited(
    process: &Process,
    manager: PackageManager,
    tail: Option<&OutputTail>,
    report: impl Fn(Duration, Option<String>),
) -> ExitReport {
    let started = Instant::now();
    let mut due = FIRST_REPORT;
    loop {
        if let Ok(exit) = timeout_at(started + due, process.exited()).await {
            return exit;
        }
        let (pid, output) = (process.pid(), tail.map(OutputTail::text));
        let reading = tokio::task::spawn_blocking(move || {
            describe_activity(manager, pid, &output.unwrap_or_default())
        });
        report(started.elapsed(), reading.await.ok().flatten());
        due = next_report(due);
    }
}

/// What to do by hand: not with the arguments of Fulcrum, so that the lock file may change.
fn manual_install(dir: &str, manager: PackageManager) -> String {
    let dir = if dir == "." { "the app root" } else { dir };
    format!("run `{manager} install` in {dir} and read its output")
}

/// The warning about a package manager that failed although all packages are in place, as pnpm does
/// for build scripts that nobody has allowed.
fn failed_but_complete(
    dir: &str,
    manager: PackageManager,
    exit: &ExitReport,
    output: &str,
) -> StartWarning {
    let cure = quoted_cure(output).or_else(|| quoted_error(output));
    let cure = cure.map_or_else(String::new, |words| format!("; {manager} says: {words}"));
    StartWarning::new(format!(
        "packages installed in {dir}, although {manager} install ended with {exit}{cure}"
    ))
}

/// The package manager has said that all went well, and left out what the domain needs.
fn incomplete(
    request: &InstallRequest<'_>,
    install: &InstallPlan,
    missing: &MissingPackages,
) -> StartError {
    let dir = shown_root(request, install);
    let what = MissingPackages::describe(&missing.required).unwrap_or_default();
    let manager = install.manager;
    StartError::permanent(format!(
        "{manager} install in {dir} succeeded, but {what} (needed by {})",
        shown_relative(&request.packages.dir, &request.packages.app_root)
    ))
    .hint(format!(
        "check that {manager} does not leave it out: its settings in {dir}, and the lock file"
    ))
}

/// The install root relative to the app; `.` for the app's root itself.
fn shown_root(request: &InstallRequest<'_>, install: &InstallPlan) -> String {
    shown_relative(&install.root, &request.packages.app_root)
}

fn shown_relative(dir: &Path, app_root: &Path) -> String {
    let relative = dir.strip_prefix(app_root).unwrap_or(dir);
    if relative.as_os_str().is_empty() {
        ".".to_owned()
    } else {
        relative.display().to_string()
    }
}
