//! `fulcrum domains logs`, or in short `fulcrum logs`
//!
//! What was said is in the store, which is read here, with or without an instance. A running
//! instance adds what it remembers, which may not be in the store yet, or never where the disk was
//! full, and what is said from now on.

mod backlog;
mod printer;
pub(super) mod remote;
mod request;
mod run;

pub(crate) use request::Args;
pub(crate) use run::run;
