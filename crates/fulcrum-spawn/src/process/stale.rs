//! Kills the processes that a dead instance has left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::cgroup;
use super::run_id::RunId;
use super::run_record::{PreviousRun, boot};
use super::sockets::command_line;
use super::stale_ownership::{ObservedProcess, processes_of_run};
use super::stat::Stat;

/// The time limit.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the exits of one pass are awaited before the next one.
const PASS_TIMEOUT: Duration = Duration::from_millis(100);

/// How many passes in a row must find no process: a pass takes time, and a process that starts
/// meanwhile may be missing.
const EMPTY_PASSES: u32 = 2;

/// The variable whose value contains the run that a process came from.
const TOKEN_PREFIX: &[u8] = b"FULCRUM_DOMAIN_TOKEN=";

/// A process of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StaleProcess {
    /// The process id.
    pub pid: u32,
    /// The command line, shortened to fit a message.
    pub command: String,
    /// The leader of the generation that it belonged to, if known.
    pub leader: Option<u32>,
}

/// The result of a cleanup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct CleanupReport {
    /// Processes that were running and were killed.
    pub ended: Vec<StaleProcess>,
    /// Processes that are still running two seconds after SIGKILL.
    pub survived: Vec<StaleProcess>,
}

/// Kills whatever is left of a run whose instance is dead with SIGKILL, and removes its cgroup.
/// Blocks the calling thread for at most two seconds. Never kills this process or one of its
/// ancestors. After another boot nothing can be left, and nothing is done.
#[must_use]
pub(super) fn kill_stale(previous: &PreviousRun) -> CleanupReport {
    if boot().ok().as_deref() != Some(&*previous.boot) || previous.instance_is_alive() {
        return CleanupReport::default();
    }
    let deadline = now() + CLEANUP_TIMEOUT;
    let excluded = own_ancestors();
    let mut encountered: BTreeMap<(u32, u64), StaleProcess> = BTreeMap::new();
    let mut empty_passes = 0;
    let left = loop {
        let table = scan(previous);
        let found = processes_of_run(previous, &table, &excluded);
        let running: Vec<&Stat> = table
            .iter()
            .map(|seen| &seen.stat)
            .filter(|stat| found.contains_key(&stat.pid))
            .collect();
        for stat in &running {
            encountered
                .entry((stat.pid, stat.started))
                .or_insert_with(|| StaleProcess {
                    pid: stat.pid,
                    command: command_line(stat.pid),
                    leader: found.get(&stat.pid).copied().flatten(),
                });
        }
        empty_passes = if running.is_empty() {
            empty_passes + 1
        } else {
            0
        };
        if empty_passes == EMPTY_PASSES || now() >= deadline {
            break running
                .iter()
                .map(|stat| (stat.pid, stat.started))
                .collect();
        }
        kill_all(previous, &running);
    };
    if let Some(dir) = run_cgroup(previous) {
        // A cgroup with processes in it stays.
        let _ = cgroup::remove(dir);
    }
    let left: BTreeSet<(u32, u64)> = left;
    let (survived, ended): (Vec<_>, Vec<_>) = encountered
        .into_iter()
        .partition(|(process, _)| left.contains(process));
    let processes =
        |of: Vec<(_, StaleProcess)>| of.into_iter().map(|(_, process)| process).collect();
    CleanupReport {
        ended: processes(ended),
        survived: processes(survived),
    }
}

/// The processes of a run whose instance is dead. None is harmed.
pub(super) fn find_stale(previous: &PreviousRun) -> Vec<StaleProcess> {
    if boot().ok().as_deref() != Some(&*previous.boot) || previous.instance_is_alive() {
        return Vec::new();
    }
    let table = scan(previous);
    let found = processes_of_run(previous, &table, &own_ancestors());
    let running = table.iter().map(|seen| seen.stat.pid);
    running
        .filter_map(|pid| {
            Some(StaleProcess {
                pid,
                command: command_line(pid),
                leader: *found.get(&pid)?,
            })
        })
        .collect()
}

/// Kills these processes, and waits a moment for their exits.
fn kill_all(previous: &PreviousRun, running: &[&Stat]) {
    if running.is_empty() {
        return;
    }
    // First, since no process can escape from it by fork.
    if let Some(dir) = run_cgroup(previous) {
        let _ = cgroup::kill(dir);
    }
    let pidfds: Vec<OwnedFd> = running.iter().filter_map(|stat| kill(stat)).collect();
    let until = now() + PASS_TIMEOUT;
    for pidfd in &pidfds {
        let rest = until.saturating_duration_since(now());
        let rest = Timespec::try_from(rest).ok();
        let mut ended = [PollFd::new(pidfd, PollFlags::IN)];
        // An interruption only makes the next pass come earlier.
        let _ = poll(&mut ended, rest.as_ref());
    }
}

/// Kills this process, and never a later one with the same pid.
fn kill(stat: &Stat) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(stat.pid).ok()?)?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    // The process that the pidfd holds cannot change any more; check that it is the right one.
    let same = Stat::read(stat.pid).is_some_and(|now| now.started == stat.started);
    if !same {
        return None;
    }
    pidfd_send_signal(pidfd.as_fd(), Signal::KILL).ok()?;
    Some(pidfd)
}

/// The run's cgroup, if its name contains the run.
fn run_cgroup(previous: &PreviousRun) -> Option<&std::path::Path> {
    let dir = previous.cgroup.as_deref()?;
    let name = dir.file_name()?.to_str()?;
    name.contains(&previous.run.to_string()).then_some(dir)
}

/// Every process of this machine, in one pass.
fn scan(previous: &PreviousRun) -> Vec<ObservedProcess> {
    let pidfds: BTreeSet<u32> = run_cgroup(previous).map_or_else(BTreeSet::new, |dir| {
        cgroup::members(dir).into_iter().collect()
    });
    let table = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = table.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| {
        let stat = Stat::read(pid)?;
        Some(ObservedProcess {
            has_token: !stat.is_zombie() && has_token(pid, &previous.run),
            in_cgroup: pidfds.contains(&pid),
            stat,
        })
    })
    .collect()
}

/// Whether the environment of a process contains a token of the run, as far as it may be read.
fn has_token(pid: u32, run: &RunId) -> bool {
    let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environ
        .split(|byte| *byte == 0)
        .filter_map(|variable| variable.strip_prefix(TOKEN_PREFIX))
        .any(|token| run.is_token_of_run(token))
}

/// This process and all its ancestors.
fn own_ancestors() -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut at = std::process::id();
    while at > 0 && found.insert(at) {
        at = Stat::read(at).map_or(0, |stat| stat.parent);
    }
    found
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the driver: what belongs is decided without a clock"
)]
fn now() -> Instant {
    Instant::now()
}
