//! CPU and memory of process groups, in one pass for all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::{Duration, Instant};

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

/// What a group of processes used.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sample {
    /// CPU time since the sample before, in per cent of one core: two busy threads are 200.
    /// 0 in the first sample.
    pub cpu_percent: f32,
    /// Resident memory in bytes, summed. Pages that processes share count once for each.
    pub memory_bytes: u64,
    /// How many of the processes are alive.
    pub processes: usize,
}

/// The operating system's process table can't be read on this system.
#[derive(Debug)]
pub struct SamplerError(sysinfo::Error);

impl fmt::Display for SamplerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot read the process table, so CPU and memory can't be shown: {}",
            self.0
        )
    }
}

impl std::error::Error for SamplerError {}

/// Takes samples. Keep one for the life of the instance: CPU use is the difference between two
/// passes.
pub struct Sampler {
    system: System,
    last: Option<Instant>,
    previous: HashMap<u32, Usage>,
}

/// What is remembered of a process between two passes.
#[derive(Debug, Clone, Copy)]
struct Usage {
    /// Seconds since the epoch: with the pid it tells a process from a later one of the same pid.
    started: u64,
    cpu_ms: u64,
}

impl Sampler {
    /// A sampler that has seen nothing yet.
    ///
    /// # Errors
    /// Where the process table can't be read at all; never on Linux.
    pub fn new() -> Result<Self, SamplerError> {
        Ok(Self {
            system: System::new().map_err(SamplerError)?,
            last: None,
            previous: HashMap::new(),
        })
    }

    /// One pass over all groups, given by name and pids. Every group has a sample; processes that
    /// have vanished or are zombies are left out of it without a word.
    ///
    /// A pid may have gone to a stranger since the groups were made up. So each process is looked
    /// at first, and then `still` is asked whether the pid is the one that was meant; if not, what
    /// was seen is dropped.
    ///
    /// Reads a few small files for each process, which takes some tens of microseconds: call it
    /// from where that may block.
    pub fn sample(
        &mut self,
        groups: &[(String, Vec<u32>)],
        still: &dyn Fn(u32) -> bool,
        now: Instant,
    ) -> BTreeMap<String, Sample> {
        let elapsed = self
            .last
            .replace(now)
            .map(|last| now.saturating_duration_since(last));
        self.refresh(groups);
        let mut seen = HashMap::with_capacity(self.previous.len());
        let samples = groups
            .iter()
            .map(|(name, pids)| {
                let mut sample = Sample::default();
                let mut cpu_ms = 0;
                for pid in pids.iter().collect::<BTreeSet<_>>() {
                    let Some(process) = self.system.process(Pid::from_u32(*pid)) else {
                        continue;
                    };
                    if matches!(
                        process.status(),
                        ProcessStatus::Zombie | ProcessStatus::Dead
                    ) || !still(*pid)
                    {
                        continue;
                    }
                    let usage = Usage {
                        started: process.start_time(),
                        cpu_ms: process.accumulated_cpu_time(),
                    };
                    sample.processes += 1;
                    sample.memory_bytes += process.memory();
                    let before = self.previous.get(pid).copied();
                    let age = Duration::from_secs(process.run_time());
                    cpu_ms += cpu_delta(before, usage, age, elapsed);
                    seen.insert(*pid, usage);
                }
                sample.cpu_percent = percent(cpu_ms, elapsed);
                (name.clone(), sample)
            })
            .collect();
        self.previous = seen;
        samples
    }

    fn refresh(&mut self, groups: &[(String, Vec<u32>)]) {
        // Those of the pass before are asked about too, so that the table forgets the dead. And
        // each only once: sysinfo takes a process that it is asked about twice for dead.
        let asked = groups.iter().flat_map(|(_, pids)| pids.iter().copied());
        let known = self.system.processes().keys().map(|pid| pid.as_u32());
        let pids: BTreeSet<u32> = asked.chain(known).collect();
        let pids: Vec<Pid> = pids.into_iter().map(Pid::from_u32).collect();
        let wanted = ProcessRefreshKind::nothing()
            .with_cpu()
            .with_memory()
            .without_tasks();
        self.system
            .refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, wanted);
    }
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler")
            .field("processes", &self.previous.len())
            .finish_non_exhaustive()
    }
}

/// CPU time of one process since the pass before.
fn cpu_delta(before: Option<Usage>, now: Usage, age: Duration, elapsed: Option<Duration>) -> u64 {
    let same = before.filter(|before| before.started == now.started);
    // Start times have seconds only: a pid taken again within one shows by time running backwards.
    if let Some(used) = same.and_then(|before| now.cpu_ms.checked_sub(before.cpu_ms)) {
        return used;
    }
    // One that came after the pass before used all of its time since. An older one, seen for the
    // first time, would look busy for what it did long ago.
    match elapsed {
        Some(elapsed) if age < elapsed => now.cpu_ms,
        _ => 0,
    }
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
    fn a_pid_taken_again_does_not_inherit() {
        assert_eq!(
            cpu_delta(Some(usage(5, 900)), usage(5, 1_000), OLD, SECOND),
            100
        );
        // Another process of the same pid, by its start, or by its clock in the same second.
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
    fn only_what_falls_between_two_passes_counts() {
        assert_eq!(cpu_delta(None, usage(5, 9_000), OLD, SECOND), 0);
        assert_eq!(cpu_delta(None, usage(5, 300), Duration::ZERO, SECOND), 300);
        assert_eq!(cpu_delta(None, usage(5, 300), Duration::ZERO, None), 0);
    }

    #[test]
    fn a_hundred_per_cent_is_one_core() {
        assert!((percent(3_000, Some(Duration::from_millis(1_500))) - 200.0).abs() < 0.01);
        assert!(percent(3_000, Some(Duration::ZERO)).abs() < f32::EPSILON);
        assert!(percent(3_000, None).abs() < f32::EPSILON);
    }
}
