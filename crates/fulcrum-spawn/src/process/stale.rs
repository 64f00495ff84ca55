//! Ends what an instance left behind.

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

/// How long it may take in all.
const LIMIT: Duration = Duration::from_secs(2);

/// How long the processes of one look are waited for before the next one.
const ROUND: Duration = Duration::from_millis(100);

/// How many looks in a row must find nobody: a look takes its time, and who is started meanwhile
/// may be missing.
const QUIET: u32 = 2;

/// The variable whose value tells the run that a process came from.
const MARK: &[u8] = b"FULCRUM_DOMAIN_TOKEN=";

/// A process of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleProcess {
    /// Its number.
    pub pid: u32,
    /// Its command line, shortened to what fits a message.
    pub command: String,
    /// The leader of the life it belonged to, where that can be told.
    pub leader: Option<u32>,
}

/// What came of a sweep.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CleanupReport {
    /// Processes that were there and have been ended.
    pub ended: Vec<StaleProcess>,
    /// Processes that are still there, two seconds after SIGKILL.
    pub survived: Vec<StaleProcess>,
}

/// Ends by SIGKILL whatever is left of a run whose instance is dead, and removes its cgroup. Takes
/// two seconds at most, on the calling thread. Never touches this process nor any that it descends
/// from. After another boot nothing can be left, and nothing is done.
#[must_use]
pub fn kill_stale(past: &PreviousRun) -> CleanupReport {
    if boot().ok().as_deref() != Some(&*past.boot) || past.instance_is_alive() {
        return CleanupReport::default();
    }
    let deadline = now() + LIMIT;
    let spared = own_ancestors();
    let mut met: BTreeMap<(u32, u64), StaleProcess> = BTreeMap::new();
    let mut quiet = 0;
    let left = loop {
        let table = scan(past);
        let found = processes_of_run(past, &table, &spared);
        let there: Vec<&Stat> = table
            .iter()
            .map(|seen| &seen.stat)
            .filter(|stat| found.contains_key(&stat.pid))
            .collect();
        for stat in &there {
            met.entry((stat.pid, stat.started))
                .or_insert_with(|| StaleProcess {
                    pid: stat.pid,
                    command: command_line(stat.pid),
                    leader: found.get(&stat.pid).copied().flatten(),
                });
        }
        quiet = if there.is_empty() { quiet + 1 } else { 0 };
        if quiet == QUIET || now() >= deadline {
            break there.iter().map(|stat| (stat.pid, stat.started)).collect();
        }
        end(past, &there);
    };
    if let Some(folder) = own_cgroup(past) {
        // One in which somebody is left stays, and so does what is in it.
        let _ = cgroup::remove(folder);
    }
    let left: BTreeSet<(u32, u64)> = left;
    let (survived, ended): (Vec<_>, Vec<_>) = met
        .into_iter()
        .partition(|(process, _)| left.contains(process));
    let leftovers =
        |of: Vec<(_, StaleProcess)>| of.into_iter().map(|(_, leftover)| leftover).collect();
    CleanupReport {
        ended: leftovers(ended),
        survived: leftovers(survived),
    }
}

/// Kills these, and waits a moment for their ends.
fn end(past: &PreviousRun, there: &[&Stat]) {
    if there.is_empty() {
        return;
    }
    // First, since nobody can fork out of it.
    if let Some(folder) = own_cgroup(past) {
        let _ = cgroup::kill(folder);
    }
    let held: Vec<OwnedFd> = there.iter().filter_map(|stat| kill(stat)).collect();
    let until = now() + ROUND;
    for pidfd in &held {
        let rest = until.saturating_duration_since(now());
        let rest = Timespec::try_from(rest).ok();
        let mut ended = [PollFd::new(pidfd, PollFlags::IN)];
        // An interruption only makes the next look come earlier.
        let _ = poll(&mut ended, rest.as_ref());
    }
}

/// Kills this very process, and no later one of its number.
fn kill(stat: &Stat) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(stat.pid).ok()?)?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    // What is held now can't change any more; but is it who was meant?
    let same = Stat::read(stat.pid).is_some_and(|now| now.started == stat.started);
    if !same {
        return None;
    }
    pidfd_send_signal(pidfd.as_fd(), Signal::KILL).ok()?;
    Some(pidfd)
}

/// The run's cgroup, unless its name says that it is something else.
fn own_cgroup(past: &PreviousRun) -> Option<&std::path::Path> {
    let folder = past.cgroup.as_deref()?;
    let name = folder.file_name()?.to_str()?;
    name.contains(&past.run.to_string()).then_some(folder)
}

/// Everybody on this machine, in one pass.
fn scan(past: &PreviousRun) -> Vec<ObservedProcess> {
    let held: BTreeSet<u32> = own_cgroup(past).map_or_else(BTreeSet::new, |folder| {
        cgroup::members(folder).into_iter().collect()
    });
    let table = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = table.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| {
        let stat = Stat::read(pid)?;
        Some(ObservedProcess {
            has_token: !stat.is_zombie() && has_token(pid, &past.run),
            in_cgroup: held.contains(&pid),
            stat,
        })
    })
    .collect()
}

/// Whether a process's environment carries a token of the run, as far as we may look into it.
fn has_token(pid: u32, run: &RunId) -> bool {
    let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environ
        .split(|byte| *byte == 0)
        .filter_map(|variable| variable.strip_prefix(MARK))
        .any(|token| run.is_token_of_run(token))
}

/// This process and all that it descends from.
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
