//! Installing a domain's packages, once for each install root.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fulcrum_logs::{Hub, Level, PumpCounters, Source, Stream, pump};
use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::{InstallPlan, plan_install};
use fulcrum_spawn::process::{RunId, Spawner};
use tokio::time::timeout;

use crate::clock::now;
use crate::state::process::TOKEN_VAR;

/// How long an install may take. The slowest honest one that is known takes a few minutes.
const LIMIT: Duration = Duration::from_secs(600);

/// Sees to it that an install root has one installer at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct PackageInstaller {
    roots: Arc<Mutex<BTreeMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>>,
}

/// For whom packages are installed, and where what the package manager says goes.
pub(crate) struct InstallRequest<'a> {
    pub(crate) domain: &'a str,
    pub(crate) dir: &'a Path,
    pub(crate) app: &'a Path,
    pub(crate) hub: &'a Hub,
    pub(crate) spawner: &'a Spawner,
    /// What the token of the package manager names.
    pub(crate) run: &'a RunId,
    pub(crate) generation: u64,
    /// `process.install` and not `--no-install`.
    pub(crate) install_allowed: bool,
}

impl PackageInstaller {
    /// Installs what is missing. Dropping the future ends the package manager and all it started.
    ///
    /// # Errors
    /// Packages are missing and may not, or can't, be installed.
    pub(crate) async fn ensure_installed(
        &self,
        client: &InstallRequest<'_>,
    ) -> Result<(), StartError> {
        let Some(install) = missing(client).await? else {
            return Ok(());
        };
        if !client.install_allowed {
            return Err(StartError::permanent(format!(
                "packages are missing in {}: {}",
                shown(client, &install),
                install.reason
            ))
            .hint(format!(
                "run {} install in {}, or leave out --no-install",
                install.manager.program(),
                shown(client, &install)
            )));
        }
        let root = {
            let mut roots = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(roots.entry(install.root.clone()).or_default())
        };
        let _only = root.lock().await;
        // Another domain of the same root may have done it meanwhile.
        match missing(client).await? {
            Some(install) => run(client, &install).await,
            None => Ok(()),
        }
    }
}

async fn missing(client: &InstallRequest<'_>) -> Result<Option<InstallPlan>, StartError> {
    let (dir, app) = (client.dir.to_path_buf(), client.app.to_path_buf());
    let path = std::env::var_os("PATH").unwrap_or_default();
    tokio::task::spawn_blocking(move || plan_install(&dir, &app, &path))
        .await
        .map_err(|error| {
            StartError::permanent(format!("the look at its packages broke down: {error}"))
        })?
}

async fn run(client: &InstallRequest<'_>, install: &InstallPlan) -> Result<(), StartError> {
    let say = |level, text: String| {
        client
            .hub
            .publish_event(client.domain, client.generation, level, text, now());
    };
    let place = shown(client, install);
    let manager = install.manager.program();
    for notice in &install.notices {
        say(Level::Warn, notice.to_string());
    }
    say(
        Level::Info,
        format!(
            "installing packages in {place} with {manager}: {}",
            install.reason
        ),
    );
    let passing =
        |error| StartError::transient(format!("packages can't be installed in {place}: {error}"));
    install.mark_started().map_err(passing)?;
    let mut command = install.command.clone();
    // Marked as a life is, so that whatever it starts is found wherever it goes.
    let token = client.run.token().map_err(passing)?;
    command.env.insert(TOKEN_VAR.into(), token.into());
    let label = format!("{}.{}.install", client.domain, client.generation);
    let process = client.spawner.spawn(command, label).await?;
    let source = Source {
        domain: client.domain.into(),
        generation: client.generation,
        pid: process.pid(),
    };
    let tally = PumpCounters::default();
    if let Some((stdout, stderr)) = process.take_output() {
        for (reader, stream) in [(stdout, Stream::Stdout), (stderr, Stream::Stderr)] {
            let (hub, source, tally) = (client.hub.clone(), source.clone(), tally.clone());
            tokio::spawn(async move { pump(reader, &hub, source, stream, &tally).await });
        }
    }
    let cure = format!("run {manager} install in {place} and look at what it says");
    let Ok(exit) = timeout(LIMIT, process.exited()).await else {
        return Err(StartError::permanent(format!(
            "{manager} install in {place} was ended after {} minutes",
            LIMIT.as_secs() / 60
        ))
        .hint(cure));
    };
    // What it left behind has no business in a finished install; dropping the process ends it.
    let _ = timeout(Duration::from_secs(1), process.group_empty()).await;
    if exit.code != Some(0) {
        let failure = format!("{manager} install in {place} failed: {exit}");
        return Err(StartError::permanent(failure).hint(cure));
    }
    install.complete().map_err(passing)?;
    say(Level::Info, format!("packages installed in {place}"));
    Ok(())
}

fn shown(client: &InstallRequest<'_>, install: &InstallPlan) -> String {
    let root = install
        .root
        .strip_prefix(client.app)
        .unwrap_or(&install.root);
    if root.as_os_str().is_empty() {
        ".".to_owned()
    } else {
        root.display().to_string()
    }
}
