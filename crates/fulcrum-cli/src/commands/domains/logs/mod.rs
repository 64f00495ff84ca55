//! `fulcrum domains logs`, or `fulcrum logs`
//!
//! Lines are read from the log store, with or without an instance. A running instance adds the lines
//! that it has in memory, which may not be in the store (not yet, or never if the disk was full), and
//! new lines, and with `--trace` the log records that it has received over OTLP.

mod backlog;
mod printer;
mod received;
pub(super) mod remote;
mod request;
mod run;

pub(crate) use request::Args;
pub(crate) use run::run;
