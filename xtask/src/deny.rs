//! `cargo xtask deny`: licenses, bans and sources of all dependencies, by `deny.toml`.

use std::path::{Path, PathBuf};

use crate::command::CommandRunner;
use crate::workspace;

/// Pinned, so that every machine applies the same rules.
const VERSION: &str = "0.20.2";

/// Checks the dependency graph; installs cargo-deny below the target directory if it is not there.
///
/// # Errors
/// A dependency that `deny.toml` does not allow, or a failed download or build of cargo-deny.
pub(crate) fn run() -> anyhow::Result<()> {
    let program = installed(&workspace::tools()?)?;
    // The graph covers platforms whose crates a build here never downloads.
    CommandRunner::cargo()
        .args(["fetch", "--locked", "--quiet"])
        .run_checked()?;
    CommandRunner::new(program, workspace::root())
        // Duplicates of a crate are warnings: `--log-level warn` by hand shows them.
        .args(["--offline", "--log-level", "error", "check"])
        .args(["licenses", "bans", "sources"])
        .run_checked()
}

fn installed(tools: &Path) -> anyhow::Result<PathBuf> {
    let program = tools.join("bin").join("cargo-deny");
    if is_wanted(&program) {
        return Ok(program);
    }
    eprintln!(
        "deny: installing cargo-deny {VERSION} into {} (once, some minutes)",
        tools.display()
    );
    CommandRunner::cargo()
        .args([
            "install",
            "--locked",
            "--quiet",
            "--force",
            "--version",
            VERSION,
            "--root",
        ])
        .arg(tools)
        .arg("--target-dir")
        .arg(tools.join("build"))
        .arg("cargo-deny")
        .run_checked()?;
    Ok(program)
}

fn is_wanted(program: &Path) -> bool {
    program.is_file()
        && CommandRunner::new(program, ".")
            .arg("--version")
            .stdout()
            .is_ok_and(|version| version.trim() == format!("cargo-deny {VERSION}"))
}
