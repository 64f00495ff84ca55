//! `cargo xtask deny`: licences, bans and sources of all dependencies, by `deny.toml`.

use std::path::{Path, PathBuf};

use crate::command::Run;
use crate::workspace;

/// Pinned, so that everyone checks with the same rules.
const VERSION: &str = "0.20.2";

/// Checks the dependency graph; installs cargo-deny below the target folder when it isn't there.
///
/// # Errors
/// A dependency that `deny.toml` doesn't allow, or a failed download or build of cargo-deny.
pub(crate) fn run() -> anyhow::Result<()> {
    let program = installed(&workspace::tools()?)?;
    // The graph covers platforms whose crates a build here never downloads.
    Run::cargo()
        .args(["fetch", "--locked", "--quiet"])
        .passes()?;
    Run::new(program, workspace::root())
        // Duplicates of a crate are warnings: `--log-level warn` by hand shows them.
        .args(["--offline", "--log-level", "error", "check"])
        .args(["licenses", "bans", "sources"])
        .passes()
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
    Run::cargo()
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
        .passes()?;
    Ok(program)
}

fn is_wanted(program: &Path) -> bool {
    program.is_file()
        && Run::new(program, ".")
            .arg("--version")
            .stdout()
            .is_ok_and(|version| version.trim() == format!("cargo-deny {VERSION}"))
}
