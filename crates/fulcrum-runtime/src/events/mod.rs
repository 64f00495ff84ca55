//! TODO

pub mod export;
pub mod log;
