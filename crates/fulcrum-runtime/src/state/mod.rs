//! TODO

pub mod desired;
pub mod domain;
pub mod modules;
