//! The control API: what clients of a running instance can read and request.

pub(crate) mod call;
pub(crate) mod change;
pub(crate) mod eval;
pub(crate) mod first_start;
pub(crate) mod info;
pub(crate) mod inspector;
mod logs;
mod preparing;
pub(crate) mod profile;
mod reload;
pub(crate) mod service;
pub(crate) mod signal;
pub(crate) mod status;
pub(crate) mod traces;
pub(crate) mod wait;
mod waiting;
