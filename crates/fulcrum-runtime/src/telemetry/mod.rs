//! What other programs read of an instance: its health, and a snapshot for metrics.

pub(crate) mod endpoint;
mod loop_lag;
pub(crate) mod source;
