//! Which benchmark to run.

use std::path::PathBuf;

use anyhow::bail;
use clap::Subcommand;

use super::{all, calls, cold, instructions, log_query, logs, reload, scale, start};
use crate::command::CommandRunner;
use crate::workspace;

/// The benchmarks.
#[derive(Subcommand, Clone, Copy)]
pub(crate) enum Bench {
    /// Measure spawn to registered, beside `node -e 0`, by language and Node
    Start,
    /// Measure a cold start of eight domains, beside the same eight started directly
    Cold,
    /// Measure a gigabyte of lines into the store, beside `cat > file`, and queries on it
    Logs,
    /// Measure a save to a response of new code, beside nodemon, node --watch, tsx and pm2
    Reload,
    /// Measure calls through Fulcrum to domains, beside a direct gRPC server
    Calls,
    /// Measure a crash to a response of the next process, beside `node -e 0` and a direct respawn
    Crash,
    /// Measure 10 to 5,000 tiny programs: start, memory, idle cost, list, stop; on an idle machine only
    Scale,
    /// Measure all that docs/performance.md tells, beside pm2, supervisor and runit; on an idle
    /// machine only
    All,
    /// Count the instructions of hot paths with valgrind, and compare them with the checked-in table
    Instructions {
        /// Write the table instead of comparing
        #[arg(long)]
        update: bool,
    },
}

/// Runs one benchmark and prints a table.
///
/// # Errors
/// A build, an install or a start that fails.
pub(crate) fn run(bench: Bench) -> anyhow::Result<()> {
    if let Bench::Instructions { update } = bench {
        return instructions::run(update).map(|outcome| println!("{outcome}"));
    }
    if std::env::var_os("NODE_EXTRA_CA_CERTS").is_some() {
        println!(
            "NODE_EXTRA_CA_CERTS is removed from the environment: it costs Node 20 about 40 ms a start"
        );
    }
    let fulcrum = build()?;
    match bench {
        Bench::Start => start::run(&fulcrum),
        Bench::Cold => cold::run(&fulcrum),
        Bench::Logs => {
            logs::run(&fulcrum)?;
            log_query::run(&fulcrum)
        }
        Bench::Reload => reload::run(&fulcrum),
        Bench::Calls => calls::run(&fulcrum),
        Bench::Crash => reload::crashes(&fulcrum),
        Bench::Scale => scale::run(&fulcrum),
        Bench::All => all::run(&fulcrum),
        Bench::Instructions { .. } => Ok(()),
    }
}

fn build() -> anyhow::Result<PathBuf> {
    CommandRunner::cargo()
        .args(["build", "--quiet", "--release", "--package", "fulcrum-cli"])
        .run_checked()?;
    let program = workspace::target()?.join("release").join("fulcrum");
    if !program.is_file() {
        bail!("the build created no {}", program.display());
    }
    Ok(program)
}
