//! Rules about Python, Bun and Deno.

use super::stack::{describe_cause, names_an_error};
use super::stderr_tail::{StderrTail, positions_in_stack};
use super::system_errors::free_port_hint;
use super::types::Diagnosis;

/// The traceback of Python: its last line says what happened, the frame above it where.
pub(super) fn python(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let (headline, frames) = python_error(tail.all)?;
    let frame = frames.iter().rev().find_map(|line| python_frame(line));
    let at = frame.map_or_else(String::new, |(file, line)| {
        format!(" at {}:{line}", tail.short(file))
    });
    let name = headline.split([':', ' ']).next().unwrap_or_default();
    match name {
        "SyntaxError" | "IndentationError" | "TabError" => {
            Diagnosis::permanent(format!("{headline}{at}"), "correct that line")
        }
        "ModuleNotFoundError" => Diagnosis::permanent(
            format!("{headline}{at}"),
            "install it where the Python runs that the command names",
        ),
        _ => Diagnosis::transient(format!("{headline}{at}"), ""),
    }
}

/// The error of the last traceback, and the lines of its frames.
fn python_error(lines: &[String]) -> Option<(&str, &[String])> {
    let start = match lines
        .iter()
        .rposition(|line| line.starts_with("Traceback (most recent call last):"))
    {
        Some(at) => at + 1,
        // A file with a syntax error has no traceback.
        None => lines
            .iter()
            .rposition(|line| python_frame(line).is_some())
            .filter(|at| lines[*at].starts_with("  File"))?,
    };
    let length = lines[start..]
        .iter()
        .position(|line| !line.starts_with(' ') && !line.is_empty())?;
    let headline = lines[start + length].trim();
    (length > 0).then_some((headline, &lines[start..start + length]))
}

/// `  File "/app/a.py", line 7, in run`
fn python_frame(line: &str) -> Option<(&str, &str)> {
    let (file, rest) = line
        .trim_start()
        .strip_prefix("File \"")?
        .split_once("\", line ")?;
    Some((file, rest.split(',').next()?.trim()))
}

/// The report of Bun, which ends with its version.
pub(super) fn bun(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let end = tail
        .all
        .iter()
        .rposition(|line| line.starts_with("Bun v"))?;
    let report = &tail.all[..end];
    let is_head = |line: &str| {
        line.starts_with("error: ") || (names_an_error(line) && !line.starts_with("Bun "))
    };
    // The error comes before its causes, each with an excerpt of the code above it.
    let mut heads = report
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, line)| is_head(line));
    let (mut at, _) = heads.next()?;
    let mut cause = None;
    for (above, _) in heads {
        let between = &report[above + 1..at];
        if !between.iter().all(|line| is_bun_detail(line)) {
            break;
        }
        cause = Some(report[at].trim_start_matches("error: "));
        at = above;
    }
    let headline = report[at].trim_start_matches("error: ");
    let position = tail.at_position(positions_in_stack(&report[at..]).next());
    if let Some(port) = port_in_use(headline) {
        let cause = format!("port {port} is already in use");
        return Diagnosis::transient(cause, free_port_hint(port)).map(|found| Diagnosis {
            address_in_use: Some(format!("0.0.0.0:{port}")),
            ..found
        });
    }
    if headline.starts_with("Cannot find module ") || headline.starts_with("Cannot find package ") {
        return Diagnosis::permanent(headline, "correct the import, or install the package");
    }
    // What Bun's parser rejects has no name, and a frame without a function.
    let is_syntax = headline.starts_with("Unexpected ") || headline.starts_with("Expected ");
    if is_syntax || headline.starts_with("SyntaxError") {
        return Diagnosis::permanent(format!("{headline}{position}"), "correct that line");
    }
    let cause = describe_cause(cause);
    Diagnosis::transient(format!("{headline}{position}{cause}"), "")
}

/// A line of an excerpt, a frame, a field of the error, or nothing.
fn is_bun_detail(line: &str) -> bool {
    let numbered = line
        .split_once(" | ")
        .is_some_and(|(number, _)| number.trim().parse::<u32>().is_ok());
    line.is_empty() || line.starts_with(' ') || numbered
}

fn port_in_use(headline: &str) -> Option<u16> {
    let rest = headline.strip_prefix("Failed to start server. Is port ")?;
    rest.strip_suffix(" in use?")?.parse().ok()
}

/// The report of Deno: `error: Uncaught (in promise) TypeError: boom`, with frames.
pub(super) fn deno(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let at = tail
        .all
        .iter()
        .rposition(|line| line.starts_with("error: "))?;
    let report = &tail.all[at..];
    let is_deno = report.iter().any(|line| {
        line.trim_start().starts_with("at file:///")
            || line.starts_with("Stack backtrace:")
            || line.contains("error: Uncaught ")
    });
    if !is_deno {
        return None;
    }
    let headline = report[0].trim_start_matches("error: ");
    let thrown = ["Uncaught (in promise) ", "Uncaught "]
        .iter()
        .find_map(|lead| headline.strip_prefix(lead));
    let own = |position: &&str| position.starts_with('/');
    let position = positions_in_stack(report).find(own);
    let position = tail.at_position(position);
    let cause = report
        .iter()
        .find_map(|line| line.strip_prefix("Caused by: "));
    let cause = describe_cause(cause);
    match thrown {
        Some(error) if error.starts_with("NotCapable: ") => {
            Diagnosis::permanent(format!("{error}{position}"), "add that flag to the command")
        }
        Some(error) => Diagnosis::transient(format!("{error}{position}{cause}"), ""),
        // Not thrown by the program: its code could not be loaded.
        None => Diagnosis::permanent(
            format!("{}{position}", headline.trim_end_matches('.')),
            "correct the code or the import",
        ),
    }
}
