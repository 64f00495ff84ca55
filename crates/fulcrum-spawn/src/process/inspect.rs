//! The kernel's view of processes that do not respond: what they execute or wait for.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use tokio::time::Instant;

use super::group::is_member;
use super::stat::Stat;
use super::table::SharedProcessTable;

/// The state of a process group at one moment, to be compared with a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSnapshot {
    /// When it was read.
    pub at: std::time::Instant,
    /// The living members, the leader first if it is among them.
    pub members: Vec<ProcessSnapshot>,
}

/// One member of the group at one moment. Times are those of its main thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSnapshot {
    /// The process id.
    pub pid: u32,
    /// The start time, in clock ticks since boot: with the pid, it identifies the process.
    pub started: u64,
    /// The state: `R`, `S`, `D`, `T`, …
    pub state: char,
    /// The process that traces it, such as a debugger.
    pub tracer: Option<u32>,
    /// CPU time of the main thread since it started.
    pub cpu_time: Duration,
    /// How long the main thread was runnable without a CPU since it started.
    pub run_delay: Duration,
}

impl GroupSnapshot {
    /// Reads the group of `leader` from `/proc`, which may block.
    #[must_use]
    pub fn at(leader: u32, table: &SharedProcessTable) -> Self {
        let table = table.processes();
        let members = table.iter().filter(|stat| is_member(stat, leader));
        let mut members: Vec<ProcessSnapshot> = members.map(ProcessSnapshot::read).collect();
        members.sort_by_key(|member| (member.pid != leader, member.pid));
        Self {
            at: Instant::now().into_std(),
            members,
        }
    }

    /// The process that traces a member, such as a debugger.
    #[must_use]
    pub fn tracer(&self) -> Option<u32> {
        self.members.iter().find_map(|member| member.tracer)
    }

    /// CPU time that main threads have used since an earlier snapshot, over the members of both.
    #[must_use]
    pub fn cpu_time_since(&self, earlier: &Self) -> Duration {
        self.since(earlier, |member| member.cpu_time).sum()
    }

    /// The longest time that a member has waited for a CPU since an earlier snapshot.
    #[must_use]
    pub fn run_delay_since(&self, earlier: &Self) -> Duration {
        let waits = self.since(earlier, |member| member.run_delay);
        waits.max().unwrap_or_default()
    }

    fn since<'a>(
        &'a self,
        earlier: &'a Self,
        figure: impl Fn(&ProcessSnapshot) -> Duration + 'a,
    ) -> impl Iterator<Item = Duration> + 'a {
        self.members.iter().filter_map(move |now| {
            let before = earlier
                .members
                .iter()
                .find(|member| member.pid == now.pid)?;
            Some(figure(now).saturating_sub(figure(before)))
        })
    }
}

impl ProcessSnapshot {
    fn read(stat: &Stat) -> Self {
        let status = read(stat.pid, "status");
        let (cpu_time, run_delay) =
            parse_schedstat(&read(stat.pid, "schedstat")).unwrap_or_default();
        Self {
            pid: stat.pid,
            started: stat.started,
            state: stat.state,
            tracer: field(&status, "TracerPid:")
                .and_then(|pid| pid.parse().ok())
                .filter(|pid| *pid != 0),
            cpu_time,
            run_delay,
        }
    }
}

impl ProcessSnapshot {
    /// Sends a signal to this process, and never to a later one with the same pid. Returns false if
    /// it has exited.
    #[must_use]
    pub fn signal(&self, signal: Signal) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let Some(pidfd) = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else {
            return false;
        };
        // The pidfd is opened before the check, so the process that is checked is the one that is
        // signaled.
        let same = Stat::read(self.pid).is_some_and(|stat| stat.started == self.started);
        same && pidfd_send_signal(pidfd, signal).is_ok()
    }
}

/// The kernel function in which a process waits, such as `futex_wait_queue`. `None` if it runs, or
/// if it cannot be read.
#[must_use]
pub fn wait_channel(pid: u32) -> Option<String> {
    let channel = read(pid, "wchan");
    let channel = channel.trim();
    (!channel.is_empty() && channel != "0").then(|| channel.to_owned())
}

/// The kernel stack of the main thread, innermost first. Empty if it runs in user space, or if it
/// cannot be read, which takes root.
#[must_use]
pub fn kernel_stack(pid: u32) -> Vec<String> {
    parse_stack(&read(pid, "stack"))
}

