//! Named and timed steps, run in order up to the first failure.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::bail;

/// The outcome of a step that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// Not run, and the reason.
    Skipped(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Passed => f.write_str("passed"),
            Outcome::Skipped(why) => write!(f, "skipped: {why}"),
        }
    }
}

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Outcome::Passed
    }
}

/// A name and a function.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) run: fn() -> anyhow::Result<Outcome>,
}

/// Runs the steps until one fails, then prints the outcome of each.
///
/// # Errors
/// The failed step's name; its error was printed before.
pub(crate) fn run(steps: &[Step]) -> anyhow::Result<()> {
    let mut summary = Summary::default();
    for (index, step) in steps.iter().enumerate() {
        eprintln!("\n== {} ({} of {})", step.name, index + 1, steps.len());
        let started = Instant::now();
        let result = (step.run)();
        let took = started.elapsed();
        match &result {
            Ok(Outcome::Passed) => {}
            Ok(skipped) => eprintln!("{}: {skipped}", step.name),
            Err(error) => eprintln!("\n{} failed: {}", step.name, format_error(error)),
        }
        let failed = result.is_err();
        summary.lines.push((step.name, took, result.ok()));
        if failed {
            summary.left = steps[index + 1..].iter().map(|step| step.name).collect();
            break;
        }
    }
    eprint!("\n{summary}");
    println!("{} passed, {} failed", summary.passed(), summary.failed());
    match summary.lines.last() {
        Some((name, _, None)) => bail!("{name} failed (see above)"),
        _ => Ok(()),
    }
}

/// An error and its causes, without a backtrace.
pub(crate) fn format_error(error: &anyhow::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.join("\n  caused by: ")
}

#[derive(Default)]
struct Summary {
    /// `None` is a failure.
    lines: Vec<(&'static str, Duration, Option<Outcome>)>,
    left: Vec<&'static str>,
}

impl Summary {
    fn passed(&self) -> usize {
        let passed = |line: &&(_, _, Option<Outcome>)| line.2 == Some(Outcome::Passed);
        self.lines.iter().filter(passed).count()
    }

    fn failed(&self) -> usize {
        self.lines.iter().filter(|line| line.2.is_none()).count()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, took, outcome) in &self.lines {
            let seconds = took.as_secs_f64();
            match outcome {
                Some(outcome) => writeln!(f, "{seconds:7.1} s  {name}: {outcome}")?,
                None => writeln!(f, "{seconds:7.1} s  {name}: FAILED")?,
            }
        }
        if !self.left.is_empty() {
            writeln!(f, "not run: {}", self.left.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_stops_the_run() {
        let steps = [
            Step {
                name: "one",
                run: || Ok(Outcome::Passed),
            },
            Step {
                name: "two",
                run: || bail!("broken"),
            },
            Step {
                name: "three",
                run: || panic!("must not run"),
            },
        ];
        let message = run(&steps).unwrap_err().to_string();
        assert!(message.contains("two failed"), "{message}");
    }

    #[test]
    fn skipped_steps_are_neither_passed_nor_failed() {
        let skipped = Some(Outcome::Skipped("no python3".to_owned()));
        let summary = Summary {
            lines: vec![
                ("one", Duration::from_millis(1234), Some(Outcome::Passed)),
                ("two", Duration::ZERO, skipped),
                ("three", Duration::ZERO, None),
            ],
            left: vec!["four"],
        };
        assert_eq!((summary.passed(), summary.failed()), (1, 1));
        assert_eq!(
            summary.to_string(),
            "    1.2 s  one: passed\n    0.0 s  two: skipped: no python3\n    \
             0.0 s  three: FAILED\nnot run: four\n"
        );
    }
}
