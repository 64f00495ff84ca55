//! TODO

pub mod events;
pub mod identity;
