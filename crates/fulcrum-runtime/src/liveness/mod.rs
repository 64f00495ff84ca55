//! TODO

pub mod hang_report;
pub mod monitor;
pub mod task;
pub mod timeouts;
