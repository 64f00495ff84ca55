//! TODO

pub mod node;
