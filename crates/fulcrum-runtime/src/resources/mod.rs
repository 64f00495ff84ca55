//! Resource usage of domains, and their limits.

pub(crate) mod footprint;
pub(crate) mod limits;
pub(crate) mod sampler;
