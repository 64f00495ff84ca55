//! Installs the packages, and runs both programs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{calls, metrics, otlp_export, otlp_traces};
use crate::command::CommandRunner;
use crate::python_tools::PythonEnvironment;
use crate::sample::{self, Sample};
use crate::steps::Outcome;
use crate::workspace;

/// Starts the sample app, runs the client, stops the app; then the same with the receiver and the
/// readers of metrics.
///
/// # Errors
/// An app that does not start or stop, packages that cannot be installed, a wrong response to the
/// client, or lines that do not arrive.
pub(crate) fn run() -> anyhow::Result<Outcome> {
    let directory = workspace::root().join("tests").join("interop");
    let requirements = directory.join("requirements.txt");
    let python = match environment(&workspace::tools()?.join("venv"), &requirements)? {
        Ok(python) => python,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let program = sample::build()?;
    Sample::copy(program.clone())?.run_with(|sample| run_client(sample, &python, &directory))?;
    Sample::copy(program.clone())?.run_with(|sample| calls::check(sample, &python, &directory))?;
    Sample::copy(program.clone())?
        .run_with(|sample| otlp_export::check(sample, &python, &directory))?;
    Sample::copy(program.clone())?
        .run_with(|sample| otlp_traces::check(sample, &python, &directory))?;
    Sample::copy(program)?.run_with(|sample| metrics::check(sample, &python, &directory))?;
    Ok(Outcome::Passed)
}

fn run_client(sample: &Sample, python: &Path, directory: &Path) -> anyhow::Result<()> {
    let running = sample.start()?;
    let status = running.json(&["domains", "status", "-o", "json"])?;
    let address = status["instance"]["grpc"]
        .as_str()
        .with_context(|| format!("the instance has no gRPC address: {status}"))?;
    CommandRunner::new(python, workspace::root())
        .arg(directory.join("client.py"))
        .arg(address)
        .arg(workspace::root().join("proto"))
        // Unbuffered output, and no compiled files beside the sources.
        .args(["--sku", "tea-green"])
        .env("PYTHONUNBUFFERED", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .run_checked()?;
    running.expect_exit_code(0, &["down"])?;
    sample.assert_no_processes()
}

/// The Python of a virtual environment with the requirements, or the reason why there is none.
fn environment(venv: &Path, requirements: &Path) -> anyhow::Result<Result<PathBuf, String>> {
    let requirements = fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let environment = PythonEnvironment {
        directory: venv,
        requirements: &requirements,
    };
    if let Some(python) = environment.installed() {
        return Ok(Ok(python));
    }
    let version =
        CommandRunner::new("python3", workspace::root()).args(["-c", "import venv, ensurepip"]);
    match version.output() {
        Err(_) => return Ok(Err("there is no python3 on PATH".to_owned())),
        Ok(output) if !output.status.success() => {
            return Ok(Err(
                "python3 has no venv or ensurepip (Debian: the package python3-venv)".to_owned(),
            ));
        }
        Ok(_) => {}
    }
    environment.install().map(Ok)
}
