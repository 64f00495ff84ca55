//! TODO

pub mod limits;
pub mod sampler;
