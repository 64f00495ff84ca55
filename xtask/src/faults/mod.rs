//! `cargo xtask faults`: the failure catalogue as a table, row by row, from the end-to-end tests.
//!
//! Each test runs in a process of its own, so that its time is known, what it says belongs to it,
//! and one that breaks takes no other along. Ordinary tests run side by side, one for each core;
//! the long ones (`#[ignore]`) afterwards, one at a time, since they measure.

mod catalogue;
mod found;
mod results;
mod row;
mod runner;
mod table;

use std::time::Instant;

use anyhow::{bail, ensure};

use crate::command::Run;
use found::Test;
use runner::Outcome;

/// What is asked for.
pub(crate) struct Options<'a> {
    pub(crate) long: bool,
    pub(crate) filter: Option<&'a str>,
}

/// Builds, runs and prints the table.
///
/// # Errors
/// A build that fails, or a row that failed or has neither a test nor a reason for having none.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let begun = Instant::now();
    Run::cargo()
        .args(["build", "--quiet", "--package", "fulcrum-cli"])
        .passes()?;
    let tests: Vec<Test> = found::tests(&found::executable()?)?
        .into_iter()
        .filter(|test| options.filter.is_none_or(|filter| test.matches(filter)))
        .collect();
    ensure!(
        !tests.is_empty(),
        "no test of the catalogue has {:?} in its name or row",
        options.filter.unwrap_or_default()
    );
    let outcomes = runner::run(&tests, options.long)?;
    let rows = results::rows(&outcomes, options.filter.is_none());
    print!("{}", table::Table(&rows));
    told(&outcomes);
    let bad = rows.iter().filter(|row| row.is_bad()).count();
    let took = begun.elapsed().as_secs();
    if bad > 0 {
        bail!(
            "{bad} of {} rows failed or are missing ({took} s)",
            rows.len()
        );
    }
    eprintln!("{} rows, {took} s", rows.len());
    Ok(())
}

/// What the tests that failed printed.
fn told(outcomes: &[Outcome]) {
    for outcome in outcomes {
        if let Some(text) = &outcome.failure {
            eprintln!("\n== {}\n{text}", outcome.test.name);
        }
    }
}
