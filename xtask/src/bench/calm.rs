//! Figures are taken only while nobody else uses the machine.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, WaitOptions, getpid, set_child_subreaper, waitpid};

/// Cores that others may use during a measurement.
const MAX_OTHERS: f64 = 0.15;

/// A disturbed measurement is repeated this often.
const ATTEMPTS: u32 = 3;

/// Others are judged over at least so long: the machine's times are hundredths of a second, of which
/// those of a short measurement would be noise.
const LEAST: Duration = Duration::from_millis(600);

/// Ticks of Linux are hundredths of a second on every platform.
const TICKS: f64 = 100.0;

/// Measures, again if others used the machine meanwhile.
///
/// # Errors
/// The measurement's, and a machine that is busy each time: its figures would say nothing.
pub(super) fn calmly<T>(
    what: &str,
    mut measure: impl FnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut others = 0.0;
    for _ in 0..ATTEMPTS {
        let before = Usage::now()?;
        let value = measure()?;
        std::thread::sleep(LEAST.saturating_sub(before.at.elapsed()));
        others = Usage::now()?.others_since(&before);
        reap();
        if others <= MAX_OTHERS {
            return Ok(value);
        }
        eprintln!("{what}: others used {others:.2} cores meanwhile; again");
    }
    bail!(
        "{what}: others used {others:.2} cores in each of {ATTEMPTS} measurements, so that there is \
         no figure; run it while nothing else runs"
    )
}

/// Refuses a machine that others use now, before anything is built up for a measurement.
///
/// # Errors
/// A busy machine.
pub(super) fn require_calm() -> anyhow::Result<()> {
    calmly("the machine", || {
        std::thread::sleep(Duration::from_secs(1));
        Ok(())
    })
}

/// From now on a process whose parent has ended becomes a child of this one: what the orphans of a
/// manager use would be that of others.
///
/// # Errors
/// A system that refuses it.
pub(super) fn adopt_orphans() -> anyhow::Result<()> {
    set_child_subreaper(Some(getpid())).context("cannot adopt the orphans of managers")
}

/// Waits for the adopted processes that have ended.
fn reap() {
    let own = std::process::id();
    let ended = processes()
        .into_iter()
        .filter(|(_, process)| process.parent == own && process.ended);
    for (pid, _) in ended {
        if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
            // Whoever started it may have waited for it.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

/// CPU time until now, in seconds.
struct Usage {
    at: Instant,
    machine: f64,
    own: f64,
}

impl Usage {
    fn now() -> anyhow::Result<Self> {
        let stat = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
        Ok(Self {
            at: Instant::now(),
            machine: busy(&stat).context("/proc/stat has no times")? / TICKS,
            own: own(std::process::id(), &processes()) / TICKS,
        })
    }

    /// The cores that processes used that are not of this tree.
    fn others_since(&self, before: &Self) -> f64 {
        let elapsed = (self.at - before.at).as_secs_f64().max(0.001);
        let others = (self.machine - before.machine) - (self.own - before.own);
        (others / elapsed).max(0.0)
    }
}

/// Ticks in which any core was not idle, by the first line of `/proc/stat`: user, nice, system, idle,
/// iowait, irq, softirq, steal.
fn busy(stat: &str) -> Option<f64> {
    let fields = stat.lines().next()?.split_ascii_whitespace().skip(1);
    let times: Vec<f64> = fields.map_while(|field| field.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6, 7];
    busy.iter().map(|index| times.get(*index)).sum()
}

/// A process: parent, and ticks of its own and of children that it has waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProcessTicks {
    pub(super) parent: u32,
    /// Nobody has waited for it.
    ended: bool,
    ticks: f64,
}

/// All processes.
pub(super) fn processes() -> BTreeMap<u32, ProcessTicks> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, parse_stat(&stat)?))
    })
    .collect()
}

fn parse_stat(stat: &str) -> Option<ProcessTicks> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some(ProcessTicks {
        parent: fields.get(1)?.parse().ok()?,
        ended: *fields.first()? == "Z",
        ticks: number(11)? + number(12)? + number(13)? + number(14)?,
    })
}

/// Ticks of a process and all its descendants.
fn own(root: u32, all: &BTreeMap<u32, ProcessTicks>) -> f64 {
    tree(root, all)
        .iter()
        .filter_map(|pid| Some(all.get(pid)?.ticks))
        .sum()
}

/// A process and all its descendants.
pub(super) fn tree(root: u32, all: &BTreeMap<u32, ProcessTicks>) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        let children = all.iter().filter(|(_, process)| process.parent == parent);
        found.extend(children.map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_and_waiting_for_disks_are_not_busy() {
        let stat = "cpu  1 2 4 1000 2000 8 16 32 0 0\ncpu0 1 2 4 1000 2000 8 16 32 0 0\n";
        assert_eq!(busy(stat), Some(63.0));
        assert_eq!(busy("cpu 1 2"), None);
    }

    #[test]
    fn the_times_of_descendants_count_as_own() {
        let process = |parent, ticks| ProcessTicks {
            parent,
            ended: false,
            ticks,
        };
        let all = BTreeMap::from([
            (10, process(1, 1.0)),
            (11, process(10, 2.0)),
            (12, process(11, 4.0)),
            (20, process(1, 8.0)),
        ]);
        assert_eq!(own(10, &all), 7.0);
        let stat = "12 (a) b) S 11 12 12 0 -1 0 0 0 0 0 1 2 3 4 20 0 1 0";
        let parsed = parse_stat(stat).unwrap();
        assert_eq!((parsed.parent, parsed.ticks), (11, 10.0));
    }
}
