//! TODO

pub mod task;
pub mod untracked;
