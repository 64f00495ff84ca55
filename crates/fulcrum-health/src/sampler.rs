//! CPU and memory of process groups, read in one pass.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::{Duration, Instant};

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

use crate::memory::freed_by_end;
use crate::process_files;

/// The resource usage of a group of processes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sample {
    /// CPU time since the previous sample, in percent of one core: two busy threads are 200. 0 in
    /// the first sample.
    pub cpu_percent: f32,
    /// Memory in bytes, summed. Either exact: what the end of the processes would free, where pages
    /// that they share count once and mapped files do not count. Or its upper bound, the resident
    /// memory.
    pub memory_bytes: u64,
    /// How many of the processes are alive.
    pub processes: usize,
    /// Resident memory in bytes, summed: pages that they share count for each.
    pub resident_bytes: u64,
    /// CPU time since the previous sample; in the first one of a process, since its start.
    pub cpu_time: Duration,
    /// Their threads.
    pub threads: u64,
    /// Their open file descriptors.
    pub open_files: u64,
}

/// The process table cannot be read on this operating system.
#[derive(Debug)]
pub struct SamplerError(sysinfo::Error);

impl fmt::Display for SamplerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot read the process table, CPU and memory are not available: {}",
            self.0
        )
    }
}

impl std::error::Error for SamplerError {}

/// Takes samples. Keep one sampler while you need samples: CPU usage is the difference between two
/// passes.
pub struct Sampler {
    system: System,
    last: Option<Instant>,
    previous: HashMap<u32, Usage>,
}

/// What is stored of a process between two passes.
#[derive(Debug, Clone, Copy)]
struct Usage {
    /// Start time in seconds since the epoch: with the pid it identifies the process.
    started: u64,
    cpu_ms: u64,
}

impl Sampler {
    /// Creates a sampler.
    ///
    /// # Errors
    /// [`SamplerError`] where the process table cannot be read; never on Linux.
    pub fn new() -> Result<Self, SamplerError> {
        Ok(Self {
            system: System::new().map_err(SamplerError)?,
            last: None,
            previous: HashMap::new(),
        })
    }

    /// Samples all groups, given by name and pids. Every group gets a sample; exited processes and
    /// zombies do not count.
    ///
    /// A pid may have been reused since the groups were determined. So each process is read first,
    /// and then `is_same` decides whether the pid still belongs to the intended process; if not, the
    /// values are dropped.
    ///
    /// The memory is exact for a group if `needs_exact` is true for its name and resident memory. A
    /// process whose exact memory cannot be read counts with its resident memory.
    ///
    /// Reads a few small files for each process, which takes tens of microseconds and may block. Exact
    /// memory takes about a millisecond for each GiB on top.
    pub fn sample(
        &mut self,
        groups: &[(String, Vec<u32>)],
        is_same: &dyn Fn(u32) -> bool,
        needs_exact: &dyn Fn(&str, u64) -> bool,
        now: Instant,
    ) -> BTreeMap<String, Sample> {
        let elapsed = self
            .last
            .replace(now)
            .map(|last| now.saturating_duration_since(last));
        self.refresh(groups);
        let mut current = HashMap::with_capacity(self.previous.len());
        let samples = groups
            .iter()
            .map(|(name, pids)| {
                let mut sample = Sample::default();
                let (mut cpu_ms, mut total_ms) = (0, 0);
                let mut resident = Vec::new();
                for pid in pids.iter().collect::<BTreeSet<_>>() {
                    let Some(process) = self.system.process(Pid::from_u32(*pid)) else {
                        continue;
                    };
                    if matches!(
                        process.status(),
                        ProcessStatus::Zombie | ProcessStatus::Dead
                    ) || !is_same(*pid)
                    {
                        continue;
                    }
                    let usage = Usage {
                        started: process.start_time(),
                        cpu_ms: process.accumulated_cpu_time(),
                    };
                    sample.processes += 1;
                    sample.memory_bytes += process.memory();
                    sample.resident_bytes += process.memory();
                    sample.threads += process_files::threads(*pid).unwrap_or_default();
                    sample.open_files += process_files::open_files(*pid).unwrap_or_default();
                    resident.push((*pid, process.memory()));
                    let before = self.previous.get(pid).copied();
                    let age = Duration::from_secs(process.run_time());
                    cpu_ms += cpu_delta(before, usage, age, elapsed);
                    total_ms += same_process(before, usage).unwrap_or(usage.cpu_ms);
                    current.insert(*pid, usage);
                }
                if needs_exact(name, sample.memory_bytes) {
                    sample.memory_bytes = resident
                        .into_iter()
                        // Between the two, the process may have grown or have been replaced.
                        .map(|(pid, rss)| freed_by_end(pid).map_or(rss, |exact| exact.min(rss)))
                        .sum();
                }
                sample.cpu_percent = percent(cpu_ms, elapsed);
                sample.cpu_time = Duration::from_millis(total_ms);
                (name.clone(), sample)
            })
            .collect();
        self.previous = current;
        samples
    }

