//! `cargo xtask examples`: runs every example of every crate.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use cargo_metadata::{Message, Metadata, TargetKind};

use crate::command::CommandRunner;
use crate::steps::Outcome;
use crate::workspace;

/// The maximum time of one example.
const LIMIT: Duration = Duration::from_secs(60);

/// Examples that are only built, and the reason.
const NOT_RUN: &[(&str, &str)] = &[(
    "fulcrum-watch/measure",
    "it measures, with 40,000 files, for more than a minute",
)];

/// An example and its executable.
struct Example {
    /// Package and name: `fulcrum-spawn/restart`.
    name: String,
    executable: PathBuf,
}

/// Builds all examples, then runs one after another in the workspace's root, without input.
///
/// # Errors
/// A build that fails, an example that is not built since its features are off, and the first one
/// that does not exit with 0 in time; with its output.
pub(crate) fn run() -> anyhow::Result<Outcome> {
    let expected = examples(&workspace::metadata()?);
    if expected.is_empty() {
        return Ok(Outcome::Skipped("there are no examples".to_owned()));
    }
    let built = build()?;
    for name in &expected {
        ensure!(
            built.iter().any(|example| example.name == *name),
            "{name} was not built: nothing in the workspace enables its required features"
        );
    }
    for example in built {
        if let Some((_, reason)) = NOT_RUN.iter().find(|(name, _)| *name == example.name) {
            eprintln!("  not run  {}: {reason}", example.name);
            continue;
        }
        let started = Instant::now();
        let runner = CommandRunner::new(&example.executable, workspace::root()).timeout(LIMIT);
        let output = runner.output().with_context(|| example.name.clone())?;
        if !output.status.success() {
            bail!("{}: {}", example.name, runner.failure(&output));
        }
        eprintln!(
            "{:8.2} s  {}",
            started.elapsed().as_secs_f64(),
            example.name
        );
    }
    Ok(Outcome::Passed)
}

/// The examples of all packages, by package and name.
fn examples(metadata: &Metadata) -> Vec<String> {
    let packages = metadata.workspace_packages();
    let names = packages.iter().flat_map(|package| {
        let examples = package
            .targets
            .iter()
            .filter(|target| target.kind.contains(&TargetKind::Example));
        examples.map(|target| format!("{}/{}", package.name, target.name))
    });
    names.collect()
}

/// Builds as `cargo test --workspace` does, so that nothing is built twice.
fn build() -> anyhow::Result<Vec<Example>> {
    let args = "build --workspace --examples --locked --message-format=json-render-diagnostics";
    let messages = CommandRunner::cargo().args(args.split(' ')).stdout()?;
    let mut built = Vec::new();
    for message in Message::parse_stream(messages.as_bytes()) {
        let Message::CompilerArtifact(artifact) = message? else {
            continue;
        };
        let is_example = artifact.target.kind.contains(&TargetKind::Example);
        if let (true, Some(executable)) = (is_example, artifact.executable) {
            let package = artifact
                .manifest_path
                .parent()
                .and_then(|path| path.file_name());
            built.push(Example {
                name: format!("{}/{}", package.unwrap_or_default(), artifact.target.name),
                executable: executable.into_std_path_buf(),
            });
        }
    }
    built.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(built)
}
