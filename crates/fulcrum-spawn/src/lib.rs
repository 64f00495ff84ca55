//! How a process lives: command resolution, process groups, signals, the lifecycle machine.
mod command;
mod failure;
pub mod prepare;

pub use command::CommandSpec;
pub use failure::Failure;
