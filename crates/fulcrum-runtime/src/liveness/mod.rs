//! TODO

pub mod hang_report;
pub mod keepalive;
pub mod task;