/// The executable of a process; `None` if it cannot be read.
#[must_use]
pub fn exe_path(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// The words of a process's command line. Empty if they cannot be read.
pub(super) fn command_words(pid: u32) -> Vec<String> {
    let raw = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let raw = String::from_utf8_lossy(&raw);
    let words = raw.split('\0').map(str::trim);
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether a process has a handler for a signal, so that the signal does not end it.
#[must_use]
pub fn has_signal_handler(pid: u32, signal: Signal) -> bool {
    is_caught(&read(pid, "status"), signal.as_raw())
}

/// Empty if it cannot be read: the process has exited, or belongs to another user.
fn read(pid: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
}

fn field<'a>(status: &'a str, key: &str) -> Option<&'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim())
}

/// The field is a bit mask in hexadecimal; signal 1 is the lowest bit: proc_pid_status(5).
fn is_caught(status: &str, signal: i32) -> bool {
    let mask = field(status, "SigCgt:").and_then(|mask| u64::from_str_radix(mask, 16).ok());
    let bit = u32::try_from(signal - 1).ok();
    matches!((mask, bit), (Some(mask), Some(bit)) if mask.checked_shr(bit).unwrap_or(0) & 1 == 1)
}

/// `/proc/PID/schedstat`, in nanoseconds: time on a CPU, and time runnable without one.
fn parse_schedstat(schedstat: &str) -> Option<(Duration, Duration)> {
    let mut fields = schedstat.split_ascii_whitespace().map(str::parse);
    let mut next = || fields.next()?.ok().map(Duration::from_nanos);
    Some((next()?, next()?))
}

/// Lines such as `[<0>] futex_wait_queue+0x64/0x90`.
fn parse_stack(stack: &str) -> Vec<String> {
    stack
        .lines()
        .filter_map(|line| {
            let (_, place) = line.split_once("] ")?;
            let name = place.split(['+', ' ']).next()?;
            (!name.is_empty()).then(|| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_files_are_parsed() {
        let (cpu_time, run_delay) = (Duration::from_nanos(914_209), Duration::from_millis(1_500));
        assert_eq!(
            parse_schedstat("914209 1500000000 15\n"),
            Some((cpu_time, run_delay))
        );
        assert_eq!(
            (parse_schedstat("914209"), parse_schedstat("")),
            (None, None)
        );
        let stack = "[<0>] futex_wait_queue+0x64/0x90\n[<0>] do_futex+0x1/0x2\n[<0>] 0xffff\n";
        assert_eq!(
            parse_stack(stack),
            ["futex_wait_queue", "do_futex", "0xffff"]
        );
        let status = "Name:\tnode\nTracerPid:\t77\nSigCgt:\t0000000108004602\n";
        assert_eq!(field(status, "TracerPid:"), Some("77"));
        assert!(is_caught(status, 10), "SIGUSR1 is bit 9");
        assert!(!is_caught(status, 12) && !is_caught(status, 0) && !is_caught("", 10));
    }

    #[test]
    fn snapshots_are_compared_by_process() {
        let member = |pid, cpu_time, run_delay| ProcessSnapshot {
            pid,
            started: 1,
            state: 'R',
            tracer: None,
            cpu_time: Duration::from_millis(cpu_time),
            run_delay: Duration::from_millis(run_delay),
        };
        let snapshot = |members| GroupSnapshot {
            at: Instant::now().into_std(),
            members,
        };
        let before = snapshot(vec![member(7, 100, 10), member(8, 50, 0)]);
        let now = snapshot(vec![
            member(7, 350, 60),
            member(9, 9_000, 9_000),
            member(8, 60, 200),
        ]);
        assert_eq!(now.cpu_time_since(&before), Duration::from_millis(260));
        assert_eq!(now.run_delay_since(&before), Duration::from_millis(200));
        assert_eq!(snapshot(Vec::new()).run_delay_since(&now), Duration::ZERO);
    }

    #[test]
    fn the_snapshot_of_the_own_group_contains_this_process() {
        let me = std::process::id();
        let group = Stat::read(me).expect("we exist").group;
        let snapshot = GroupSnapshot::at(group, &SharedProcessTable::default());
        let member = snapshot.members.iter().find(|member| member.pid == me);
        assert!(matches!(member.map(|member| member.state), Some('R' | 'S')));
        assert!(exe_path(me).is_some());
        assert!(!has_signal_handler(me, Signal::USR2));
        let another = ProcessSnapshot {
            started: 0,
            ..member.expect("seen").clone()
        };
        assert!(!another.signal(Signal::USR2), "that process has exited");
    }
}
