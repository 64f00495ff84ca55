//! `cargo xtask packages`: `fulcrum dev` alone brings up an app whose packages are not installed, with
//! every package manager at pinned versions and in every layout of a repository.

pub(crate) mod managers;
mod rows;

use std::time::Instant;

use anyhow::bail;

use crate::sample;
use crate::steps::format_error;

/// Runs the rows whose names contain `filter`, and prints one line for each.
///
/// # Errors
/// A row that fails, or none with that name.
pub(crate) fn run(filter: Option<&str>) -> anyhow::Result<()> {
    let program = sample::build()?;
    let rows: Vec<rows::Row> = rows::all()
        .into_iter()
        .filter(|row| filter.is_none_or(|filter| row.name().contains(filter)))
        .collect();
    if rows.is_empty() {
        bail!("no row contains {filter:?}");
    }
    let mut failed = 0;
    for row in &rows {
        let started = Instant::now();
        let result = row.run(&program);
        let took = started.elapsed().as_secs_f64();
        match result {
            Ok(outcome) => println!("{took:6.1} s  {:<40} {outcome}", row.name()),
            Err(error) => {
                failed += 1;
                println!("{took:6.1} s  {:<40} FAILED", row.name());
                eprintln!("{}", format_error(&error));
            }
        }
    }
    println!("{} passed, {failed} failed", rows.len() - failed);
    if failed > 0 {
        bail!("{failed} rows failed (see above)");
    }
    Ok(())
}
