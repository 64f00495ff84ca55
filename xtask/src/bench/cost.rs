//! What processes take while they do nothing.

use std::fs;
use std::time::{Duration, Instant};

use super::calm;

/// Memory, CPU and wake-ups of a program's processes.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdleCost {
    /// Proportional set size.
    pub(super) pss_mib: f64,
    /// Percent of a core.
    pub(super) cpu_percent: f64,
    /// Threads that went from waiting to running.
    pub(super) wakeups_per_second: f64,
}

/// The processes of a tree but for those that it manages.
pub(super) fn manager(root: u32, managed: &[u32]) -> Vec<u32> {
    let mut tree = calm::tree(root, &calm::processes());
    tree.retain(|pid| !managed.contains(pid));
    tree
}

/// What these processes take over a time in which nothing happens.
pub(super) fn idle(pids: &[u32], time: Duration) -> IdleCost {
    let (cpu, wakeups) = counters(pids);
    let start = Instant::now();
    std::thread::sleep(time);
    let (cpu_after, wakeups_after) = counters(pids);
    let seconds = start.elapsed().as_secs_f64();
    IdleCost {
        pss_mib: pids.iter().map(|pid| pss_kib(*pid)).sum::<f64>() / 1024.0,
        cpu_percent: (cpu_after - cpu) / 1e9 / seconds * 100.0,
        wakeups_per_second: (wakeups_after - wakeups) / seconds,
    }
}

/// Seconds on a core until now.
pub(super) fn cpu_seconds(pids: &[u32]) -> f64 {
    counters(pids).0 / 1e9
}

/// Nanoseconds on a core, and wake-ups, of all threads.
fn counters(pids: &[u32]) -> (f64, f64) {
    let mut total = (0.0, 0.0);
    for pid in pids {
        let threads = fs::read_dir(format!("/proc/{pid}/task"));
        for thread in threads.into_iter().flatten().flatten() {
            let read =
                |name: &str| fs::read_to_string(thread.path().join(name)).unwrap_or_default();
            let number = |text: &str| text.trim().parse::<f64>().unwrap_or_default();
            let schedstat = read("schedstat");
            total.0 += number(schedstat.split(' ').next().unwrap_or_default());
            let status = read("status");
            let switches = status
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            total.1 += switches.map_or(0.0, number);
        }
    }
    total
}

fn pss_kib(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number
        .and_then(|number| number.trim().parse().ok())
        .unwrap_or_default()
}
