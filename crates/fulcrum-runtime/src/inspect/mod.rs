//! TODO

pub(crate) mod node;
pub(crate) mod report;
pub(crate) mod stack;
pub(crate) mod websocket;
