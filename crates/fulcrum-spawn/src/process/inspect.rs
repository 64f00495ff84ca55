//! What the kernel tells about processes that don't react: what they do, or wait for.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use tokio::time::Instant;

use super::group::members;
use super::stat::Stat;

/// A look at a process group, to be compared with a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSnapshot {
    /// When it was taken.
    pub at: std::time::Instant,
    /// Its living members, the leader first if it lives.
    pub members: Vec<ProcessSnapshot>,
}

/// One member of the group at one moment; of its threads, the main one is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSnapshot {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since boot: with the number, its identity.
    pub started: u64,
    /// Its state: `R`, `S`, `D`, `T`, …
    pub state: char,
    /// Who traces it, such as a debugger.
    pub tracer: Option<u32>,
    /// CPU time of its main thread since it started.
    pub cpu_time: Duration,
    /// How long its main thread has waited for a CPU since it started, though it could have run.
    pub run_delay: Duration,
}

impl GroupSnapshot {
    /// Looks at the group of `leader`. It reads `/proc`, which may block.
    #[must_use]
    pub fn at(leader: u32) -> Self {
        let mut members: Vec<ProcessSnapshot> =
            members(leader).iter().map(ProcessSnapshot::read).collect();
        members.sort_by_key(|seen| (seen.pid != leader, seen.pid));
        Self {
            at: Instant::now().into_std(),
            members,
        }
    }

    /// Who traces a member, such as a debugger that holds it.
    #[must_use]
    pub fn tracer(&self) -> Option<u32> {
        self.members.iter().find_map(|seen| seen.tracer)
    }

    /// CPU time that the group's main threads have used since an earlier look, by members who are in both.
    #[must_use]
    pub fn busy_since(&self, earlier: &Self) -> Duration {
        self.since(earlier, |seen| seen.cpu_time).sum()
    }

    /// How long a member has waited for a CPU since an earlier look: the longest of them.
    #[must_use]
    pub fn starved_since(&self, earlier: &Self) -> Duration {
        let waits = self.since(earlier, |seen| seen.run_delay);
        waits.max().unwrap_or_default()
    }

    fn since<'a>(
        &'a self,
        earlier: &'a Self,
        figure: impl Fn(&ProcessSnapshot) -> Duration + 'a,
    ) -> impl Iterator<Item = Duration> + 'a {
        self.members.iter().filter_map(move |now| {
            let before = earlier.members.iter().find(|seen| seen.pid == now.pid)?;
            Some(figure(now).saturating_sub(figure(before)))
        })
    }
}

impl ProcessSnapshot {
    fn read(stat: &Stat) -> Self {
        let status = read(stat.pid, "status");
        let (cpu_time, run_delay) = schedule(&read(stat.pid, "schedstat")).unwrap_or_default();
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
    /// Sends a signal to this one process, and to no later one of its number; false where it is
    /// gone.
    #[must_use]
    pub fn signal(&self, signal: Signal) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let Some(pidfd) = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else {
            return false;
        };
        // Held before it is looked at: what is seen now is what is signalled.
        let same = Stat::read(self.pid).is_some_and(|stat| stat.started == self.started);
        same && pidfd_send_signal(pidfd, signal).is_ok()
    }
}

/// Where a process waits inside the kernel, such as `futex_wait_queue`; `None` where it runs, or
/// where this can't be read.
#[must_use]
pub fn wait_channel(pid: u32) -> Option<String> {
    let channel = read(pid, "wchan");
    let channel = channel.trim();
    (!channel.is_empty() && channel != "0").then(|| channel.to_owned())
}

/// The kernel's stack of a process's main thread, innermost first; empty where it runs in user
/// space, or where this can't be read (which takes root).
#[must_use]
pub fn kernel_stack(pid: u32) -> Vec<String> {
    frames(&read(pid, "stack"))
}

/// The program that a process runs; `None` where this can't be read.
#[must_use]
pub fn exe_path(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// Whether a process has a handler for a signal, so that it isn't ended by it.
#[must_use]
pub fn has_signal_handler(pid: u32, signal: Signal) -> bool {
    caught(&read(pid, "status"), signal.as_raw())
}

/// Empty where it can't be read: the process is gone, or another user's.
fn read(pid: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
}

fn field<'a>(status: &'a str, key: &str) -> Option<&'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim())
}

/// A bit mask in hexadecimal; signal 1 is its lowest bit: proc_pid_status(5).
fn caught(status: &str, signal: i32) -> bool {
    let mask = field(status, "SigCgt:").and_then(|mask| u64::from_str_radix(mask, 16).ok());
    let bit = u32::try_from(signal - 1).ok();
    matches!((mask, bit), (Some(mask), Some(bit)) if mask.checked_shr(bit).unwrap_or(0) & 1 == 1)
}

/// `/proc/PID/schedstat`, in nanoseconds: on a CPU, and runnable without one.
fn schedule(schedstat: &str) -> Option<(Duration, Duration)> {
    let mut fields = schedstat.split_ascii_whitespace().map(str::parse);
    let mut next = || fields.next()?.ok().map(Duration::from_nanos);
    Some((next()?, next()?))
}

/// Lines such as `[<0>] futex_wait_queue+0x64/0x90`.
fn frames(stack: &str) -> Vec<String> {
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
    fn the_kernels_tables_are_read() {
        let (busy, starved) = (Duration::from_nanos(914_209), Duration::from_millis(1_500));
        assert_eq!(schedule("914209 1500000000 15\n"), Some((busy, starved)));
        assert_eq!((schedule("914209"), schedule("")), (None, None));
        let stack = "[<0>] futex_wait_queue+0x64/0x90\n[<0>] do_futex+0x1/0x2\n[<0>] 0xffff\n";
        assert_eq!(frames(stack), ["futex_wait_queue", "do_futex", "0xffff"]);
        let status = "Name:\tnode\nTracerPid:\t77\nSigCgt:\t0000000108004602\n";
        assert_eq!(field(status, "TracerPid:"), Some("77"));
        assert!(caught(status, 10), "SIGUSR1 is bit 9");
        assert!(!caught(status, 12) && !caught(status, 0) && !caught("", 10));
    }

    #[test]
    fn the_difference_of_two_looks_is_about_the_same_processes() {
        let seen = |pid, busy, starved| ProcessSnapshot {
            pid,
            started: 1,
            state: 'R',
            tracer: None,
            cpu_time: Duration::from_millis(busy),
            run_delay: Duration::from_millis(starved),
        };
        let look = |members| GroupSnapshot {
            at: Instant::now().into_std(),
            members,
        };
        let before = look(vec![seen(7, 100, 10), seen(8, 50, 0)]);
        let now = look(vec![
            seen(7, 350, 60),
            seen(9, 9_000, 9_000),
            seen(8, 60, 200),
        ]);
        assert_eq!(now.busy_since(&before), Duration::from_millis(260));
        assert_eq!(now.starved_since(&before), Duration::from_millis(200));
        assert_eq!(look(Vec::new()).starved_since(&now), Duration::ZERO);
    }

    #[test]
    fn this_process_is_seen() {
        let me = std::process::id();
        let group = Stat::read(me).expect("we exist").group;
        let look = GroupSnapshot::at(group);
        let seen = look.members.iter().find(|seen| seen.pid == me);
        assert!(matches!(seen.map(|seen| seen.state), Some('R' | 'S')));
        assert!(exe_path(me).is_some());
        assert!(!has_signal_handler(me, Signal::USR2));
        let another = ProcessSnapshot {
            started: 0,
            ..seen.expect("seen").clone()
        };
        assert!(!another.signal(Signal::USR2), "that one is gone");
    }
}
