//! Reads the facts. Nothing is changed.

mod app;
mod domains;
mod files;
mod limits;
mod machine;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fulcrum_config::{App, Diagnostic};
use fulcrum_rpc::RuntimeDir;
use fulcrum_spawn::prepare::{PrepareContext, exempt_loopback, proxy_variables};

use crate::facts::{EnvironmentFacts, Facts, SizeFacts};

/// What facts are gathered about.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The app's directory; none if there is no app here.
    pub root: Option<&'a Path>,
    /// The app; none if its configuration is invalid.
    pub app: Option<&'a App>,
    /// The diagnostics of its configuration.
    pub diagnostics: &'a [Diagnostic],
    /// Where its instance has its lock.
    pub runtime_dir: Option<&'a RuntimeDir>,
    /// Where its logs are.
    pub logs: Option<PathBuf>,
    /// Why a running instance cannot be asked.
    pub connect_error: Option<String>,
    /// How domains are prepared.
    pub prepare: &'a PrepareContext,
    /// Why the cache is not in its usual place.
    pub cache_warning: Option<String>,
    /// The environment of this process.
    pub environment: BTreeMap<OsString, OsString>,
    /// This program.
    pub program: &'a Path,
    /// The present time.
    pub now: SystemTime,
}

impl Request<'_> {
    fn variable(&self, name: &str) -> Option<&OsString> {
        self.environment.get(&OsString::from(name))
    }
}

/// Reads everything that the checks are about. May take a second: Node is asked for its version, and
/// the log store is read.
#[must_use]
pub fn gather(request: &Request<'_>) -> Facts {
    Facts {
        machine: machine::machine(),
        limits: limits::limits(),
        cgroup: limits::cgroup(),
        environment: environment(request),
        clock: machine::clock(request),
        disks: machine::disks(request),
        cache: SizeFacts {
            dir: request.prepare.cache.clone(),
            bytes: files::compiled_size(&request.prepare.cache),
            limit: request.app.map_or(0, |app| app.runtime.cache_size),
            warning: request.cache_warning.clone(),
        },
        app: request.root.map(|root| app::app(root, request)),
    }
}

fn environment(request: &Request<'_>) -> EnvironmentFacts {
    let before = &request.environment;
    let mut exempted = before.clone();
    exempt_loopback(&mut exempted);
    EnvironmentFacts {
        proxies: proxy_variables(before)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        loopback_is_exempt: is_exempt(before, &exempted),
        runtime_dir_problem: request
            .variable("XDG_RUNTIME_DIR")
            .and_then(|dir| files::runtime_dir_problem(Path::new(dir))),
    }
}

/// Whether one of the variables that most programs read has all that Fulcrum would add.
fn is_exempt(before: &BTreeMap<OsString, OsString>, after: &BTreeMap<OsString, OsString>) -> bool {
    ["no_proxy", "NO_PROXY"].iter().any(|name| {
        let name = OsString::from(name);
        before
            .get(&name)
            .is_some_and(|value| after.get(&name) == Some(value))
    })
}
