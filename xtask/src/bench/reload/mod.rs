//! From a save, or a crash, to a response of the new process, beside other tools.

mod alternatives;
mod domain;
mod measure;
mod observer;

pub(super) use measure::{crashes, run};
