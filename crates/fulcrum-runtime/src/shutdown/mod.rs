//! TODO

pub mod stage;
