//! What has to be known of a Node program to plan its command.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use super::node::find::NodeRequest;
use crate::{Code, StartError};

/// A Node program, as it is configured. All paths are absolute.
#[derive(Debug, Clone)]
pub struct NodeProgram<'a> {
    /// The domain's name, for messages.
    pub name: &'a str,
    /// The file that Node runs.
    pub entry: &'a Path,
    /// The domain's directory.
    pub dir: &'a Path,
    /// The app's root.
    pub app_root: &'a Path,
    /// `process.node`.
    pub node: Option<&'a Path>,
    /// `process.node_args`: arguments for Node, before the entry.
    pub node_args: &'a [String],
    /// `process.args`: arguments for the program, after the entry.
    pub args: &'a [String],
    /// The working directory.
    pub cwd: &'a Path,
    /// The whole environment; a Node is looked up in its `PATH` and `HOME`.
    pub env: BTreeMap<OsString, OsString>,
    /// The file in which the bootstrap reports the loaded files; `None` if they are not needed.
    pub modules: Option<&'a Path>,
    /// Fulcrum's process id, by which the bootstrap distinguishes the domain from its children.
    pub parent: u32,
}

impl NodeProgram<'_> {
    /// Where its Node, or another runtime, is looked for.
    pub(super) fn node_request(&self) -> NodeRequest<'_> {
        let variable = |name: &str| self.env.get(OsStr::new(name));
        NodeRequest {
            configured: self.node,
            domain_dir: self.dir,
            app_root: self.app_root,
            path: variable("PATH").map_or(OsStr::new(""), |path| path.as_os_str()),
            home: variable("HOME").map(Path::new),
        }
    }

    /// The error for a file of Fulcrum that cannot be written to the cache.
    pub(super) fn cache_error(&self, cache: &Path, error: &io::Error) -> StartError {
        let text = format!(
            "{}: cannot write to the cache directory {}: {error}",
            self.name,
            cache.display()
        );
        StartError::from_io(text, error)
            .code(Code::CacheUnwritable)
            .hint("free disk space, correct its permissions, or set XDG_CACHE_HOME")
    }
}
