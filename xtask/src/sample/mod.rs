//! The sample app, running: a copy of `tests/apps/shop` in a directory of its own, under a
//! `fulcrum` that was built for it.
//!
//! It shares nothing with another run or with the user's own instance: the app, the runtime
//! directory, the cache and the port are its own. Every process of the run has the run's tag in
//! its environment, so that remaining processes can be found.

mod app;
mod copy;
mod process;

pub(crate) use app::{DOMAINS, Running, Sample, build};
pub(crate) use copy::copy_tree;
pub(crate) use process::{Signal, send};
