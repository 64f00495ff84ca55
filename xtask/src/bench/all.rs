//! Every row of `docs/performance.md`: Fulcrum, what can be installed beside it, and a reference.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::calm::{adopt_orphans, calmly, require_calm};
use super::cost;
use super::managers::{Manager, Running};
use super::marks::{Kind, Marks};
use super::median::median;
use super::report;
use super::scale::start_and_stop;
use crate::node_tools::NodeVersion;
use crate::wait::until;
use crate::workspace;

const ROUNDS: usize = 5;

/// After a start, before idle cost is measured.
const SETTLE: Duration = Duration::from_secs(6);
const IDLE: Duration = Duration::from_secs(10);

/// A program that is killed has run for so long.
const BEFORE_CRASH: Duration = Duration::from_secs(3);

const MARKS: &str = "all.marks";
const LINES: u64 = 1 << 30;

/// One figure of one manager in each round.
struct Cell {
    row: &'static str,
    unit: &'static str,
    manager: &'static str,
    samples: Vec<f64>,
}

/// All figures so far.
#[derive(Default)]
struct Table(Vec<Cell>);

/// Runs all rows, and writes `docs/performance.md` and `docs/performance/all.json`.
///
/// # Errors
/// A machine that others use, a manager that cannot be installed, a program that does not start.
pub(super) fn run(fulcrum: &Path) -> anyhow::Result<()> {
    require_calm()?;
    let node = NodeVersion::named("20")?.install()?;
    let marks = Marks::new(node)?;
    let managers = Manager::all(fulcrum, marks.bare())?;
    require_calm()?;
    adopt_orphans()?;
    let mut table = Table::default();
    for round in 0..ROUNDS {
        // In turns, so that a slower hour is one for all.
        for offset in 0..managers.len() {
            let manager = &managers[(round + offset) % managers.len()];
            eprintln!("round {} of {ROUNDS}: {}", round + 1, manager.name());
            starts(&marks, manager, &mut table)?;
            crashes(&marks, manager, &mut table)?;
            lines(&marks, manager, &mut table)?;
        }
        // A round takes minutes: if a later one fails, the figures until then are there.
        table.write(&managers, round + 1)?;
    }
    Ok(())
}

/// Starts, idle cost and stops.
fn starts(marks: &Marks, manager: &Manager, table: &mut Table) -> anyhow::Result<()> {
    let rows = [
        (
            Kind::Node,
            1,
            ["start of one Node program", "", "stop of one Node program"],
            false,
        ),
        (
            Kind::Node,
            8,
            ["start of 8 Node programs", "", "stop of 8 Node programs"],
            false,
        ),
        (
            Kind::Node,
            32,
            [
                "start of 32 Node programs",
                "32 idle Node programs",
                "stop of 32 Node programs",
            ],
            true,
        ),
        (
            Kind::Tiny,
            200,
            [
                "start of 200 tiny programs",
                "200 idle tiny programs",
                "stop of 200 tiny programs",
            ],
            true,
        ),
    ];
    for (kind, count, [start_row, idle_row, stop_row], idles) in rows {
        let argv = vec![marks.argv(kind, MARKS); count];
        // One start of a single program says little, so it is the median of three.
        let repeats = if count == 1 { 3 } else { 1 };
        let (mut all_starts, mut all_stops, mut idle) = (Vec::new(), Vec::new(), None);
        for _ in 0..repeats {
            let (start, stop) = calmly(&format!("{}: {start_row}", manager.name()), || {
                start_and_stop_with(marks, manager, &argv, |running, pids| {
                    if idles {
                        std::thread::sleep(SETTLE);
                        idle = Some(cost::idle(&cost::manager(running.pid(), pids), IDLE));
                    }
                })
            })?;
            all_starts.push(start);
            all_stops.push(stop);
        }
        table.add(start_row, "ms", manager, median(&all_starts));
        table.add(stop_row, "ms", manager, median(&all_stops));
        if let Some(idle) = idle {
            table.add(idle_row, "MiB PSS", manager, idle.pss_mib);
            table.add(idle_row, "% of a core", manager, idle.cpu_percent);
            table.add(idle_row, "wake-ups/s", manager, idle.wakeups_per_second);
        }
    }
    Ok(())
}

fn start_and_stop_with(
    marks: &Marks,
    manager: &Manager,
    argv: &[Vec<String>],
    between: impl FnOnce(&Running, &[u32]),
) -> anyhow::Result<(f64, f64)> {
    start_and_stop(marks, MARKS, manager, argv, |running, pids| {
        between(running, pids);
        Ok(())
    })
}

/// SIGKILL of one of eight programs, to the main function of its successor.
fn crashes(marks: &Marks, manager: &Manager, table: &mut Table) -> anyhow::Result<()> {
    for (kind, row) in [
        (Kind::Tiny, "crash of a tiny program to its next main"),
        (Kind::Node, "crash of a Node program to its next main"),
    ] {
        let argv = vec![marks.argv(kind, MARKS); 8];
        let took = calmly(&format!("{}: {row}", manager.name()), || {
            marks.clear(MARKS);
            let running = manager.start(marks.directory(), &argv)?;
            marks.wait(MARKS, argv.len())?;
            std::thread::sleep(BEFORE_CRASH);
            let pid = marks.read(MARKS).first().map(|(pid, _)| *pid);
            let pid = pid.and_then(|pid| Pid::from_raw(pid.cast_signed()));
            let killed = super::marks::now();
            kill_process(pid.context("a pid")?, Signal::KILL)?;
            let next = marks.wait(MARKS, argv.len() + 1)?;
            drop(running);
            Ok(next.saturating_sub(killed) as f64 / 1e6)
        })?;
        table.add(row, "ms", manager, took);
    }
    Ok(())
}

