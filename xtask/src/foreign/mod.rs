//! `cargo xtask foreign`: programs that share no code with Fulcrum, with the sample app: a client
//! of its gRPC port, and a receiver of the logs that it forwards.
//!
//! The programs in `tests/foreign` are made with the stock grpcio packages, the client's from the
//! `.proto`. They are installed into a virtual environment below the target folder.

mod forwarding;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::command::Run;
use crate::sample::{self, Sample};
use crate::steps::Outcome;
use crate::workspace;

/// Starts the sample app, runs the client, stops the app; then the same with the receiver.
///
/// # Errors
/// An app that doesn't start or stop, packages that can't be installed, a client that isn't
/// answered as it should be, or lines that don't arrive.
pub(crate) fn run() -> anyhow::Result<Outcome> {
    let folder = workspace::root().join("tests").join("foreign");
    let requirements = folder.join("requirements.txt");
    let python = match environment(&workspace::tools()?.join("venv"), &requirements)? {
        Ok(python) => python,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let program = sample::build()?;
    Sample::copy(program.clone())?.used_by(|sample| ask(sample, &python, &folder))?;
    Sample::copy(program)?.used_by(|sample| forwarding::check(sample, &python, &folder))?;
    Ok(Outcome::Passed)
}

fn ask(sample: &Sample, python: &Path, folder: &Path) -> anyhow::Result<()> {
    let running = sample.start()?;
    let status = running.json(&["domains", "status", "-o", "json"])?;
    let address = status["instance"]["grpc"]
        .as_str()
        .with_context(|| format!("the instance has no gRPC address: {status}"))?;
    Run::new(python, workspace::root())
        .arg(folder.join("client.py"))
        .arg(address)
        .arg(workspace::root().join("proto"))
        // Its output is ours: as it comes, and without files beside the sources.
        .args(["--sku", "tea-green"])
        .env("PYTHONUNBUFFERED", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .passes()?;
    running.exits_with(0, &["down"])?;
    sample.nothing_left()
}

/// The Python of a virtual environment that has the requirements, or why there is none.
fn environment(venv: &Path, requirements: &Path) -> anyhow::Result<Result<PathBuf, String>> {
    let python = venv.join("bin").join("python");
    let wanted = fs::read_to_string(requirements)
        .with_context(|| format!("can't read {}", requirements.display()))?;
    // Written last, so that a broken install is done again.
    let marker = venv.join("requirements-installed.txt");
    if python.exists() && fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(Ok(python));
    }
    let version = Run::new("python3", workspace::root()).args(["-c", "import venv, ensurepip"]);
    match version.output() {
        Err(_) => return Ok(Err("there is no python3 on PATH".to_owned())),
        Ok(output) if !output.status.success() => {
            return Ok(Err(
                "python3 has no venv or ensurepip (Debian: the package python3-venv)".to_owned(),
            ));
        }
        Ok(_) => {}
    }
    eprintln!("foreign: installing grpcio into {} (once)", venv.display());
    Run::new("python3", workspace::root())
        .args(["-m", "venv", "--clear"])
        .arg(venv)
        .passes()?;
    Run::new(&python, workspace::root())
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ])
        .arg(requirements)
        .passes()?;
    fs::write(&marker, wanted).with_context(|| format!("can't write {}", marker.display()))?;
    Ok(Ok(python))
}
