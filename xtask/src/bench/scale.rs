//! From ten to five thousand of the smallest programs: start, memory, idle cost, list, stop.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Resource, getrlimit};
use serde_json::{Value, json};

use super::calm::{calmly, require_calm};
use super::cost::{self, IdleCost};
use super::managers::{Manager, Running, fulcrum_environment};
use super::marks::{Kind, Marks, wait_until_gone};
use super::median::median;
use super::plot::{Plot, svg};
use super::report;
use crate::command::CommandRunner;
use crate::workspace;

const SIZES: [usize; 4] = [10, 100, 1_000, 5_000];

/// Rounds of each measurement; the largest size is measured once, since it takes its time.
const ROUNDS: usize = 5;

/// After the start, before an idle second is measured: what an instance does once is over by then.
const SETTLE: Duration = Duration::from_secs(20);
const IDLE: Duration = Duration::from_secs(20);

const MARKS: &str = "scale.marks";

/// Descriptors of an instance for each program while it starts: pipes, the process, its cgroup, a log.
const DESCRIPTORS: u64 = 6;

/// What one size takes; times in milliseconds.
struct Scale {
    programs: usize,
    start: f64,
    bare_start: f64,
    idle: IdleCost,
    list: f64,
    stop: f64,
    bare_stop: f64,
}

/// Measures all sizes, prints a table, and writes it and its curves to `docs/performance`.
///
/// # Errors
/// A machine that others use; a program that does not start.
pub(super) fn run(fulcrum: &Path) -> anyhow::Result<()> {
    require_calm()?;
    let marks = Marks::new("node".into())?;
    let bare = Manager::Bare(marks.bare());
    let fulcrum = Manager::Fulcrum(fulcrum.to_path_buf());
    println!("{}", HEADER.join("  "));
    let mut rows = Vec::new();
    for programs in SIZES.map(|programs| programs.min(most())) {
        let row = measure(&marks, &bare, &fulcrum, programs)?;
        println!("{}", row.cells().join("  "));
        rows.push(row);
    }
    let directory = workspace::root().join("docs/performance");
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("scale.svg"), curves(&rows))?;
    let json = Value::Array(rows.iter().map(Scale::to_json).collect());
    fs::write(
        directory.join("scale.json"),
        serde_json::to_string_pretty(&json)? + "\n",
    )?;
    let cells: Vec<Vec<String>> = rows.iter().map(Scale::cells).collect();
    let text = format!(
        "{}\n![The same as curves](performance/scale.svg)\n",
        report::table(&HEADER, &cells)
    );
    report::replace_section("scale", &text)
}

/// As many programs as the hard limit of open files allows.
fn most() -> usize {
    let limit = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    usize::try_from(limit / DESCRIPTORS).unwrap_or(usize::MAX)
}

const HEADER: [&str; 9] = [
    "programs",
    "start, ms",
    "bare spawn",
    "PSS, MiB",
    "KiB a program",
    "CPU, %",
    "wake-ups/s",
    "`domains list`, ms",
    "stop, ms (bare)",
];

fn measure(
    marks: &Marks,
    bare: &Manager,
    fulcrum: &Manager,
    programs: usize,
) -> anyhow::Result<Scale> {
    let argv = vec![marks.argv(Kind::Tiny, MARKS); programs];
    let rounds = if programs > 1_000 { 1 } else { ROUNDS };
    let (mut starts, mut stops) = (Vec::new(), Vec::new());
    let (mut bare_starts, mut bare_stops) = (Vec::new(), Vec::new());
    let (mut idle, mut lists) = (None, Vec::new());
    for round in 0..rounds {
        let what = format!("{programs} programs without a manager");
        let (start, stop) = calmly(&what, || {
            start_and_stop(marks, MARKS, bare, &argv, |_, _| Ok(()))
        })?;
        bare_starts.push(start);
        bare_stops.push(stop);
        let what = format!("{programs} programs");
        let is_last = round + 1 == rounds;
        let (start, stop) = calmly(&what, || {
            start_and_stop(marks, MARKS, fulcrum, &argv, |running, pids| {
                if !is_last {
                    return Ok(());
                }
                std::thread::sleep(SETTLE);
                idle = Some(cost::idle(&cost::manager(running.pid(), pids), IDLE));
                lists = (0..ROUNDS)
                    .map(|_| list(fulcrum, running.directory()))
                    .collect::<anyhow::Result<_>>()?;
                Ok(())
            })
        })?;
        starts.push(start);
        stops.push(stop);
    }
    Ok(Scale {
        programs,
        start: median(&starts),
        bare_start: median(&bare_starts),
        idle: idle.context("the last round measures it")?,
        list: median(&lists),
        stop: median(&stops),
        bare_stop: median(&bare_stops),
    })
}

