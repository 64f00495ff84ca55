//! Traces of calls and starts: which are recorded, and what domains get of them.

pub(crate) mod calls;
pub(crate) mod observer;
pub(crate) mod setup;
pub(crate) mod starts;
pub(crate) mod variables;
