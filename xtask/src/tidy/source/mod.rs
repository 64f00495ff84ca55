//! One Rust file, parsed: its size, its functions, its public items and every path that it names.
//!
//! Code under `#[cfg(test)]` is left out of everything but the sizes.

mod attributes;
mod collector;
mod path;
mod rust_file;
mod tokens;

pub(super) use collector::parse;
pub(super) use path::{PathKind, PathUse};
pub(super) use rust_file::{Function, Source};
