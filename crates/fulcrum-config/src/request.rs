//! What the caller knows, and what it gets back.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::app::App;
use crate::diagnostic::{Diagnostic, Severity};
use crate::mode::Mode;

/// What the caller knows. Besides the file system nothing else is looked at.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The app's folder (or its `fulcrum.yml`) as given with `--app`; relative to `cwd`.
    pub app: Option<PathBuf>,
    /// The working directory, absolute.
    pub cwd: PathBuf,
    /// The environment of the whole process.
    pub env: BTreeMap<String, String>,
    /// The highest layer: dotted path and value, such as `runtime.grpc.listen` and `127.0.0.1:0`.
    /// A path under `process.` is for every domain.
    pub flags: Vec<(String, String)>,
    /// What the configuration is for.
    pub mode: Mode,
}

/// What [`load`](crate::load) found.
#[derive(Clone, Debug)]
pub struct LoadResult {
    /// The app; none when there is any error, so that nothing half right is ever run.
    pub app: Option<App>,
    /// All findings, ordered by file and line.
    pub problems: Vec<Diagnostic>,
}

impl LoadResult {
    /// Whether there is no error; warnings may be there.
    pub fn is_valid(&self) -> bool {
        self.problems
            .iter()
            .all(|problem| problem.severity != Severity::Error)
    }
}