/// A gigabyte of lines from one program: throughput, and CPU of the manager. The reference is `cat`
/// from a pipe into a file.
fn lines(marks: &Marks, manager: &Manager, table: &mut Table) -> anyhow::Result<()> {
    const ROW: &str = "1 GiB of lines, stored";
    if matches!(manager, Manager::Pm2(_) | Manager::Runit(_)) {
        // The one would need a log daemon of its own for it; the other writes what it reads to two
        // files and its output, so that it is another work.
        return Ok(());
    }
    let xtask = std::env::current_exe()?.display().to_string();
    let directory = tempfile::Builder::new()
        .prefix("fulcrum-bench-")
        .tempdir()?;
    let done = directory.path().join("done").display().to_string();
    let script = |target: &str| {
        format!("'{xtask}' __lines {LINES}{target} && : > '{done}'; exec sleep 1000")
    };
    let argv = match manager {
        Manager::Bare(_) => {
            let target = format!(" | cat > '{}/lines'", directory.path().display());
            vec!["/bin/sh".to_owned(), "-c".to_owned(), script(&target)]
        }
        _ => vec!["/bin/sh".to_owned(), "-c".to_owned(), script("")],
    };
    let shell = directory.path().join("write.sh");
    fs::write(&shell, format!("{}\n", argv[2]))?;
    let argv = vec!["/bin/sh".to_owned(), shell.display().to_string()];
    let (rate, cpu) = calmly(&format!("{}: {ROW}", manager.name()), || {
        // It need not exist.
        let _ = fs::remove_file(&done);
        marks.clear(MARKS);
        let started = Instant::now();
        let running = manager.start(marks.directory(), std::slice::from_ref(&argv))?;
        until("all lines are written", Duration::from_secs(120), || {
            Ok(Path::new(&done).exists().then_some(()))
        })?;
        let seconds = started.elapsed().as_secs_f64();
        let root = [running.pid()];
        let cpu = cost::cpu_seconds(&root);
        ensure!(running.output().exists(), "it has an output");
        running.end_and_remove()?;
        Ok((LINES as f64 / f64::from(1 << 20) / seconds, cpu))
    })?;
    table.add(ROW, "MiB/s", manager, rate);
    if !matches!(manager, Manager::Bare(_)) {
        table.add(ROW, "s of CPU", manager, cpu);
    }
    Ok(())
}

impl Table {
    fn add(&mut self, row: &'static str, unit: &'static str, manager: &Manager, sample: f64) {
        let manager = manager.name();
        let same = |cell: &&mut Cell| (cell.row, cell.unit, cell.manager) == (row, unit, manager);
        match self.0.iter_mut().find(same) {
            Some(cell) => cell.samples.push(sample),
            None => self.0.push(Cell {
                row,
                unit,
                manager,
                samples: vec![sample],
            }),
        }
    }

    fn write(&self, managers: &[Manager], rounds: usize) -> anyhow::Result<()> {
        let names: Vec<&str> = managers.iter().map(Manager::name).collect();
        let text = self.to_markdown(&names, rounds);
        print!("{text}");
        let directory = workspace::root().join("docs/performance");
        fs::create_dir_all(&directory)?;
        let json = serde_json::to_string_pretty(&self.to_json())? + "\n";
        fs::write(directory.join("all.json"), json)?;
        report::replace_section("all", &text)
    }

    /// A row for each figure, a column for each manager: median and spread.
    fn to_markdown(&self, managers: &[&str], rounds: usize) -> String {
        let what = format!("median of {rounds} (lowest to highest)");
        let mut header = vec![what.as_str(), "unit"];
        header.extend(managers);
        let mut rows: Vec<(&str, &str)> = Vec::new();
        for cell in &self.0 {
            if !rows.contains(&(cell.row, cell.unit)) {
                rows.push((cell.row, cell.unit));
            }
        }
        let lines: Vec<Vec<String>> = rows
            .iter()
            .map(|(row, unit)| {
                let mut line = vec![(*row).to_owned(), (*unit).to_owned()];
                for manager in managers {
                    let cell = self.0.iter().find(|cell| {
                        (cell.row, cell.unit, cell.manager) == (*row, *unit, *manager)
                    });
                    line.push(cell.map_or_else(|| "–".to_owned(), Cell::describe));
                }
                line
            })
            .collect();
        report::table(&header, &lines)
    }

    fn to_json(&self) -> Value {
        let cells = self.0.iter().map(|cell| {
            json!({
                "row": cell.row,
                "unit": cell.unit,
                "manager": cell.manager,
                "median": median(&cell.samples),
                "samples": cell.samples,
            })
        });
        Value::Array(cells.collect())
    }
}

impl Cell {
    fn describe(&self) -> String {
        let lowest = self.samples.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = self
            .samples
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let digits = if highest >= 100.0 {
            0
        } else if highest >= 1.0 {
            1
        } else {
            3
        };
        format!(
            "{:.digits$} ({lowest:.digits$}–{highest:.digits$})",
            median(&self.samples)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_median_and_spread_of_each_manager() {
        let mut table = Table::default();
        let bare = Manager::Bare("bare".into());
        let fulcrum = Manager::Fulcrum("fulcrum".into());
        for sample in [30.0, 10.0, 20.0] {
            table.add("start", "ms", &bare, sample);
        }
        table.add("start", "ms", &fulcrum, 0.25);
        let text = table.to_markdown(&[bare.name(), fulcrum.name(), "pm2"], 3);
        assert!(
            text.ends_with("| start | ms | 20.0 (10.0–30.0) | 0.250 (0.250–0.250) | – |\n"),
            "{text}"
        );
        assert_eq!(table.to_json()[0]["samples"][1], 10.0);
    }
}
