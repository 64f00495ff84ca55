//! The processes of generations.

pub(crate) mod task;
pub(crate) mod untracked;
