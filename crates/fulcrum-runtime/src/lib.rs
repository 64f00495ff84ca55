//! The engine.

pub mod command;
pub mod context;
pub mod control;
pub mod error;
pub mod events;
pub mod exit;
pub mod format;

pub mod launch;
pub mod liveness;
pub mod parts;
pub mod process;
pub mod readiness;
pub mod registration;
pub mod reload;
pub mod resources;
pub mod restart;
pub mod runtime;
pub mod shutdown;
pub mod standby;
pub mod state;
pub mod transitions;
pub mod watch;
