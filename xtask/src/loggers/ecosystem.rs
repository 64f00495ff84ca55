//! Pinned loggers of an ecosystem, installed below the tools directory once, and the program that
//! writes with each of them.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::command::CommandRunner;
use crate::node_tools;
use crate::python_tools::PythonEnvironment;
use crate::workspace;

/// Where a logger comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ecosystem {
    Npm,
    Python,
    Cargo,
}

const NPM: [&str; 21] = [
    "@nestjs/common@12.5.1",
    "@nestjs/core@12.5.1",
    "bole@6.0.12",
    "bunyan@2.0.5",
    "consola@3.4.2",
    "egg-logger@3.6.1",
    "lambda-log@3.1.0",
    "log4js@6.9.1",
    "loglevel@1.9.2",
    "loglevel-plugin-prefix@0.8.4",
    "npmlog@7.0.1",
    "pino@10.4.0",
    "pino-pretty@13.2.0",
    "reflect-metadata@0.2.2",
    "roarr@7.21.7",
    "rxjs@7.8.2",
    "signale@1.4.0",
    "simple-node-logger@21.8.12",
    "tracer@1.3.0",
    "tslog@5.1.0",
    "winston@3.19.0",
];

const PYTHON: [&str; 11] = [
    "absl-py==2.5.1",
    "coloredlogs==15.0.1",
    "colorlog==6.12.0",
    "daiquiri==3.4.0",
    "gunicorn==27.0.1",
    "Logbook==1.10.1",
    "loguru==0.7.3",
    "python-json-logger==4.2.0",
    "rich==15.0.0",
    "structlog==26.1.0",
    "uvicorn==0.54.0",
];

const CARGO: &str = r#"[package]
name = "loggers"
version = "0.1.0"
edition = "2024"

[workspace]

[dependencies]
env_logger = "=0.11.12"
fern = "=0.7.1"
flexi_logger = "=0.31.10"
log = "=0.4.35"
log4rs = "=1.4.0"
pretty_env_logger = "=0.5.0"
simple_logger = "=5.2.0"
simplelog = "=0.12.2"
slog = { version = "=2.8.2", features = ["max_level_trace"] }
slog-json = "=2.6.1"
slog-term = "=2.9.2"
stderrlog = "=0.6.0"
tracing = "=0.1.44"
tracing-subscriber = { version = "=0.3.23", features = ["json"] }
"#;

impl Ecosystem {
    /// Installs the loggers, and returns the command that writes with one of them, to which its name
    /// is added.
    ///
    /// # Errors
    /// A package manager that fails.
    pub(super) fn install(self) -> anyhow::Result<CommandRunner> {
        let directory = workspace::tools()?.join(format!("loggers-{self}"));
        match self {
            Self::Npm => {
                node_tools::install(&directory, &NPM)?;
                let program = directory.join("loggers.cjs");
                write(&program, include_str!("programs/loggers.cjs"))?;
                Ok(CommandRunner::new("node", &directory).arg(program))
            }
            Self::Python => {
                let environment = PythonEnvironment {
                    directory: &directory.join("venv"),
                    requirements: &PYTHON.join("\n"),
                };
                let python = environment.install()?;
                let program = directory.join("loggers.py");
                write(&program, include_str!("programs/loggers.py"))?;
                Ok(CommandRunner::new(python, &directory).arg(program))
            }
            Self::Cargo => {
                write(&directory.join("Cargo.toml"), CARGO)?;
                let program = include_str!("programs/loggers.rs.in");
                write(&directory.join("src/main.rs"), program)?;
                CommandRunner::new("cargo", &directory)
                    .args(["build", "--quiet", "--target-dir", "target"])
                    .run_checked()?;
                let program = directory.join("target/debug/loggers");
                Ok(CommandRunner::new(program, &directory))
            }
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Npm => "npm",
            Self::Python => "python",
            Self::Cargo => "cargo",
        })
    }
}

/// Writes a file unless it has this text: a build is repeated only for changes.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    if fs::read_to_string(file).is_ok_and(|found| found == text) {
        return Ok(());
    }
    let write = || {
        fs::create_dir_all(file.parent().unwrap_or(file))?;
        fs::write(file, text)
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}
