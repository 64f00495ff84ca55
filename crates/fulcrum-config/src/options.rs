//! The input and the result of loading a configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::App;
use crate::diagnostic::{Diagnostic, Severity};
use crate::mode::Mode;

/// What to load. Besides these options only the file system is read.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The app's directory or its `fulcrum.yml`, relative to `cwd`; none searches for it.
    pub app: Option<PathBuf>,
    /// The working directory, absolute.
    pub cwd: PathBuf,
    /// The environment variables.
    pub env: BTreeMap<String, String>,
    /// The highest layer: dotted path and value, such as `runtime.grpc.listen` and `127.0.0.1:0`. A
    /// path under `process.` applies to every domain.
    pub flags: Vec<(String, String)>,
    /// What the instance is started for.
    pub mode: Mode,
    /// What chooses the ports of domains with `port: auto`, where a value refers to one. Without it,
    /// that is [`automatic_port`](crate::automatic_port), whether or not it is free.
    pub auto_ports: Option<Arc<dyn PortSource>>,
}

/// Chooses the ports of domains with `port: auto`.
pub trait PortSource: fmt::Debug + Send + Sync {
    /// The port of a domain; the same at each call. `is_reserved` says which ports other domains are
    /// configured with. `None` if no port is free.
    fn port(&self, app_root: &Path, domain: &str, is_reserved: &dyn Fn(u16) -> bool)
    -> Option<u16>;
}

/// The result of [`load`](crate::load).
#[derive(Clone, Debug)]
pub struct LoadResult {
    /// The app; none if there is any error.
    pub app: Option<App>,
    /// All diagnostics, ordered by file and line.
    pub diagnostics: Vec<Diagnostic>,
}

impl LoadResult {
    /// Whether there is no error. There may be warnings.
    pub fn is_valid(&self) -> bool {
        self.diagnostics
            .iter()
            .all(|diagnostic| diagnostic.severity != Severity::Error)
    }
}
