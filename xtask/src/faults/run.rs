//! Builds and runs the tests, and prints the table.

use std::time::Instant;

use anyhow::{bail, ensure};

use super::discovery::{self, Test};
use super::runner::{self, Outcome};
use super::{results, table};
use crate::command::CommandRunner;

/// Which tests to run.
pub(crate) struct Options<'a> {
    pub(crate) long: bool,
    pub(crate) filter: Option<&'a str>,
}

/// Builds, runs and prints the table.
///
/// # Errors
/// A build that fails, or a row that failed or has neither a test nor a reason for having none.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let started = Instant::now();
    CommandRunner::cargo()
        .args(["build", "--quiet", "--package", "fulcrum-cli"])
        .run_checked()?;
    let tests: Vec<Test> = discovery::tests(&discovery::executable()?)?
        .into_iter()
        .filter(|test| options.filter.is_none_or(|filter| test.matches(filter)))
        .collect();
    ensure!(
        !tests.is_empty(),
        "no test of the catalog matches {:?} by name or row",
        options.filter.unwrap_or_default()
    );
    let outcomes = runner::run(&tests, options.long)?;
    let rows = results::rows(&outcomes, options.filter.is_none());
    print!("{}", table::Table(&rows));
    print_failures(&outcomes);
    let bad = rows.iter().filter(|row| row.is_failure()).count();
    let took = started.elapsed().as_secs();
    if bad > 0 {
        bail!(
            "{bad} of {} rows failed or are missing ({took} s)",
            rows.len()
        );
    }
    eprintln!("{} rows, {took} s", rows.len());
    Ok(())
}

/// Prints the output of the tests that failed.
fn print_failures(outcomes: &[Outcome]) {
    for outcome in outcomes {
        if let Some(text) = &outcome.failure {
            eprintln!("\n== {}\n{text}", outcome.test.name);
        }
    }
}