/// Milliseconds of the start of all, and of the stop of all, with something to do between them.
pub(super) fn start_and_stop(
    marks: &Marks,
    file: &str,
    manager: &Manager,
    argv: &[Vec<String>],
    between: impl FnOnce(&Running, &[u32]) -> anyhow::Result<()>,
) -> anyhow::Result<(f64, f64)> {
    marks.clear(file);
    let mut running = manager.start(marks.directory(), argv)?;
    let last = marks.wait(file, argv.len())?;
    let start = last.saturating_sub(running.started) as f64 / 1e6;
    let pids: Vec<u32> = marks.read(file).iter().map(|(pid, _)| *pid).collect();
    between(&running, &pids)?;
    let stopping = Instant::now();
    running.stop();
    let stop = wait_until_gone(&pids, stopping)?;
    running.wait()?;
    Ok((start, stop))
}

/// Milliseconds of `fulcrum domains list`.
fn list(fulcrum: &Manager, directory: &Path) -> anyhow::Result<f64> {
    let Manager::Fulcrum(program) = fulcrum else {
        return Ok(f64::NAN);
    };
    let mut command = CommandRunner::new(program, directory).args(["domains", "list"]);
    for (name, value) in fulcrum_environment(directory)? {
        command = command.env(name, value);
    }
    let start = Instant::now();
    // Not by `output`, which looks for the exit every 20 ms.
    command.run_quietly()?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

impl Scale {
    fn kib_a_program(&self) -> f64 {
        self.idle.pss_mib * 1024.0 / self.programs as f64
    }

    fn cells(&self) -> Vec<String> {
        let ratio = |value: f64, bare: f64| format!("{value:.0} ({:.2} ×)", value / bare);
        vec![
            self.programs.to_string(),
            ratio(self.start, self.bare_start),
            format!("{:.0}", self.bare_start),
            format!("{:.1}", self.idle.pss_mib),
            format!("{:.1}", self.kib_a_program()),
            format!("{:.3}", self.idle.cpu_percent),
            format!("{:.1}", self.idle.wakeups_per_second),
            format!("{:.1}", self.list),
            format!("{:.0} ({:.0})", self.stop, self.bare_stop),
        ]
    }

    fn to_json(&self) -> Value {
        json!({
            "programs": self.programs,
            "start_ms": self.start,
            "bare_start_ms": self.bare_start,
            "pss_mib": self.idle.pss_mib,
            "cpu_percent": self.idle.cpu_percent,
            "wakeups_per_second": self.idle.wakeups_per_second,
            "list_ms": self.list,
            "stop_ms": self.stop,
            "bare_stop_ms": self.bare_stop,
        })
    }
}

fn curves(rows: &[Scale]) -> String {
    let curve = |figure: fn(&Scale) -> f64| -> Vec<(f64, f64)> {
        rows.iter()
            .map(|row| (row.programs as f64, figure(row)))
            .collect()
    };
    let start = [
        ("Fulcrum", curve(|row| row.start)),
        ("bare spawn", curve(|row| row.bare_start)),
    ];
    let stop = [
        ("Fulcrum", curve(|row| row.stop)),
        ("bare", curve(|row| row.bare_stop)),
    ];
    let memory = [("PSS", curve(|row| row.idle.pss_mib))];
    let idle = [
        ("% of a core", curve(|row| row.idle.cpu_percent)),
        ("domains list, ms", curve(|row| row.list)),
    ];
    let across = "programs";
    svg(&[
        Plot {
            title: "Start of all, ms",
            across,
            curves: &start,
        },
        Plot {
            title: "Stop of all, ms",
            across,
            curves: &stop,
        },
        Plot {
            title: "Memory, MiB",
            across,
            curves: &memory,
        },
        Plot {
            title: "Idle CPU, and the list",
            across,
            curves: &idle,
        },
    ])
}
