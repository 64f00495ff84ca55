//! Instructions of hot paths, counted by valgrind: they do not depend on what else a machine does.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::command::CommandRunner;
use crate::steps::Outcome;
use crate::workspace;

/// The checked-in table, relative to the root.
const TABLE: &str = "docs/performance/instructions.md";

/// A difference up to this share is not one: hash maps have other seeds in each run, and threads
/// other turns.
const TOLERANCE: f64 = 0.03;

/// The time of one run under valgrind.
const LIMIT: Duration = Duration::from_secs(120);

/// A path of the program `hot-paths`.
struct HotPath {
    name: &'static str,
    /// What is counted, for the table.
    counted: &'static str,
    /// The two numbers of times that the path is run. The difference of the runs is counted, so that
    /// start and end are not.
    runs: (u32, u32),
    /// What is counted happens this often in each.
    per_run: f64,
}

const PATHS: &[HotPath] = &[
    HotPath {
        name: "store",
        counted: "100,000 lines of 100 bytes: from the pipe through pump and hub to the store",
        runs: (10, 50),
        per_run: 1.0 / 40.0,
    },
    HotPath {
        name: "text",
        counted: "100,000 lines rendered as text",
        runs: (10, 50),
        per_run: 1.0 / 40.0,
    },
    HotPath {
        name: "json",
        counted: "100,000 lines rendered as JSON, their levels detected",
        runs: (4, 8),
        per_run: 1.0 / 40.0,
    },
    HotPath {
        name: "transition",
        counted: "a transition of a domain, with its driver",
        runs: (100, 1_100),
        per_run: 5.0,
    },
    HotPath {
        name: "heartbeat",
        counted: "a heartbeat, from the socket to its event",
        runs: (20, 220),
        per_run: 1.0,
    },
    HotPath {
        name: "call",
        counted: "a `SendMessage` with 100 bytes, there and back",
        runs: (100, 1_100),
        per_run: 1.0,
    },
    HotPath {
        name: "watch",
        counted: "a save of a watched file, to its event",
        runs: (20, 220),
        per_run: 1.0,
    },
];

/// Counts all paths and compares them with the checked-in table, or writes it.
///
/// # Errors
/// A path that cannot be run, and counts that differ by more than 3 %.
pub(crate) fn run(update: bool) -> anyhow::Result<Outcome> {
    let Some(valgrind) = find_valgrind() else {
        let why = "valgrind is not installed (Debian: apt-get install valgrind)";
        return Ok(Outcome::Skipped(why.to_owned()));
    };
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Ok(Outcome::Skipped(format!("{TABLE} is that of x86-64 Linux")));
    }
    let table = workspace::root().join(TABLE);
    if !update && !table.exists() {
        let why =
            format!("there is no {TABLE}: `cargo xtask bench instructions --update` writes it");
        return Ok(Outcome::Skipped(why));
    }
    let program = build()?;
    let expected = match update {
        true => Vec::new(),
        false => {
            parse(&fs::read_to_string(&table).with_context(|| format!("cannot read {TABLE}"))?)?
        }
    };
    let mut counts = Vec::new();
    let mut differing = Vec::new();
    for path in PATHS {
        let count = path.count(&valgrind, &program)?;
        counts.push(count);
        let before = expected.iter().find(|(name, _)| name == path.name);
        let note = match before {
            Some((_, before)) => {
                let change = count as f64 / *before as f64 - 1.0;
                if change.abs() > TOLERANCE {
                    differing.push(path.name);
                }
                format!("{:+.1} %", change * 100.0)
            }
            None if update => String::new(),
            None => {
                differing.push(path.name);
                "not in the table".to_owned()
            }
        };
        eprintln!(
            "{:>14}  {:10}  {:>8}  {}",
            thousands(count),
            path.name,
            note,
            path.counted
        );
    }
    if update {
        fs::write(&table, render(&counts)).with_context(|| format!("cannot write {TABLE}"))?;
        println!("{TABLE} is written");
    }
    ensure!(
        differing.is_empty(),
        "{} differ by more than {:.0} % from {TABLE}: find out why (`valgrind --tool=callgrind {} \
         PATH COUNT`, then `callgrind_annotate`); if it is intended, run `cargo xtask bench \
         instructions --update` and say in the commit what it is for",
        differing.join(", "),
        TOLERANCE * 100.0,
        program.display(),
    );
    Ok(Outcome::Passed)
}

