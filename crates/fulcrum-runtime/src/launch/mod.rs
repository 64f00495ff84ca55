//! TODO

pub mod backend;
pub mod install;
pub mod permit;
pub mod setup;
