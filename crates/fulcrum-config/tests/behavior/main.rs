//! The public API, with whole apps in temporary directories.

mod dependencies;
mod diagnostics;
mod discovery;
mod jobs;
mod layers;
mod malformed_input;
mod reloading;
mod support;
