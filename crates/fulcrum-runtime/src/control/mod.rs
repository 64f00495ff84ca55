//! TODO

pub mod change;
pub mod logs;
pub mod reload;
pub mod service;
pub mod status;
pub mod wait;
