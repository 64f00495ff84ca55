//! The engine of Fulcrum: the tasks that start, watch, reload and stop the domains of an app.

mod clock;
mod command;
mod control;
mod error;
mod events;
mod exit;
pub mod format;
mod handle;
mod launch;
mod liveness;
mod log_lines;
mod outcome;
mod parts;
mod process;
mod readiness;
mod registration;
mod reload;
mod resources;
mod restart;
mod runtime;
mod shutdown;
mod standby;
mod state;
mod transitions;
mod watch;

pub use error::{Error, ErrorKind};
pub use events::event::Event;
pub use events::export;
pub use events::stream::EventStream;
pub use handle::{DomainStatus, RuntimeHandle};
pub use log_lines::log;
pub use parts::{ProcessParts, RuntimeParts};
pub use process::untracked::open_tracker;
pub use runtime::{Runtime, RuntimeExit};
pub use shutdown::escalation::{ShutdownAction, SignalEscalation, SignalKind};
pub use shutdown::stage::{ShutdownSignal, ShutdownStage};
