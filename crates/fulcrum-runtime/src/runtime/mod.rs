//! Builds the tasks of an instance, runs them, and shuts them down in order.

mod build;
mod engine;
mod tasks;

pub use engine::{Runtime, RuntimeExit};
