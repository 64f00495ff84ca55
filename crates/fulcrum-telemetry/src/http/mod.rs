//! One HTTP listener: health endpoints, metrics, and what else a caller merges into its router.

mod host;

pub use host::{HostPolicy, check_host};
