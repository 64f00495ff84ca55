//! TODO

pub mod describe;
pub mod diagnose;
pub mod port_conflict;
