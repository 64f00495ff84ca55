//! State that several tasks read. Each value has one writer.

pub(crate) mod desired;
pub(crate) mod domain;
pub(crate) mod inspect;
pub(crate) mod modules;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod start_times;
pub(crate) mod terminal;
