//! The parts of an instance, which the caller builds: everything that opens, binds or locks
//! something.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use fulcrum_config::{App, FileWatchOptions, LoadOptions, Selection};
use fulcrum_logs::Hub;
use fulcrum_spawn::prepare::PrepareContext;
use fulcrum_spawn::process::{ProcessTracker, RunId, Spawner};
use fulcrum_telemetry::Telemetry;
use fulcrum_telemetry::http::HttpListener;

use crate::process::untracked::open_tracker;
use crate::shutdown::stage::ShutdownSignal;
use crate::state::inspect::InspectRequest;
use crate::state::ports::AutoPorts;
use crate::state::terminal::OutputTerminal;
use crate::traces::variables::ExportTarget;

/// What an instance is made of. [`RuntimeParts::new`] has defaults for everything optional.
#[derive(Debug)]
pub struct RuntimeParts {
    /// A valid app.
    pub app: App,
    /// The options that the app was loaded with, its mode among them. Reloads use the same.
    pub load_options: LoadOptions,
    /// The domains to start. Default: all.
    pub selection: Selection,
    /// Whether missing packages are installed before a start. Default: no.
    pub install: bool,
    /// Whether and how files are watched. Default: they are not.
    pub watch: Option<FileWatchOptions>,
    /// Whether the app's own TypeScript compiler checks types in the background. Default: no.
    pub typecheck: bool,
    /// Receives all log lines.
    pub hub: Hub,
    /// The number of this run in the log store; 0, the default, without a store.
    pub log_run: u64,
    /// What starts and tracks processes.
    pub processes: ProcessParts,
    /// What the preparation of a start needs: cache directory, SDK, the command that strips types.
    pub prepare: PrepareContext,
    /// The environment that domains inherit. Default: none.
    pub environment: BTreeMap<OsString, OsString>,
    /// What takes traces, and keeps or exports them. Default: nothing.
    pub telemetry: Option<Telemetry>,
    /// Where domains export their own telemetry. Default: nowhere.
    pub export_target: Option<ExportTarget>,
    /// The terminal on which the caller shows the lines of domains, if it does. Default: none.
    pub terminal: Option<OutputTerminal>,
    /// The address at which the caller serves [`Runtime::registry`](crate::Runtime::registry), as
    /// `host:port`. Domains register there.
    pub grpc: String,
    /// The ports of domains with `port: auto`. If values refer to ports, these are also those of the
    /// options that the app was loaded with.
    pub auto_ports: AutoPorts,
    /// The domains that are started with Node's inspector. Default: none.
    pub inspect: Vec<InspectRequest>,
    /// Where health endpoints and metrics are served while the instance runs. Default: nowhere, and then
    /// nothing is counted.
    pub http: Option<HttpListener>,
    /// Why a domain may connect to another address, added to the reason of a start timeout.
    pub port_hint: Option<String>,
    /// The path of the control socket, shown in the status. Default: empty.
    pub socket: String,
    /// The directory in which domains report the files that they have loaded. Needed if files are
    /// watched.
    pub module_reports: Option<PathBuf>,
    /// Requests a shutdown. The caller may keep a clone.
    pub shutdown: ShutdownSignal,
}

impl RuntimeParts {
    /// The parts of an instance that runs all domains of an app in the mode of `load_options`,
    /// without installing packages and without watching files.
    pub fn new(
        app: App,
        load_options: LoadOptions,
        hub: Hub,
        processes: ProcessParts,
        prepare: PrepareContext,
        grpc: impl Into<String>,
    ) -> Self {
        Self {
            app,
            load_options,
            selection: Selection::default(),
            install: false,
            watch: None,
            typecheck: false,
            hub,
            log_run: 0,
            processes,
            prepare,
            environment: BTreeMap::new(),
            telemetry: None,
            export_target: None,
            terminal: None,
            grpc: grpc.into(),
            auto_ports: AutoPorts::default(),
            inspect: Vec::new(),
            http: None,
            port_hint: None,
            socket: String::new(),
            module_reports: None,
            shutdown: ShutdownSignal::default(),
        }
    }
}

/// What starts and tracks processes. Clones are handles to the same.
#[derive(Debug, Clone)]
pub struct ProcessParts {
    /// The run that the tokens of processes name.
    pub run: RunId,
    /// Attributes processes to generations.
    pub tracker: ProcessTracker,
    /// Starts processes.
    pub spawner: Spawner,
}

impl ProcessParts {
    /// Creates a run, opens its process tracker, and starts the thread that spawns processes.
    ///
    /// # Errors
    /// The system has no random numbers, or no thread.
    pub fn start() -> io::Result<Self> {
        let run = RunId::new()?;
        let tracker = open_tracker(&run);
        let spawner = Spawner::start(tracker.clone())?;
        Ok(Self {
            run,
            tracker,
            spawner,
        })
    }
}
