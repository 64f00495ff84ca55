//! TODO

pub mod node;
pub mod policy;
pub mod pool;
