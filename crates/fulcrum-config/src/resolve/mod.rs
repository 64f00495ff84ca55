//! Layered settings to the types that callers use, with the checks that need more than one value.

pub(crate) mod env_files;
mod export;
mod jobs;
mod process;
mod reader;
mod runtime;
mod telemetry;
mod web_origins;

pub(crate) use process::{dependency_origins, process};
pub(crate) use runtime::runtime;
