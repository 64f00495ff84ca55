//! The workspace's own tools: `cargo xtask --help`.
//!
//! One file for each command. What a command needs of the outside (cargo, npm, Node, Python)
//! it starts through [`command`], so that every failure ends with the line to repeat.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod codegen;
mod command;
mod deny;
mod e2e;
mod faults;
mod foreign;
mod sample;
mod sdk;
mod steps;
mod test;
mod tidy;
mod wait;
mod workspace;

/// The workspace's own tools.
#[derive(Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Makes the gRPC code from proto/.
    Codegen {
        /// Compare with what is checked in instead of writing.
        #[arg(long)]
        check: bool,
    },
    /// Builds the Node package in sdk/node.
    Sdk {
        /// Compare with the checked-in dist/ instead of writing.
        #[arg(long)]
        check: bool,
    },
    /// Check the tree: imports, dependencies, sizes, names, code map
    Tidy {
        /// Print figures and findings without failing
        #[arg(long)]
        report: bool,
    },
    /// Checks licences, bans and sources of all dependencies, by cargo-deny.
    Deny,
    /// Runs the sample app unattended: start, call, kill, restart, logs, stop.
    E2e,
    /// Tries the failure catalogue row by row, and prints a table.
    Faults {
        /// Run the long tests too: figures, many repetitions, the soak.
        #[arg(long)]
        long: bool,
        /// Only this row (A4), or tests with this in their names.
        filter: Option<String>,
    },
    /// Talks to the sample app with a Python client made by the stock grpcio package.
    Foreign,
    /// Measures, beside references of the same run.
    Bench {
        #[command(subcommand)]
        bench: bench::Bench,
    },
    /// Writes so many bytes of lines to standard output, for `bench logs`.
    #[command(name = "__lines", hide = true)]
    Lines {
        bytes: u64,
        /// Not before this file is there.
        gate: Option<std::path::PathBuf>,
    },
    /// Runs all that CI runs, and stops at the first failure.
    Test,
}

fn main() -> ExitCode {
    match run(&Args::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", steps::told(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> anyhow::Result<()> {
    match task {
        Task::Codegen { check } => codegen::run(*check),
        Task::Sdk { check } => sdk::run(*check),
        Task::Tidy { report } => tidy::run(*report),
        Task::Deny => deny::run(),
        Task::E2e => e2e::run(),
        Task::Faults { long, filter } => faults::run(&faults::Options {
            long: *long,
            filter: filter.as_deref(),
        }),
        Task::Foreign => foreign::run().map(|outcome| println!("{outcome}")),
        Task::Bench { bench } => bench::run(*bench),
        Task::Lines { bytes, gate } => bench::write_lines(*bytes, gate.as_deref()),
        Task::Test => test::run(),
    }
}
