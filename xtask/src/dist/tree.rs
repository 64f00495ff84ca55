//! The files that every package contains, and what they have in common.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::manual;
use crate::command::CommandRunner;
use crate::workspace;

/// The files of an installation, in a directory.
pub(super) struct Tree {
    pub(super) dir: PathBuf,
}

impl Tree {
    /// Writes the program, its man pages, completions and documents.
    pub(super) fn write(out: &Path, program: &Path) -> anyhow::Result<Self> {
        let dir = out.join("tree");
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        for part in ["bin", "man", "completions"] {
            fs::create_dir_all(dir.join(part))?;
        }
        fs::copy(program, dir.join("bin/fulcrum"))
            .with_context(|| format!("cannot copy {}", program.display()))?;
        manual::write_from(program, &dir.join("man"))?;
        for (shell, file) in [
            ("bash", "fulcrum.bash"),
            ("zsh", "_fulcrum"),
            ("fish", "fulcrum.fish"),
            ("powershell", "fulcrum.ps1"),
            ("elvish", "fulcrum.elv"),
        ] {
            let script = CommandRunner::new(program, workspace::root())
                .args(["completions", shell])
                .stdout()?;
            fs::write(dir.join("completions").join(file), script)?;
        }
        for document in ["LICENSE", "README.md", "CHANGELOG.md"] {
            fs::copy(workspace::root().join(document), dir.join(document))?;
        }
        Ok(Self { dir })
    }
}

/// The version of the workspace.
pub(super) fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The time that all files have: of the last commit, in seconds since 1970.
pub(super) fn source_date() -> anyhow::Result<String> {
    if let Ok(date) = std::env::var("SOURCE_DATE_EPOCH") {
        return Ok(date);
    }
    let date = CommandRunner::new("git", workspace::root())
        .args(["log", "-1", "--format=%ct"])
        .stdout()?;
    Ok(date.trim().to_owned())
}
