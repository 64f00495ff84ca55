//! Shutdown stages, and what a shutdown waits for.

pub(crate) mod blockers;
pub(crate) mod escalation;
pub(crate) mod stage;
