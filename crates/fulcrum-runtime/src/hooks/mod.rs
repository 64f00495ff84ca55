//! Commands that run at moments of a domain's life.

pub(crate) mod command;
pub(crate) mod runner;
