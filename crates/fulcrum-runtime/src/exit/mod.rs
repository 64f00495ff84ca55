//! Exit diagnosis: why a process exited.

pub(crate) mod describe;
pub(crate) mod diagnose;
pub(crate) mod held;
pub(crate) mod left_down;
pub(crate) mod logged;
pub(crate) mod port_conflict;
