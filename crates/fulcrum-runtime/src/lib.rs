//! The engine of Fulcrum: runs the domains of an app, restarts them by policy, reloads them when
//! code or configuration changes, and stops them in order.
//!
//! A domain is a directory of an app with a program, most often Node. The caller builds
//! [`RuntimeParts`]: everything that opens, binds, locks or starts something. [`Runtime::new`] joins
//! them, and [`Runtime::run`] starts the domains and returns once a shutdown was requested and all
//! processes have exited. [`RuntimeHandle`] controls the instance meanwhile.
//!
//! ```no_run
//! # async fn run(
//! #     app: fulcrum_config::App,
//! #     options: fulcrum_config::LoadOptions,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! use fulcrum_logs::{Hub, HubConfig};
//! use fulcrum_rpc::{Listeners, serve_domains};
//! use fulcrum_runtime::{ProcessParts, Runtime, RuntimeParts};
//! use fulcrum_spawn::prepare::PrepareContext;
//! use tokio_util::sync::CancellationToken;
//!
//! let hub = Hub::new(HubConfig::default());
//! let listeners = Listeners::bind("127.0.0.1:0", false)?;
//! let address = listeners.address();
//! let prepare = PrepareContext::new("/var/cache/my-tool", Vec::new());
//! let processes = ProcessParts::start()?;
//! let mut parts = RuntimeParts::new(app, options, hub, processes, prepare, address);
//! parts.environment = std::env::vars_os().collect();
//!
//! let runtime = Runtime::new(parts)?;
//! let handle = runtime.handle();
//! let stop = CancellationToken::new();
//! tokio::spawn(serve_domains(listeners, runtime.registry(), stop.clone()));
//! let running = tokio::spawn(runtime.run(None));
//!
//! handle.wait_until_ready().await?;
//! handle.restart("catalog").await?;
//! handle.shutdown();
//! running.await?.result?;
//! # Ok(())
//! # }
//! ```
//!
//! What a caller does about an error follows from its kind:
//!
//! ```
//! use fulcrum_runtime::{Error, ErrorKind};
//!
//! let error = Error::new(ErrorKind::UnknownDomain, "unknown domain `usres`");
//! assert_eq!(error.kind(), ErrorKind::UnknownDomain);
//! assert_eq!(error.to_string(), "unknown domain `usres`");
//! ```
//!
//! # Theory of operation
//! `fulcrum-spawn` supervises: one driver for each domain, which starts generations of its process
//! through a backend, and decides by facts that others report. This crate is that backend, and the
//! tasks that turn what the other crates observe into facts. Tasks share values with one writer
//! each (`state`), and each task has the handles that it uses; there is no context that holds
//! everything. From the bottom up:
//!
//! - **state, events, shutdown**: the configuration in force, the state of each domain, the event
//!   log, the stage of the shutdown.
//! - **exit, process, resources, readiness, liveness**: follow one generation: its output and exit,
//!   the diagnosis of that, samples and memory limits, probes, heartbeats. Their findings are
//!   reported to the supervisor as facts.
//! - **restart, command, standby, launch, registration**: the restart policy, the command of a
//!   generation, pre-booted processes, the backend, and who may register under which name.
//! - **transitions**: each change of phase becomes an event and a log line, and concerns the
//!   supervision group of the domain and the serving status of gRPC health checks.
//! - **reload**: one task loads the configuration, compares it with what runs, and applies the
//!   difference. It is the only one that changes the set of domains.
//! - **watch**: changes of files become code reloads and configuration reloads.
//! - **control**: the control API, for clients of a running instance.
//! - **traces**: traces of calls and starts, and what domains get of them.
//! - **notify**: what went wrong is passed to webhooks.
//! - **telemetry**: health and metrics, read when they are asked for.
//! - **history**: the generations of a domain, from the events that a client has read.
//! - **startup**: the steps of the instance's start, and what the first starts of its domains took.
//! - **typecheck**: the app's TypeScript compiler, beside the domains.
//!
//! A shutdown is a [`ShutdownSignal`] that only advances: stopping, killing, done. Domains are
//! stopped in reverse start order; processes that remain are killed.
//!
//! # What it is not for
//! It opens no socket or lock, prints nothing, handles no signals and never exits the process. A
//! caller that serves the control API takes [`Runtime::control_service`].
//! Linux only: processes are followed through `/proc`, and with cgroups where they are writable.

mod clock;
mod code;
mod command;
mod control;
mod error;
mod events;
mod exit;
pub mod format;
mod handle;
pub mod history;
mod hooks;
mod launch;
mod liveness;
mod log_lines;
mod notify;
mod outcome;
mod parts;
mod process;
mod readiness;
mod registration;
mod reload;
mod resources;
mod restart;
mod runtime;
mod schedule;
mod shutdown;
mod standby;
pub mod startup;
mod state;
mod telemetry;
#[cfg(test)]
mod test_support;
mod traces;
mod transitions;
mod typecheck;
mod watch;

pub use error::{Error, ErrorKind};
pub use events::event::Event;
pub use events::export;
pub use events::stream::EventStream;
pub use handle::{DomainStatus, RuntimeHandle};
pub use parts::{ProcessParts, RuntimeParts};
pub use runtime::{Runtime, RuntimeExit};
pub use shutdown::escalation::{ShutdownAction, SignalEscalation, SignalKind};
pub use shutdown::stage::{ShutdownSignal, ShutdownStage};
pub use state::inspect::InspectRequest;
pub use state::ports::AutoPorts;
pub use state::terminal::OutputTerminal;
pub use traces::setup::{export_target, telemetry_setup};
pub use traces::variables::ExportTarget;
