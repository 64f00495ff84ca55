//! A resolved command: program, arguments, working directory and environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// How to start a process. Nothing is looked up when it is executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSpec {
    /// The executable, as an absolute path.
    pub program: PathBuf,
    /// The arguments, without the program itself.
    pub args: Vec<OsString>,
    /// The working directory, as an absolute path.
    pub cwd: PathBuf,
    /// The whole environment: nothing else is inherited.
    pub env: BTreeMap<OsString, OsString>,
    /// What runs the program and why, for output, such as `node 20.20.2 (PATH), types stripped by
    /// fulcrum`.
    pub runner: String,
    /// The size of the pseudo-terminal that standard output and standard error are; pipes without.
    pub terminal: Option<TerminalSize>,
}

/// The size of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Columns of a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}
