//! From a domain's settings to the command of a generation.

pub(crate) mod build;
pub(crate) mod environment;
