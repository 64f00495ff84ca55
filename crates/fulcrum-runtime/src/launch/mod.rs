//! Sets up domains for supervision, and prepares and spawns their generations.

pub(crate) mod backend;
pub(crate) mod install;
pub(crate) mod permit;
pub(crate) mod setup;
