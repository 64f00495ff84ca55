//! TODO

pub mod check;
pub mod exec;
pub mod http;
pub mod log;
pub mod probes;
pub mod runner;