    fn refresh(&mut self, groups: &[(String, Vec<u32>)]) {
        // Processes of the previous pass are refreshed too, so that sysinfo removes exited ones. Each
        // pid only once: sysinfo takes a process that is listed twice for exited.
        let requested = groups.iter().flat_map(|(_, pids)| pids.iter().copied());
        let known = self.system.processes().keys().map(|pid| pid.as_u32());
        let pids: BTreeSet<u32> = requested.chain(known).collect();
        let pids: Vec<Pid> = pids.into_iter().map(Pid::from_u32).collect();
        let refresh = ProcessRefreshKind::nothing()
            .with_cpu()
            .with_memory()
            .without_tasks();
        self.system
            .refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, refresh);
    }
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler")
            .field("processes", &self.previous.len())
            .finish_non_exhaustive()
    }
}

/// CPU time of one process since the previous pass, in milliseconds.
fn cpu_delta(before: Option<Usage>, now: Usage, age: Duration, elapsed: Option<Duration>) -> u64 {
    if let Some(delta) = same_process(before, now) {
        return delta;
    }
    // A process that started after the previous pass used all of its CPU time since. The total of an
    // older one that is sampled for the first time says nothing about this interval.
    match elapsed {
        Some(elapsed) if age < elapsed => now.cpu_ms,
        _ => 0,
    }
}

/// CPU time since the previous pass, if that has seen the same process.
fn same_process(before: Option<Usage>, now: Usage) -> Option<u64> {
    let same = before.filter(|before| before.started == now.started)?;
    // Start times have a resolution of seconds: a pid reused within one shows by a smaller CPU time.
    now.cpu_ms.checked_sub(same.cpu_ms)
}

fn percent(cpu_ms: u64, elapsed: Option<Duration>) -> f32 {
    match elapsed {
        Some(elapsed) if !elapsed.is_zero() => {
            (cpu_ms as f64 / elapsed.as_secs_f64() / 10.0) as f32
        }
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Option<Duration> = Some(Duration::from_secs(1));
    const OLD: Duration = Duration::from_secs(100);

    fn usage(started: u64, cpu_ms: u64) -> Usage {
        Usage { started, cpu_ms }
    }

    #[test]
    fn a_reused_pid_does_not_inherit_cpu_time() {
        assert_eq!(
            cpu_delta(Some(usage(5, 900)), usage(5, 1_000), OLD, SECOND),
            100
        );
        // Another process of the same pid: by its start time, or by its CPU time in the same second.
        assert_eq!(
            cpu_delta(Some(usage(5, 900)), usage(6, 1_000), OLD, SECOND),
            0
        );
        assert_eq!(
            cpu_delta(Some(usage(5, 900)), usage(5, 20), Duration::ZERO, SECOND),
            20
        );
    }

    #[test]
    fn only_cpu_time_between_two_passes_counts() {
        assert_eq!(cpu_delta(None, usage(5, 9_000), OLD, SECOND), 0);
        assert_eq!(cpu_delta(None, usage(5, 300), Duration::ZERO, SECOND), 300);
        assert_eq!(cpu_delta(None, usage(5, 300), Duration::ZERO, None), 0);
    }

    #[test]
    fn a_hundred_percent_is_one_core() {
        assert!((percent(3_000, Some(Duration::from_millis(1_500))) - 200.0).abs() < 0.01);
        assert!(percent(3_000, Some(Duration::ZERO)).abs() < f32::EPSILON);
        assert!(percent(3_000, None).abs() < f32::EPSILON);
    }
}
