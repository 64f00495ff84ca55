//! TODO

pub mod groups;
pub mod policy;
