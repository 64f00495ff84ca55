//! Installs a domain's packages; the progress and the package manager's output are logged for it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::{Domain, JsRuntime, Program, parse_yaml_value};
use fulcrum_logs::{Hub, Level, PumpCounters, Source, Stream, pump, with_code};
use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::{
    self, InstallEvent, PackageInstaller, PackageManager, PackageQuery, PrepareContext,
};
use fulcrum_spawn::process::{RunId, Spawner};
use tokio::time::Instant;

use crate::code::Code;
use crate::format::format_duration;
use crate::log_lines::log_for_domain;
use crate::state::domain::{DomainState, DomainStates, InstallPeriod};
use crate::state::process::TOKEN_VAR;

/// A domain whose packages are to be installed.
pub(crate) struct InstallRequest<'a> {
    pub(crate) domain: &'a Domain,
    pub(crate) app: PathBuf,
    /// The domain's environment, in which its Node and the package manager are looked up.
    pub(crate) env: &'a BTreeMap<OsString, OsString>,
    pub(crate) context: &'a Arc<PrepareContext>,
    pub(crate) hub: &'a Hub,
    pub(crate) spawner: &'a Spawner,
    /// The run that issues the package manager's token.
    pub(crate) run: &'a RunId,
    pub(crate) generation: u64,
    /// `process.install` and not `--no-install`.
    pub(crate) install_allowed: bool,
    pub(crate) states: &'a DomainStates,
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
        .map_err(|error| StartError::from_io(format!("cannot create a token: {error}"), &error))?;
    let domain = request.domain;
    let variable = |name: &str| request.env.get(OsStr::new(name)).cloned();
    let entry = match &domain.program {
        Program::Node { entry } => Some(entry.clone()),
        Program::Command(_) | Program::NoProcess => None,
    };
    let install = prepare::InstallRequest {
        packages: PackageQuery {
            dir: domain.dir.clone(),
            app_root: request.app.clone(),
            runs_node: entry.is_some() && domain.process.runtime == JsRuntime::Node,
            entry,
            path: variable("PATH").unwrap_or_default(),
            home: variable("HOME").map(PathBuf::from),
            node: domain.process.node.clone(),
            yaml: parse_yaml_value,
        },
        context: request.context,
        allowed: request.install_allowed,
        token: (TOKEN_VAR.into(), token.into()),
        label: format!("{}.{}.install", domain.name, request.generation),
    };
    let period = PeriodGuard(request.states.get(&domain.name));
    let report = |event| {
        match &event {
            InstallEvent::Waiting { dir } => period.start(describe_wait(dir)),
            InstallEvent::Started { dir, manager, .. } => {
                period.start(describe_install(dir, *manager));
            }
            InstallEvent::Running { activity, .. } => period.set_activity(activity.clone()),
            _ => {}
        }
        log_event(request, event);
    };
    installer
        .ensure_installed(&install, request.spawner, report)
        .await
}

/// Records when packages are installed, also if the install is given up.
struct PeriodGuard(Option<Arc<DomainState>>);

impl PeriodGuard {
    fn start(&self, what: String) {
        if let Some(state) = &self.0 {
            state.install.send_replace(Some(InstallPeriod {
                what,
                activity: None,
                started: Instant::now(),
                ended: None,
            }));
        }
    }

    fn set_activity(&self, activity: Option<String>) {
        if let Some(state) = &self.0 {
            state.install.send_modify(|period| {
                if let Some(period) = period {
                    period.activity = activity;
                }
            });
        }
    }
}

impl Drop for PeriodGuard {
    fn drop(&mut self) {
        if let Some(state) = &self.0 {
            state.install.send_modify(|period| {
                if let Some(period) = period {
                    period.ended.get_or_insert_with(Instant::now);
                }
            });
        }
    }
}

/// `installing packages in domains/users with npm`
fn describe_install(dir: &str, manager: PackageManager) -> String {
    format!("installing packages in {dir} with {manager}")
}

fn describe_wait(dir: &str) -> String {
    format!("waiting for another domain's install of packages in {dir}")
}

/// `still installing packages in . with npm after 4.0 s: GET http://x/a attempt 1 failed with ENOTFOUND`
fn describe_running(what: &str, elapsed: Duration, activity: Option<String>) -> String {
    let activity = activity.unwrap_or_else(|| "no output so far".to_owned());
    let elapsed = format_duration(elapsed);
    format!("still {what} after {elapsed}: {activity}")
}

fn log_event(request: &InstallRequest<'_>, event: InstallEvent) {
    let (level, text) = match event {
        InstallEvent::Warning(warning) => (
            Level::Warn,
            with_code(&warning.to_string(), Code::InstallWarning),
        ),
        InstallEvent::Started {
            dir,
            manager,
            reason,
        } => {
            let what = describe_install(&dir, manager);
            (Level::Info, format!("{what}: {reason}"))
        }
        InstallEvent::Waiting { dir } => (Level::Info, describe_wait(&dir)),
        InstallEvent::Running {
            dir,
            manager,
            elapsed,
            activity,
        } => {
            let what = describe_install(&dir, manager);
            (Level::Info, describe_running(&what, elapsed, activity))
        }
        InstallEvent::Finished { dir } => (Level::Info, format!("packages installed in {dir}")),
        InstallEvent::Output {
            pid,
            stdout,
            stderr,
        } => {
            let source = Source {
                domain: request.domain.name.as_str().into(),
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
    let (domain, generation) = (request.domain.name.as_str(), request.generation);
    log_for_domain(request.hub, domain, generation, level, text);
}
