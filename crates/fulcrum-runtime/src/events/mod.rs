//! Events of domains, in memory and as a stream, and the export of log lines.

pub(crate) mod event;
pub mod export;
pub(crate) mod log;
pub(crate) mod stream;
