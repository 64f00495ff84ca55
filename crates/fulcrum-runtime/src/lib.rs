//! The engine.

pub mod command;
pub mod context;
pub mod control;
pub mod error;
pub mod events;
pub mod exit;
pub mod format;
pub mod inspect;
pub mod launch;
pub mod liveness;
<<<<<<< HEAD
pub mod names;
=======
>>>>>>> 45b94ad606cb7f71f65799205ae16bcfe1b423ff
pub mod otlp;
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
pub mod tracing_layer;
pub mod transitions;
pub mod watch;
