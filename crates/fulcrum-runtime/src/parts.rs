//! What the caller of the runtime has built: everything that opens, binds or locks something.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use fulcrum_config::{App, LoadOptions, Mode};
use fulcrum_logs::Hub;
use fulcrum_spawn::prepare::PrepareContext;
use fulcrum_spawn::process::{ProcessTracker, RunId, Spawner};

use crate::shutdown::stage::ShutdownSignal;
use fulcrum_config::{FileWatchOptions, Selection};

/// The parts of a running instance. The runtime opens, binds and locks nothing itself.
#[derive(Debug)]
pub struct RuntimeParts {
    /// The app, valid.
    pub app: App,
    /// What the configuration was read with; a reload reads it again with the same.
    pub request: LoadOptions,
    /// Development or production.
    pub mode: Mode,
    /// Which domains to start.
    pub selection: Selection,
    /// Whether missing packages are installed before a start.
    pub install: bool,
    /// Whether and how files are watched.
    pub watch: Option<FileWatchOptions>,
    /// Where all log lines meet.
    pub hub: Hub,
    /// The run's number in the log store; 0 without a store.
    pub log_run: u64,
    /// Starts processes.
    pub spawner: Spawner,
    /// Attributes processes to generations.
    pub tracker: ProcessTracker,
    /// The run that every token names.
    pub run: RunId,
    /// What the preparation of a start needs: cache directory, SDK, the strip command.
    pub prepare: PrepareContext,
    /// The environment that domains inherit.
    pub environment: BTreeMap<OsString, OsString>,
    /// Where domains register, `host:port`.
    pub grpc: String,
    /// Why a domain may look for the instance at another port.
    pub port_hint: Option<String>,
    /// The path of the control socket, for the status.
    pub socket: String,
    /// Where domains report the files that they have loaded; `None` where files aren't watched.
    pub module_reports: Option<PathBuf>,
    /// By which a shutdown is requested. The caller keeps a clone.
    pub shutdown: ShutdownSignal,
}
