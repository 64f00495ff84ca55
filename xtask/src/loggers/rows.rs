//! The loggers and their formats.

use super::ecosystem::Ecosystem;
use super::ecosystem::Ecosystem::{Cargo, Npm, Python};

/// A logger in one of its formats: the argument of the ecosystem's program.
pub(super) struct Row {
    pub(super) ecosystem: Ecosystem,
    pub(super) name: &'static str,
}

const fn row(ecosystem: Ecosystem, name: &'static str) -> Row {
    Row { ecosystem, name }
}

/// Forty loggers, some in several formats.
pub(super) const ROWS: &[Row] = &[
    row(Npm, "pino"),
    row(Npm, "pino-pretty"),
    row(Npm, "winston-json"),
    row(Npm, "winston-simple"),
    row(Npm, "winston-cli"),
    row(Npm, "winston-printf"),
    row(Npm, "bunyan"),
    row(Npm, "log4js"),
    row(Npm, "consola"),
    row(Npm, "signale"),
    row(Npm, "tslog-pretty"),
    row(Npm, "tslog-json"),
    row(Npm, "npmlog"),
    row(Npm, "roarr"),
    row(Npm, "nest-text"),
    row(Npm, "nest-json"),
    row(Npm, "lambda-log"),
    row(Npm, "bole"),
    row(Npm, "tracer"),
    row(Npm, "simple-node-logger"),
    row(Npm, "egg-logger"),
    row(Npm, "loglevel"),
    row(Python, "logging-basic"),
    row(Python, "logging-dashes"),
    row(Python, "loguru"),
    row(Python, "structlog-console"),
    row(Python, "structlog-json"),
    row(Python, "json-logger"),
    row(Python, "colorlog"),
    row(Python, "coloredlogs"),
    row(Python, "rich"),
    row(Python, "logbook"),
    row(Python, "gunicorn"),
    row(Python, "uvicorn"),
    row(Python, "daiquiri"),
    row(Python, "absl"),
    row(Cargo, "env_logger"),
    row(Cargo, "pretty_env_logger"),
    row(Cargo, "simple_logger"),
    row(Cargo, "fern"),
    row(Cargo, "flexi_logger"),
    row(Cargo, "flexi_logger-detailed"),
    row(Cargo, "log4rs"),
    row(Cargo, "stderrlog"),
    row(Cargo, "simplelog"),
    row(Cargo, "tracing"),
    row(Cargo, "tracing-compact"),
    row(Cargo, "tracing-pretty"),
    row(Cargo, "tracing-json"),
    row(Cargo, "slog-term"),
    row(Cargo, "slog-json"),
];
