//! Breakpoints: the rows with a line at which a debugger must pause.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde_json::json;

use super::execute::{LIMIT, execute};
use super::fulcrum::Fulcrum;
use super::layout;
use super::parallel::in_parallel;
use super::row::{Breakpoint, Row};
use crate::node_tools::{Node, NodeVersion};
use crate::workspace;

/// Runs all rows with a breakpoint under a debugger, and prints how many pause where they should.
/// Returns how many do not.
///
/// # Errors
/// Files that cannot be written, programs that cannot be started.
pub(super) fn run(
    rows: &[Row],
    nodes: &[Node],
    fulcrum: &Fulcrum,
    scratch: &Path,
) -> anyhow::Result<usize> {
    // The debugger's client needs a WebSocket.
    let client = NodeVersion::named("24")?.install()?;
    let mut failed = 0;
    for node in nodes {
        let jobs: Vec<(usize, &Row, &Breakpoint)> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.nodes.contains(node.0))
            .filter_map(|(index, row)| Some((index, row, row.breakpoint.as_ref()?)))
            .collect();
        let problems = in_parallel(&jobs, |(index, row, breakpoint)| {
            let directory = scratch.join(format!("break-{index:03}-{}", node.0));
            layout::write(row, &directory)?;
            check(row, breakpoint, node, fulcrum, &client, &directory)
                .with_context(|| format!("{} on node {}", row.name(), node.0))
        })?;
        let missed = problems.iter().flatten().count();
        failed += missed;
        eprintln!(
            "node {:5} {} of {} breakpoints",
            node.0,
            jobs.len() - missed,
            jobs.len()
        );
        for ((_, row, breakpoint), problem) in jobs.iter().zip(&problems) {
            if let Some(problem) = problem {
                let Breakpoint { file, line } = breakpoint;
                eprintln!(
                    "\nFAIL  node {}: {}\n      {file}:{line}: {problem}",
                    node.0,
                    row.name()
                );
            }
        }
    }
    Ok(failed)
}

/// What is wrong with one breakpoint, if anything.
fn check(
    row: &Row,
    breakpoint: &Breakpoint,
    (_, program): &Node,
    fulcrum: &Fulcrum,
    client: &Path,
    directory: &Path,
) -> anyhow::Result<Option<String>> {
    // Every process takes a free port.
    let arguments = ["--inspect-brk=127.0.0.1:0".to_owned()];
    let command = match fulcrum.plan(directory, &row.entry, program, &arguments) {
        Ok((command, _)) => command,
        Err(error) => return Ok(Some(error)),
    };
    let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
    let env: BTreeMap<String, Option<String>> = command
        .get_envs()
        .map(|(name, value)| (text(name), value.map(text)))
        .collect();
    let request = json!({
        "program": text(command.get_program()),
        "args": command.get_args().map(text).collect::<Vec<_>>(),
        "cwd": directory,
        "env": env,
        "file": directory.join(&breakpoint.file).canonicalize()?,
        "line": breakpoint.line,
    });
    let script = workspace::root().join("tests/typescript/breakpoint.mjs");
    let mut debugger = Command::new(client);
    debugger.arg(script).arg(request.to_string());
    let printed = execute(&mut debugger, LIMIT)?;
    Ok((!printed.success).then_some(printed.stderr))
}
