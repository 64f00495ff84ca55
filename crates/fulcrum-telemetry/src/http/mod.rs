//! One HTTP listener on the loopback: health endpoints, metrics, and what else a caller merges into
//! its router.

mod health;
mod host;
mod router;
mod serve;
#[cfg(test)]
mod tests;

pub use health::{DomainHealth, Health, HealthSource};
pub(crate) use host::check_host;
pub use host::is_local_host;
pub use router::router;
pub use serve::HttpListener;
