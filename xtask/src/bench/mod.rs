//! `cargo xtask bench`: how fast Fulcrum is, as ratios to references of the same run.
//!
//! Machines are noisy, so no figure stands alone and none is a test: each is the median of several
//! rounds, taken in turns with its reference. The binary is an optimised build.

mod app;
mod cold;
mod lines;
mod logs;
mod logs_past;
mod median;
mod nodes;
mod reload;
mod start;

use std::path::PathBuf;

use anyhow::bail;
use clap::Subcommand;

use crate::command::Run;
use crate::workspace;

/// What can be measured.
#[derive(Subcommand, Clone, Copy)]
pub(crate) enum Bench {
    /// From spawn to registered, beside `node -e 0`, by language and Node.
    Start,
    /// Eight domains from nothing, beside the same eight started directly.
    Cold,
    /// A gigabyte of lines into the store, beside `cat > file`; and out of it.
    Logs,
    /// From a save to new code answering a call, beside nodemon, node --watch, tsx and pm2.
    Reload,
    /// From a crash to an answer of the next life, beside `node -e 0` and a direct respawn.
    Crash,
}

pub(crate) use lines::write as write_lines;

/// Measures one thing and prints a table.
///
/// # Errors
/// A build, an install or a start that fails.
pub(crate) fn run(bench: Bench) -> anyhow::Result<()> {
    if std::env::var_os("NODE_EXTRA_CA_CERTS").is_some() {
        println!(
            "NODE_EXTRA_CA_CERTS is set here and taken out: it costs Node 20 some 40 ms a start"
        );
    }
    let fulcrum = build()?;
    match bench {
        Bench::Start => start::run(&fulcrum),
        Bench::Cold => cold::run(&fulcrum),
        Bench::Logs => logs::run(&fulcrum),
        Bench::Reload => reload::run(&fulcrum),
        Bench::Crash => reload::crashes(&fulcrum),
    }
}

fn build() -> anyhow::Result<PathBuf> {
    Run::cargo()
        .args(["build", "--quiet", "--release", "--package", "fulcrum-cli"])
        .passes()?;
    let program = workspace::target()?.join("release").join("fulcrum");
    if !program.is_file() {
        bail!("the build made no {}", program.display());
    }
    Ok(program)
}
