//! Liveness of registered domains: heartbeats, traffic, and what a hung process was doing.

pub(crate) mod hang_report;
pub(crate) mod inspector;
pub(crate) mod keepalive;
pub(crate) mod task;
