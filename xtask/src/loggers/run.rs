//! Runs the loggers, and compares the level of each line with that at which it was written.

use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, bail, ensure};
use fulcrum_logs::{
    Level, LogLine, MessageFilter, Source, Stream, detect_level, last_state, strip_colors,
};

use super::ecosystem::Ecosystem;
use super::rows::{ROWS, Row};
use crate::command::CommandRunner;
use crate::steps::format_error;

/// What a line says, before the level at which it was written.
const MARK: &str = "expect-";

/// A logger that writes at fewer levels does not work.
const MIN_LEVELS: usize = 4;

/// Runs the rows whose names contain `filter`, and prints one line for each.
///
/// # Errors
/// A line of a wrong level, a logger that fails, or none with that name.
pub(crate) fn run(filter: Option<&str>) -> anyhow::Result<()> {
    let mut failed = 0;
    let mut passed = 0;
    for ecosystem in [Ecosystem::Npm, Ecosystem::Python, Ecosystem::Cargo] {
        let mut rows = ROWS
            .iter()
            .filter(|row| row.ecosystem == ecosystem)
            .filter(|row| filter.is_none_or(|filter| row.name.contains(filter)))
            .peekable();
        if rows.peek().is_none() {
            continue;
        }
        let program = ecosystem.install()?;
        for row in rows {
            let name = format!("{:<8}{:<24}", row.ecosystem, row.name);
            match check(row, &program) {
                Ok(levels) => {
                    passed += 1;
                    println!("{name}{levels} lines right, with colors and without");
                }
                Err(error) => {
                    failed += 1;
                    println!("{name}FAILED");
                    eprintln!("{}", format_error(&error));
                }
            }
        }
    }
    ensure!(passed + failed > 0, "no logger contains {filter:?}");
    println!("{passed} passed, {failed} failed");
    if failed > 0 {
        bail!("{failed} loggers failed (see above)");
    }
    Ok(())
}

/// The number of lines, with colors and without.
fn check(row: &Row, program: &CommandRunner) -> anyhow::Result<usize> {
    let plain = program.clone().arg(row.name).env("NO_COLOR", "1");
    let colored = program
        .clone()
        .arg(row.name)
        .env("FORCE_COLOR", "1")
        .env("CLICOLOR_FORCE", "1");
    let mut lines = 0;
    for run in [plain, colored] {
        let output = run.output()?;
        if !output.status.success() {
            return Err(run.failure(&output));
        }
        let stdout = compare(&output.stdout, Stream::Stdout)?;
        let stderr = compare(&output.stderr, Stream::Stderr)?;
        ensure!(
            stdout + stderr >= MIN_LEVELS,
            "{} lines at levels: {}",
            stdout + stderr,
            run.command_line()
        );
        lines += stdout + stderr;
    }
    Ok(lines)
}

/// Compares the levels of a stream, and returns how many lines have one.
fn compare(output: &[u8], stream: Stream) -> anyhow::Result<usize> {
    let mut messages = MessageFilter::new(None, None);
    for text in output.split(|byte| *byte == b'\n') {
        messages.push(line(text, stream), 0);
    }
    messages.finish();
    let mut compared = 0;
    while let Some((line, _)) = messages.pop() {
        let state = last_state(line.content()).into_owned();
        let text = String::from_utf8_lossy(&strip_colors(&state)).into_owned();
        let Some((_, rest)) = text.split_once(MARK) else {
            continue;
        };
        let name: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
        let expected: Level = name.parse().context("the program names a level")?;
        ensure!(
            line.level == Some(expected),
            "{} instead of {expected}: {text:?}",
            line.level.map_or("none", Level::as_str)
        );
        compared += 1;
    }
    Ok(compared)
}

fn line(text: &[u8], stream: Stream) -> LogLine {
    LogLine {
        seq: 1,
        time: SystemTime::UNIX_EPOCH,
        source: Source {
            domain: Arc::from("logger"),
            generation: 1,
            pid: 1,
        },
        stream,
        level: detect_level(text, stream),
        message: text.to_vec().into(),
        partial: false,
        continues: false,
        message_trace: None,
    }
}
