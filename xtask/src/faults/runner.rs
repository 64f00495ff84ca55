//! Runs the tests, each in a process of its own.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::discovery::Test;
use super::row::Id;
use crate::command::CommandRunner;

/// Names the file to which a test writes its [`ReportEntry`]s.
const REPORT: &str = "FULCRUM_FAULTS_REPORT";

/// What a test reports besides pass and fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReportEntry {
    /// The row cannot be tested on this machine, and the reason.
    NotApplicable(Id, String),
    /// A measured value.
    Measurement(Id, String),
}

/// How a test ended.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) test: Test,
    /// None if it was not run, since it is a long one.
    pub(super) took: Option<Duration>,
    /// Its output, if it failed.
    pub(super) failure: Option<String>,
    pub(super) report: Vec<ReportEntry>,
}

/// Runs all of them: first the ordinary ones in parallel, then, if requested, the long ones.
///
/// # Errors
/// A directory for the reports that cannot be created. A test that cannot be run has failed.
pub(super) fn run(tests: &[Test], long: bool) -> anyhow::Result<Vec<Outcome>> {
    let reports = crate::workspace::target()?.join("tmp/faults");
    // Reports of an earlier run are not those of this one.
    if reports.exists() {
        std::fs::remove_dir_all(&reports)
            .with_context(|| format!("cannot clear {}", reports.display()))?;
    }
    std::fs::create_dir_all(&reports)?;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let (slow, quick): (Vec<&Test>, Vec<&Test>) = tests.iter().partition(|test| test.long);
    let mut outcomes = run_some(&quick, cores, &reports);
    if long {
        outcomes.extend(run_some(&slow, 1, &reports));
    } else {
        outcomes.extend(slow.into_iter().map(|test| Outcome {
            test: test.clone(),
            took: None,
            failure: None,
            report: Vec::new(),
        }));
    }
    Ok(outcomes)
}

fn run_some(tests: &[&Test], workers: usize, reports: &Path) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    let work = || {
        while let Some(test) = tests.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = run_one(test, reports);
            // A panic of another worker leaves the outcomes valid.
            let mut outcomes = outcomes.lock().unwrap_or_else(|lock| lock.into_inner());
            outcomes.push(outcome);
        }
    };
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let outcomes = outcomes.into_inner();
    outcomes.unwrap_or_else(|lock| lock.into_inner())
}

fn run_one(test: &Test, reports: &Path) -> Outcome {
    let report: PathBuf = reports.join(test.name.replace("::", "."));
    let limit = if test.long { 60 } else { 5 };
    let run = CommandRunner::new(&test.executable, crate::workspace::root().join("tests"))
        .args(["--exact", &test.name, "--include-ignored", "--nocapture"])
        .env(REPORT, &report)
        .timeout(Duration::from_secs(60 * limit))
        // Set by cargo for the tests that it runs; tests that build something use it.
        .env("CARGO", std::env::var_os("CARGO").unwrap_or("cargo".into()));
    let started = Instant::now();
    let failure = match run.output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some(String::from_utf8_lossy(&text).into_owned())
        }
        Err(error) => Some(format!("{error:#}\n")),
    };
    let took = started.elapsed();
    let passed = failure.is_none();
    let prefix = if passed { "" } else { "FAILED: " };
    eprintln!("{:8.2} s  {prefix}{}", took.as_secs_f64(), test.name);
    let failure = failure.map(|text| format!("{text}\nrepeat with\n  {}", run.command_line()));
    // A test without entries has no report.
    let report = std::fs::read_to_string(&report).unwrap_or_default();
    Outcome {
        test: test.clone(),
        took: Some(took),
        failure,
        report: report.lines().filter_map(parse_entry).collect(),
    }
}

/// A line of a report: row, kind, text.
fn parse_entry(line: &str) -> Option<ReportEntry> {
    let mut parts = line.splitn(3, '\t');
    let row = Id::parse(parts.next()?)?;
    let (kind, text) = (parts.next()?, parts.next()?.to_owned());
    match kind {
        "not applicable" => Some(ReportEntry::NotApplicable(row, text)),
        "figure" | "measurement" => Some(ReportEntry::Measurement(row, text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_line_by_line() {
        let figure = ReportEntry::Measurement(Id('D', 9), "0 orphans after 200 kills".to_owned());
        assert_eq!(
            parse_entry("D9\tfigure\t0 orphans after 200 kills"),
            Some(figure)
        );
        let absent = ReportEntry::NotApplicable(Id('D', 8), "no\troot".to_owned());
        assert_eq!(parse_entry("d08\tnot applicable\tno\troot"), Some(absent));
        assert_eq!(parse_entry("D9\trumour\tx"), None);
        assert_eq!(parse_entry("D9\tfigure"), None);
    }
}