impl HotPath {
    fn count(&self, valgrind: &Path, program: &Path) -> anyhow::Result<u64> {
        let (few, many) = self.runs;
        let count = |runs| instructions(valgrind, program, self.name, runs);
        let difference = count(many)?.saturating_sub(count(few)?);
        Ok((difference as f64 / f64::from(many - few) / self.per_run).round() as u64)
    }
}

/// All instructions of one run of the program, those of its threads included.
fn instructions(valgrind: &Path, program: &Path, path: &str, runs: u32) -> anyhow::Result<u64> {
    let runner = CommandRunner::new(valgrind, workspace::root())
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        // Threads take turns in their order, not as it comes.
        .arg("--fair-sched=yes")
        .arg(program)
        .args([path, &runs.to_string()])
        .timeout(LIMIT);
    let output = runner.output()?;
    if !output.status.success() {
        return Err(runner.failure(&output));
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let count = text.lines().find_map(collected);
    count.with_context(|| format!("valgrind printed no count:\n{text}"))
}

/// The count in a line such as `==42== Collected : 123456`.
fn collected(line: &str) -> Option<u64> {
    let (_, count) = line.split_once("Collected :")?;
    count.trim().parse().ok()
}

fn find_valgrind() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join("valgrind"))
        .find(|program| program.is_file())
}

/// Built as releases are: what the compiler makes of the code is part of what is counted.
fn build() -> anyhow::Result<PathBuf> {
    CommandRunner::cargo()
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--package",
            "hot-paths",
        ])
        .env("CARGO_PROFILE_RELEASE_STRIP", "none")
        .run_checked()?;
    let program = workspace::target()?.join("release").join("hot-paths");
    if !program.is_file() {
        bail!("the build created no {}", program.display());
    }
    Ok(program)
}

/// The page with the table.
fn render(counts: &[u64]) -> String {
    let mut page = String::from(
        "# Instructions of hot paths\n\n\
         What Fulcrum executes on its own side, in a release build on x86-64, counted by \
         `valgrind --tool=callgrind`; the kernel's part is not in it. `cargo xtask bench \
         instructions` counts again and fails where a count differs by more than 3 %, faster or \
         slower; `--update` writes this page.\n\n\
         | path | what is counted | instructions |\n|---|---|---:|\n",
    );
    for (path, count) in PATHS.iter().zip(counts) {
        let count = thousands(*count);
        writeln!(page, "| `{}` | {} | {count} |", path.name, path.counted)
            .expect("writing to a String cannot fail");
    }
    page
}

/// Name and count of each row.
fn parse(page: &str) -> anyhow::Result<Vec<(String, u64)>> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let name = row.split('`').next().unwrap_or_default();
        let count = row.trim_end_matches(" |").rsplit("| ").next();
        let count = count.unwrap_or_default().replace(',', "");
        let count = count
            .parse()
            .with_context(|| format!("{TABLE}: the count of `{name}` is {count:?}"))?;
        Ok((name.to_owned(), count))
    })
    .collect()
}

/// `1,234,567`
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_was_written_is_read_again() {
        let counts: Vec<u64> = (0..PATHS.len() as u64)
            .map(|path| path * 1_234_567)
            .collect();
        let read = parse(&render(&counts)).unwrap();
        let names: Vec<&str> = read.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            PATHS.iter().map(|path| path.name).collect::<Vec<_>>()
        );
        assert_eq!(
            read.iter().map(|(_, count)| *count).collect::<Vec<_>>(),
            counts
        );
    }

    #[test]
    fn the_count_of_valgrind_is_found() {
        assert_eq!(collected("==42== Collected : 123456"), Some(123_456));
        assert_eq!(collected("==42== Events    : Ir"), None);
    }
}
