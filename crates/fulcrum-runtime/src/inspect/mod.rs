//! TODO

pub mod node;
pub mod report;
pub mod stack;
pub mod websocket;
