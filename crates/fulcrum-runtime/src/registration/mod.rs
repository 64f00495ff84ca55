//! TODO

pub mod authorizer;
pub mod events;
