//! What facts are gathered about, and with what.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fulcrum_config::{App, Diagnostic};
use fulcrum_rpc::RuntimeDir;
use fulcrum_spawn::prepare::PrepareContext;

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
    pub(super) fn variable(&self, name: &str) -> Option<&OsString> {
        self.environment.get(&OsString::from(name))
    }
}
