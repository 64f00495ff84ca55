//! TODO

pub mod assets;
pub mod classify;
pub mod code_reload;
pub mod config_reload;
pub mod display;
pub mod load_state;
pub mod loops;
pub mod options;
pub mod pending;
pub mod remote_fs;
pub mod spec;
pub mod status;
pub mod task;
