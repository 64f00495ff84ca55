//! Runs the tests, each in a process of its own.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::found::Test;
use super::row::Id;
use crate::command::Run;

/// Where a test writes what it has to say beyond passed and failed (`fulcrum_e2e::figure`).
const REPORT: &str = "FULCRUM_FAULTS_REPORT";

/// A word of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// The row can't be tried on this machine, and why.
    NotApplicable(Id, String),
    /// A figure of the scorecard.
    Figure(Id, String),
}

/// How a test ended.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) test: Test,
    /// None where it wasn't run, because it is a long one.
    pub(super) took: Option<Duration>,
    /// What it printed, where it failed.
    pub(super) failure: Option<String>,
    pub(super) words: Vec<Word>,
}

/// Runs all of them: first the ordinary ones side by side, then, where asked for, the long ones.
///
/// # Errors
/// A folder for the reports that can't be made. A test that can't be run has failed.
pub(super) fn run(tests: &[Test], long: bool) -> anyhow::Result<Vec<Outcome>> {
    let reports = crate::workspace::target()?.join("tmp/faults");
    // What an earlier run said is nothing that this one says.
    if reports.exists() {
        std::fs::remove_dir_all(&reports)
            .with_context(|| format!("can't clear {}", reports.display()))?;
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
            words: Vec::new(),
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
            // Another worker's panic is its own.
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
    let run = Run::new(&test.executable, crate::workspace::root().join("tests"))
        .args(["--exact", &test.name, "--include-ignored", "--nocapture"])
        .env(REPORT, &report)
        .within(Duration::from_secs(60 * limit))
        // Cargo sets it for what it runs, and tests that need a build ask for it.
        .env("CARGO", std::env::var_os("CARGO").unwrap_or("cargo".into()));
    let begun = Instant::now();
    let failure = match run.output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some(String::from_utf8_lossy(&text).into_owned())
        }
        Err(error) => Some(format!("{error:#}\n")),
    };
    let took = begun.elapsed();
    let passed = failure.is_none();
    let sign = if passed { "" } else { "FAILED: " };
    eprintln!("{:8.2} s  {sign}{}", took.as_secs_f64(), test.name);
    let failure = failure.map(|text| format!("{text}\nrepeat with\n  {}", run.line()));
    // A test that has nothing to say has no report.
    let words = std::fs::read_to_string(&report).unwrap_or_default();
    Outcome {
        test: test.clone(),
        took: Some(took),
        failure,
        words: words.lines().filter_map(word).collect(),
    }
}

/// A line of a report: row, kind, text.
fn word(line: &str) -> Option<Word> {
    let mut parts = line.splitn(3, '\t');
    let row = Id::parse(parts.next()?)?;
    let (kind, text) = (parts.next()?, parts.next()?.to_owned());
    match kind {
        "not applicable" => Some(Word::NotApplicable(row, text)),
        "figure" => Some(Word::Figure(row, text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_line_by_line() {
        let figure = Word::Figure(Id('D', 9), "0 orphans after 200 kills".to_owned());
        assert_eq!(word("D9\tfigure\t0 orphans after 200 kills"), Some(figure));
        let absent = Word::NotApplicable(Id('D', 8), "no\troot".to_owned());
        assert_eq!(word("d08\tnot applicable\tno\troot"), Some(absent));
        assert_eq!(word("D9\trumour\tx"), None);
        assert_eq!(word("D9\tfigure"), None);
    }
}
