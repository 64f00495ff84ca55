//! The public API, with whole apps in temporary directories.

mod dependencies;
mod diagnostics;
mod discovery;
mod layers;
mod malformed_input;
mod reloading;
mod support;
