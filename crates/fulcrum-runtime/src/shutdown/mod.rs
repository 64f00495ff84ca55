//! TODO

pub mod escalation;
pub mod stage;
