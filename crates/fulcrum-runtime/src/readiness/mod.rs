//! TODO

pub mod check;
pub mod exec;
pub mod probes;
pub mod runner;
