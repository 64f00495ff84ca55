//! The input and the result of loading a configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

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
