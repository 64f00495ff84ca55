//! Events of domains, in memory and as a stream.

pub(crate) mod log;
