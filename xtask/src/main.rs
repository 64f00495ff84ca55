//! The workspace's own tools.

use clap::{Parser, Subcommand};

mod codegen;

/// The workspace's own tools.
#[derive(Parser)]
#[command(name = "cargo xtask")]
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
}

fn main() -> anyhow::Result<()> {
    match Args::parse().task {
        Task::Codegen { check } => codegen::run(check),
    }
}
