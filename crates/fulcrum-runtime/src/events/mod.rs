//! TODO

pub mod log;
