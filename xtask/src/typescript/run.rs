//! Runs the rows, the breakpoints and the apps, and prints what came of them.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail, ensure};

use super::fulcrum::Fulcrum;
use super::parallel::in_parallel;
use super::peers::{Peer, Peers};
use super::results::{Outcome, to_json};
use super::row::Row;
use super::table::Table;
use super::{apps, breakpoints, layout, parse, verdict};
use crate::node_tools::{Node, NodeVersion};
use crate::{sample, workspace};

/// What to run.
pub(crate) struct Options<'a> {
    /// Names of versions of Node; if there are none, 20 and 24.
    pub(crate) nodes: &'a [String],
    /// A part of the name of a row or an app.
    pub(crate) filter: Option<&'a str>,
    /// Neither breakpoints nor apps.
    pub(crate) rows_only: bool,
    /// Whether the other runners run again what they have run before.
    pub(crate) fresh: bool,
    pub(crate) output: Output,
}

/// The form of the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// A table
    Text,
    /// For programs
    Json,
}

/// Runs everything that was asked for.
///
/// # Errors
/// A row, a breakpoint or an app that fails, or tools that cannot be installed.
pub(crate) fn run(options: &Options<'_>) -> anyhow::Result<()> {
    let started = Instant::now();
    let directory = workspace::root().join("tests").join("typescript");
    let mut rows = parse::rows_of(&directory.join("rows"))?;
    if let Some(filter) = options.filter {
        let filter = filter.to_lowercase();
        rows.retain(|row| row.name().to_lowercase().contains(&filter));
    }
    let apps = apps::Apps::named(&directory.join("apps"), options.filter)?;
    ensure!(
        !rows.is_empty() || !apps.is_empty() && !options.rows_only,
        "no row and no app has such a name"
    );
    let nodes = install_nodes(options.nodes)?;
    let program = sample::build()?;
    let scratch = tempfile::Builder::new()
        .prefix("fulcrum-typescript-")
        .tempdir()?;
    // Node reports real paths.
    let scratch_path = scratch.path().canonicalize()?;
    let fulcrum = Fulcrum::new(program.clone(), &scratch_path.join("cache"));
    let peers = Peers::new(
        workspace::tools()?.join("typescript-peers.json"),
        options.fresh,
    )?;
    let outcomes = run_rows(&rows, &nodes, &fulcrum, &peers, &scratch_path)?;
    peers.keep()?;
    let versions: Vec<NodeVersion> = nodes.iter().map(|(version, _)| *version).collect();
    match options.output {
        Output::Text => {
            let (outcomes, nodes) = (&outcomes[..], &versions[..]);
            println!("{}", Table { outcomes, nodes });
        }
        Output::Json => println!("{:#}", to_json(&outcomes, &versions)),
    }
    let mut failed = outcomes
        .iter()
        .filter(|one| !one.fulcrum.is_empty())
        .count();
    if options.rows_only {
        eprintln!("breakpoints and apps: not run (--rows-only)");
    } else {
        failed += breakpoints::run(&rows, &nodes, &fulcrum, &scratch_path)?;
        failed += apps.run(&program, &nodes)?;
    }
    eprintln!("took {:.0} s", started.elapsed().as_secs_f64());
    if failed > 0 {
        bail!("{failed} failed");
    }
    Ok(())
}

fn install_nodes(names: &[String]) -> anyhow::Result<Vec<Node>> {
    let defaults = ["20".to_owned(), "24".to_owned()];
    let names = if names.is_empty() { &defaults } else { names };
    let node = |name: &String| {
        let version = NodeVersion::named(name)?;
        Ok((version, version.install()?))
    };
    names.iter().map(node).collect()
}

fn run_rows<'a>(
    rows: &'a [Row],
    nodes: &[Node],
    fulcrum: &Fulcrum,
    peers: &Peers,
    scratch: &Path,
) -> anyhow::Result<Vec<Outcome<'a>>> {
    let jobs = rows.iter().enumerate().flat_map(|(index, row)| {
        let applies = |(node, _): &&Node| row.nodes.contains(*node);
        nodes
            .iter()
            .filter(applies)
            .map(move |node| (index, row, node))
    });
    let jobs: Vec<(usize, &Row, &Node)> = jobs.collect();
    in_parallel(&jobs, |(index, row, node)| {
        let directory = scratch.join(format!("{index:03}-{}", node.0));
        run_row(row, node, fulcrum, peers, &directory)
            .with_context(|| format!("{} on node {}", row.name(), node.0))
    })
}

fn run_row<'a>(
    row: &'a Row,
    (node, program): &Node,
    fulcrum: &Fulcrum,
    peers: &Peers,
    directory: &Path,
) -> anyhow::Result<Outcome<'a>> {
    let own = directory.join("fulcrum");
    layout::write(row, &own)?;
    let started = Instant::now();
    let run = fulcrum.run(&own, &row.entry, program)?;
    let ran = started.elapsed().saturating_sub(run.planned);
    let mut differences = verdict::differences(row, &run.printed);
    differences.extend(verdict::missing_warnings(row, &run.warnings));
    std::fs::remove_dir_all(&own)?;
    let node = *node;
    let peer =
        |peer, name: &str| peers.differences(peer, row, (node, program), &directory.join(name));
    Ok(Outcome {
        row,
        node,
        fulcrum: differences,
        tsx: peer(Peer::Tsx, "tsx")?.unwrap_or_default(),
        native: peer(Peer::Node, "node")?,
        planned: run.planned,
        ran,
    })
}
