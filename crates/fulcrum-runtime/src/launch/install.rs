//! Installs a domain's packages; the progress and the package manager's output are logged for it.

use std::path::Path;

use fulcrum_logs::{Hub, Level, PumpCounters, Source, Stream, pump};
use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::{self, InstallEvent, PackageInstaller};
use fulcrum_spawn::process::{RunId, Spawner};

use crate::log_lines::log_for_domain;
use crate::state::process::TOKEN_VAR;

/// A domain whose packages are to be installed.
pub(crate) struct InstallRequest<'a> {
    pub(crate) domain: &'a str,
    pub(crate) dir: &'a Path,
    pub(crate) app: &'a Path,
    pub(crate) hub: &'a Hub,
    pub(crate) spawner: &'a Spawner,
    /// The run that issues the package manager's token.
    pub(crate) run: &'a RunId,
    pub(crate) generation: u64,
    /// `process.install` and not `--no-install`.
    pub(crate) install_allowed: bool,
}

/// Installs what is missing. Dropping the future kills the package manager and all its processes.
///
/// # Errors
/// Packages are missing, and may not or cannot be installed.
pub(crate) async fn ensure_installed(
    installer: &PackageInstaller,
    request: &InstallRequest<'_>,
) -> Result<(), StartError> {
    // The install is attributed like the generation itself, so that all its processes are found.
    let token = request
        .run
        .token()
        .map_err(|error| StartError::transient(format!("cannot create a token: {error}")))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let install = prepare::InstallRequest {
        dir: request.dir,
        app_root: request.app,
        path: &path,
        allowed: request.install_allowed,
        token: (TOKEN_VAR.into(), token.into()),
        label: format!("{}.{}.install", request.domain, request.generation),
    };
    let report = |event| log_event(request, event);
    installer
        .ensure_installed(&install, request.spawner, report)
        .await
}

fn log_event(request: &InstallRequest<'_>, event: InstallEvent) {
    let (level, text) = match event {
        InstallEvent::Warning(warning) => (Level::Warn, warning.to_string()),
        InstallEvent::Started {
            dir,
            manager,
            reason,
        } => {
            let program = manager.program();
            let text = format!("installing packages in {dir} with {program}: {reason}");
            (Level::Info, text)
        }
        InstallEvent::Finished { dir } => (Level::Info, format!("packages installed in {dir}")),
        InstallEvent::Output {
            pid,
            stdout,
            stderr,
        } => {
            let source = Source {
                domain: request.domain.into(),
                generation: request.generation,
                pid,
            };
            let counters = PumpCounters::default();
            for (reader, stream) in [(stdout, Stream::Stdout), (stderr, Stream::Stderr)] {
                let (hub, source) = (request.hub.clone(), source.clone());
                let counters = counters.clone();
                tokio::spawn(async move { pump(reader, &hub, source, stream, &counters).await });
            }
            return;
        }
    };
    let (domain, generation) = (request.domain, request.generation);
    log_for_domain(request.hub, domain, generation, level, text);
}
