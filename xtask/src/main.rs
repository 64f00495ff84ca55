//! The workspace's own tools: `cargo xtask --help`.
//!
//! One file or directory for each command. External programs (cargo, npm, Node, Python) are started
//! through [`command`], so that every failure contains the command line to repeat.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod codegen;
mod command;
mod crates;
mod deny;
mod dist;
mod docs;
mod e2e;
mod examples;
mod faults;
mod interop;
mod loggers;
mod node_tools;
mod packages;
mod python_tools;
mod runtimes;
mod sample;
mod screens;
mod sdk;
mod steps;
mod test;
mod tidy;
mod typescript;
mod wait;
mod workspace;

/// The workspace's own tools
#[derive(Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Generate the gRPC code from proto/
    Codegen {
        /// Compare with the checked-in files instead of writing
        #[arg(long)]
        check: bool,
    },
    /// Build the Node package in sdk/node
    Sdk {
        /// Compare with the checked-in dist/ instead of writing
        #[arg(long)]
        check: bool,
    },
    /// Generate docs/configuration.md and docs/cli.md
    Docs {
        /// Compare with the checked-in files instead of writing
        #[arg(long)]
        check: bool,
    },
    /// Check the tree: imports, dependencies, sizes, names, code map
    Tidy {
        /// Print figures and findings without failing
        #[arg(long)]
        report: bool,
    },
    /// Check licenses, bans and sources of all dependencies with cargo-deny
    Deny,
    /// Run every example of every crate
    Examples,
    /// Check that each crate is complete and can be packaged
    Crates,
    /// Write a man page for each command
    Man {
        /// The directory to write to [default: target/man]
        #[arg(long, value_name = "DIR")]
        out: Option<std::path::PathBuf>,
    },
    /// Build what users install: tarball, Debian package, packages for npm
    Dist {
        /// Package the debug build
        #[arg(long)]
        debug: bool,
        /// The directory to write to [default: target/dist-packages, and target/dist-debug/packages for the debug build]
        #[arg(long, value_name = "DIR")]
        out: Option<std::path::PathBuf>,
        /// Install the packages with npm, pnpm and Yarn, and run them
        #[arg(long)]
        check: bool,
    },
    /// Install with real package managers: fresh clones, workspaces, repaired failures
    Packages {
        /// Run only the rows whose names contain this
        #[arg(long, value_name = "TEXT")]
        filter: Option<String>,
    },
    /// Run the sample app's catalog under each Node, Bun and Deno: call, crash, hang, reload, stop
    Runtimes {
        /// Run only the runtimes whose names contain this
        #[arg(long, value_name = "TEXT")]
        filter: Option<String>,
    },
    /// Compare the levels that real loggers from npm, PyPI and crates.io write with those detected
    Loggers {
        /// Run only the loggers whose names contain this
        #[arg(long, value_name = "TEXT")]
        filter: Option<String>,
    },
    /// Run the sample app unattended: start, call, kill, restart, logs, stop
    E2e,
    /// Test the failure catalog row by row and print a table
    Faults {
        /// Run the long tests too: measurements, many repetitions, the soak test
        #[arg(long)]
        long: bool,
        /// Run only this row (A4), or the tests whose names contain this
        filter: Option<String>,
    },
    /// Capture what a terminal shows into docs/screens, with tmux
    Screens {
        /// Take only the pictures whose names contain this
        #[arg(long, value_name = "TEXT")]
        filter: Option<String>,
    },
    /// Compare generated env files with npm's dotenv
    EnvFiles,
    /// Compare the JSON Schemas of the configuration with Fulcrum's own checks, as npm's ajv reads them
    Schemas,
    /// Check the sample app with third-party gRPC and OpenTelemetry programs
    #[command(visible_alias = "foreign")]
    Interop,
    /// Run small TypeScript programs and real frameworks, beside tsx and Node's own transformation
    Typescript {
        /// Run on this Node: 20.13, 20, 22, 24 or 26; may be repeated [default: 20 and 24]
        #[arg(long = "node", value_name = "VERSION")]
        nodes: Vec<String>,
        /// Run only the rows and apps whose names contain this
        #[arg(long, value_name = "TEXT")]
        filter: Option<String>,
        /// Run neither breakpoints nor frameworks
        #[arg(long)]
        rows_only: bool,
        /// Run tsx and Node again for rows that have not changed
        #[arg(long)]
        fresh: bool,
        /// Form of the results
        #[arg(short, long, value_enum, default_value_t = typescript::Output::Text)]
        output: typescript::Output,
    },
    /// Measure the speed, beside references of the same run
    Bench {
        #[command(subcommand)]
        bench: bench::Bench,
    },
    /// Write that many bytes of lines to standard output, for `bench logs`
    #[command(name = "__lines", hide = true)]
    Lines {
        bytes: u64,
        /// Wait until this file exists
        gate: Option<std::path::PathBuf>,
    },
    /// Run everything that CI runs, up to the first failure
    Test,
}

fn main() -> ExitCode {
    match run(&Args::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", steps::format_error(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> anyhow::Result<()> {
    match task {
        Task::Codegen { check } => codegen::run(*check),
        Task::Sdk { check } => sdk::run(*check),
        Task::Docs { check } => docs::run(*check),
        Task::Tidy { report } => tidy::run(*report),
        Task::Deny => deny::run(),
        Task::Examples => examples::run().map(|outcome| println!("{outcome}")),
        Task::Crates => crates::run(),
        Task::Man { out } => dist::write_man_pages(out.as_deref()),
        Task::Dist { debug, out, check } => dist::run(&dist::Options {
            debug: *debug,
            out: out.clone(),
            check: *check,
        }),
        Task::Packages { filter } => packages::run(filter.as_deref()),
        Task::Runtimes { filter } => runtimes::run(filter.as_deref()),
        Task::Loggers { filter } => loggers::run(filter.as_deref()),
        Task::E2e => e2e::run(),
        Task::Faults { long, filter } => faults::run(&faults::Options {
            long: *long,
            filter: filter.as_deref(),
        }),
        Task::Screens { filter } => screens::run(filter.as_deref()),
        Task::EnvFiles => interop::check_env_files(),
        Task::Schemas => interop::check_schemas(),
        Task::Interop => interop::run().map(|outcome| println!("{outcome}")),
        Task::Typescript {
            nodes,
            filter,
            rows_only,
            fresh,
            output,
        } => typescript::run(&typescript::Options {
            nodes,
            filter: filter.as_deref(),
            rows_only: *rows_only,
            fresh: *fresh,
            output: *output,
        }),
        Task::Bench { bench } => bench::run(*bench),
        Task::Lines { bytes, gate } => bench::write_lines(*bytes, gate.as_deref()),
        Task::Test => test::run(),
    }
}
