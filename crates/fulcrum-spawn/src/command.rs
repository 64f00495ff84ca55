//! What is executed: a program with its arguments, folder and environment, resolved to the end.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// How to start one life of a domain. Nothing is looked up any more when it is executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSpec {
    /// The executable, absolute.
    pub program: PathBuf,
    /// Its arguments, without the program itself.
    pub args: Vec<OsString>,
    /// The working directory, absolute.
    pub cwd: PathBuf,
    /// The whole environment: nothing is inherited besides it.
    pub env: BTreeMap<OsString, OsString>,
    /// For people: what runs it and why, such as `node 20.20.2 (PATH), types stripped by fulcrum`.
    pub runner: String,
}
