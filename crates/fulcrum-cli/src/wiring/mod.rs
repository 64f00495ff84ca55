//! Builds the parts of a running instance and hands them to the runtime.

pub(crate) mod escalation;
pub(crate) mod listen;
pub(crate) mod log_store;
pub(crate) mod options;
pub(crate) mod run;
pub(crate) mod signals;
pub(crate) mod terminal;
