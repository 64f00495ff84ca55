//! A Node program, as a plan for it needs it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// A Node program, as the configuration describes it. All paths are absolute.
#[derive(Debug, Clone)]
pub struct NodeProgram<'a> {
    /// The domain's name, for messages.
    pub name: &'a str,
    /// What Node runs.
    pub entry: &'a Path,
    /// The domain's folder.
    pub dir: &'a Path,
    /// The app's root.
    pub app_root: &'a Path,
    /// `process.node`.
    pub node: Option<&'a Path>,
    /// `process.node_args`: for Node, before the entry.
    pub node_args: &'a [String],
    /// `process.args`: for the program, after the entry.
    pub args: &'a [String],
    /// The working directory.
    pub cwd: &'a Path,
    /// The whole environment of the contract; its `PATH` and `HOME` are where a Node is looked for.
    pub env: BTreeMap<OsString, OsString>,
    /// The file into which the bootstrap writes which files the program has loaded; none where
    /// nobody wants to know.
    pub modules: Option<&'a Path>,
    /// Fulcrum's own process id, by which the bootstrap tells the domain from its children.
    pub parent: u32,
}
