//! TODO

pub mod environment;
