//! Liveness of registered domains: heartbeats, traffic, and what a hung process was doing.

pub(crate) mod hang_report;
pub(crate) mod monitor;
pub(crate) mod task;
pub(crate) mod timeouts;
