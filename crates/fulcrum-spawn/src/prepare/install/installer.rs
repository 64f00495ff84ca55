//! Runs package installs, one at a time for each install root.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::time::timeout;

use super::manager::PackageManager;
use super::plan::{InstallPlan, plan_install};
use crate::StartError;
use crate::prepare::warning::StartWarning;
use crate::process::Spawner;

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
    /// The directory of the domain that needs the packages.
    pub dir: &'a Path,
    /// The root of the app.
    pub app_root: &'a Path,
    /// The value of `PATH`, in which the package manager is looked up.
    pub path: &'a OsStr,
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
        stdout: pipe::Receiver,
        /// Its standard error.
        stderr: pipe::Receiver,
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
        let Some(install) = plan(request).await? else {
            return Ok(());
        };
        if !request.allowed {
            let dir = display_root(request, &install);
            return Err(StartError::permanent(format!(
                "packages are missing in {dir}: {}",
                install.reason
            ))
            .hint(format!(
                "run {} install in {dir}, or leave out --no-install",
                install.manager.program()
            )));
        }
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(install.root.clone()).or_default())
        };
        let _guard = lock.lock().await;
        // It may have been installed for another domain of this root meanwhile.
        match plan(request).await? {
            Some(install) => run(request, &install, spawner, report).await,
            None => Ok(()),
        }
    }
}

async fn plan(request: &InstallRequest<'_>) -> Result<Option<InstallPlan>, StartError> {
    let (dir, app_root) = (request.dir.to_path_buf(), request.app_root.to_path_buf());
    let path = request.path.to_owned();
    tokio::task::spawn_blocking(move || plan_install(&dir, &app_root, &path))
        .await
        .map_err(|error| StartError::permanent(format!("failed to check packages: {error}")))?
}

async fn run(
    request: &InstallRequest<'_>,
    install: &InstallPlan,
    spawner: &Spawner,
    report: impl Fn(InstallEvent),
) -> Result<(), StartError> {
    let dir = display_root(request, install);
    let manager = install.manager;
    for warning in &install.warnings {
        report(InstallEvent::Warning(warning.clone()));
    }
    report(InstallEvent::Started {
        dir: dir.clone(),
        manager,
        reason: install.reason.clone(),
    });
    let io_failure =
        |error| StartError::transient(format!("cannot install packages in {dir}: {error}"));
    install.mark_started().map_err(io_failure)?;
    let mut command = install.command.clone();
    let (name, value) = request.token.clone();
    command.env.insert(name, value);
    let process = spawner.spawn(command, request.label.clone()).await?;
    if let Some((stdout, stderr)) = process.take_output() {
        let pid = process.pid();
        report(InstallEvent::Output {
            pid,
            stdout,
            stderr,
        });
    }
    let program = manager.program();
    let hint = format!("run {program} install in {dir} and read its output");
    let Ok(exit) = timeout(INSTALL_TIMEOUT, process.exited()).await else {
        return Err(StartError::permanent(format!(
            "{program} install in {dir} timed out after {} minutes",
            INSTALL_TIMEOUT.as_secs() / 60
        ))
        .hint(hint));
    };
    // Dropping the process kills what still runs.
    let _ = timeout(ORPHAN_GRACE, process.group_empty()).await;
    if exit.code != Some(0) {
        let message = format!("{program} install in {dir} failed: {exit}");
        return Err(StartError::permanent(message).hint(hint));
    }
    install.complete().map_err(io_failure)?;
    report(InstallEvent::Finished { dir });
    Ok(())
}

/// The install root relative to the app; `.` for the app's root itself.
fn display_root(request: &InstallRequest<'_>, install: &InstallPlan) -> String {
    let root = &install.root;
    let relative = root.strip_prefix(request.app_root).unwrap_or(root);
    if relative.as_os_str().is_empty() {
        ".".to_owned()
    } else {
        relative.display().to_string()
    }
}
