//! The crate from outside: whole apps in folders of their own.

mod dependencies;
mod diagnostics;
mod discovery;
mod layers;
mod malformed_input;
mod support;
