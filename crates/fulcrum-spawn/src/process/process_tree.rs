//! A started process and its tree: the leader and every process that descends from it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe::Receiver;
use tokio::time::{sleep, timeout};

use super::cgroup;
use super::group::Member;
use super::pidfd::{self, ProcessHandle};
use super::pty::TerminalReader;
use super::spawned::{Spawned, SpawnedOutput};
use super::stat::Stat;
use super::stop_target::{StopTarget, find_stop_target, is_wrapper};
use super::tracker::{ProcessTracker, locked};
use crate::exit::ExitReport;

/// How long a list of members is trusted if none of them exits: a member may have started another
/// process and continue.
const RECHECK: Duration = Duration::from_secs(1);

/// When to retry if a process cannot be watched, or the members cannot be read.
const RETRY: Duration = Duration::from_millis(10);

/// After so many attempts to read the members, which take half a second, the reason is reported.
const MAX_SILENT_ATTEMPTS: u32 = 50;

/// The size of a write that an empty pipe always accepts, whatever is left of the user's quota: one
/// page.
const MAX_STDIN_WRITE: usize = 4096;

/// A direct child (the leader), the process group that it leads, and every other process of its
/// tree.
///
/// The leader is left unreaped until [`Process::group_empty`] returns: a zombie leader keeps the
/// group's number from being reused, so a signal cannot reach unrelated processes. Dropping a
/// process before that kills the whole tree.
#[derive(Debug)]
pub struct Process {
    tree: TreeLifetime,
    pidfd: AsyncFd<OwnedFd>,
    /// Signals when the cgroup becomes empty.
    events: Option<AsyncFd<File>>,
    /// Held open so that a child that reads its input blocks instead of reading its end.
    stdin: OwnedFd,
    output: Mutex<Option<ProcessOutput>>,
}

/// The reading ends of the output of a process.
#[derive(Debug)]
pub enum ProcessOutput {
    /// Standard output and standard error.
    Pipes(Receiver, Receiver),
    /// A pseudo-terminal, which is both.
    Terminal(TerminalReader),
}

/// The tree, which can be signaled until the leader is reaped.
#[derive(Debug)]
struct TreeLifetime {
    leader: Pid,
    tracker: ProcessTracker,
    cgroup: Option<PathBuf>,
    /// SIGKILL was sent: members that appear from now on are killed too.
    killing: AtomicBool,
    /// Locked while a signal is sent, so that signals and the end cannot race.
    ending: Mutex<Ending>,
}

/// How far the end of a tree has come.
#[derive(Debug, Default)]
struct Ending {
    /// The leader was reaped: nothing may be signaled any more.
    reaped: bool,
    /// The processes that have received the stop signal, by pid and start time.
    terminated: BTreeSet<(u32, u64)>,
}

impl Process {
    pub(super) fn from_spawned(spawned: Spawned, tracker: &ProcessTracker) -> io::Result<Self> {
        let Spawned {
            pid,
            pidfd,
            stdin,
            output,
        } = spawned;
        // If anything fails from here on, dropping it kills the tree.
        let tree = TreeLifetime::new(pid, tracker);
        let events = tree.cgroup.as_deref().map(pidfd::events_of);
        Ok(Self {
            pidfd: pidfd::watch(pidfd)?,
            events: events.transpose()?,
            stdin,
            output: Mutex::new(Some(match output {
                SpawnedOutput::Pipes { stdout, stderr } => ProcessOutput::Pipes(
                    Receiver::from_owned_fd(stdout)?,
                    Receiver::from_owned_fd(stderr)?,
                ),
                SpawnedOutput::Terminal(reader) => {
                    ProcessOutput::Terminal(TerminalReader::new(reader)?)
                }
            })),
            tree,
        })
    }

    /// Kills a child that no [`Process`] manages.
    pub(super) fn kill_unmanaged(leader: Pid, tracker: &ProcessTracker) {
        drop(TreeLifetime::new(leader, tracker));
    }

    /// The process id of the leader, which is the group's number too.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.tree.number()
    }

    /// The cgroup that holds only this tree, if it has one.
    #[must_use]
    pub fn cgroup(&self) -> Option<&Path> {
        self.tree.cgroup.as_deref()
    }

    /// The reading ends of standard output and standard error, if they are pipes; `Some` once.
    pub fn take_output(&self) -> Option<(Receiver, Receiver)> {
        match self.take_any_output()? {
            ProcessOutput::Pipes(stdout, stderr) => Some((stdout, stderr)),
            ProcessOutput::Terminal(_) => None,
        }
    }

    /// The reading ends of the output; `Some` once.
    pub fn take_any_output(&self) -> Option<ProcessOutput> {
        locked(&self.output).take()
    }

    /// Whether the leader has exited. Other processes of the tree may be left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        !matches!(
            waitid(WaitId::Pid(self.tree.leader), options),
            Ok(None) | Err(Errno::INTR)
        )
    }

    /// Writes to standard input at once, without waiting. The pipe must be empty.
    ///
    /// # Errors
    /// The text is longer than 4096 bytes, or no process can read it any more.
    pub fn write_stdin(&self, text: &[u8]) -> io::Result<()> {
        if text.len() > MAX_STDIN_WRITE {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{} bytes exceed {MAX_STDIN_WRITE}", text.len()),
            ));
        }
        match rustix::io::write(&self.stdin, text)? {
            written if written == text.len() => Ok(()),
            _ => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    /// Reads what is in the output pipes, if it has any, now, at most one page of each. Empty after
    /// [`Process::take_output`].
    #[must_use]
    pub fn drain_output(&self) -> Vec<u8> {
        let mut output = Vec::new();
        let pipes = locked(&self.output);
        if let Some(ProcessOutput::Pipes(stdout, stderr)) = pipes.as_ref() {
            for pipe in [stdout, stderr] {
                let mut part = vec![0; MAX_STDIN_WRITE];
                // The readiness that tokio recorded may lag behind the pipe.
                let count = rustix::io::read(pipe, &mut part).unwrap_or_default();
                output.extend_from_slice(&part[..count]);
            }
        }
        output
    }

    /// Sends a signal to the whole tree, once to each process. Stopped processes are continued,
    /// since they could not act on the signal otherwise. Does nothing after the leader was reaped.
    pub fn signal(&self, signal: Signal) {
        self.tree.signal(signal);
    }

    /// Sends the stop signal to the leader. A leader that does not pass signals on, such as a shell,
    /// is skipped: then the program that it waits for gets the signal, and is returned; the leader
    /// is part of the rest. One that waits for several programs is signaled with its whole tree.
    pub fn terminate_leader(&self, signal: Signal) -> Option<Member> {
        self.tree.terminate_leader(signal)
    }

    /// Sends the stop signal to each process of the tree that has not received it yet.
    pub fn terminate_rest(&self, signal: Signal) {
        let mut ending = locked(&self.tree.ending);
        self.tree.terminate_rest(&mut ending, signal);
    }

    /// Sends a signal to the leader, or to the program that it waits for if it does not pass signals
    /// on. Unlike [`Process::signal`], a stopped process stays stopped.
    pub fn signal_program(&self, signal: Signal) {
        match self.tree.stop_target(signal) {
            StopTarget::InPlaceOfLeader(member) => pidfd::signal(&member, signal),
            StopTarget::Leader | StopTarget::Tree => self.signal_leader(signal),
        }
    }

    /// Sends a signal to the leader alone.
    pub fn signal_leader(&self, signal: Signal) {
        if !locked(&self.tree.ending).reaped {
            // It may have exited already.
            let _ = kill_process(self.tree.leader, signal);
        }
    }

    /// The living members of the tree, as far as they can be read.
    #[must_use]
    pub fn survivors(&self) -> Vec<Member> {
        self.tree.members().unwrap_or_default()
    }

    /// Waits until the leader exits, and returns how. The leader stays unreaped.
    pub async fn exited(&self) -> ExitReport {
        let unknown = ExitReport {
            code: None,
            signal: None,
        };
        loop {
            let Ok(mut guard) = self.pidfd.readable().await else {
                return unknown;
            };
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
            match waitid(WaitId::Pid(self.tree.leader), options) {
                Ok(Some(status)) => {
                    return ExitReport {
                        code: status.exit_status().map(|code| code & 0xff),
                        signal: status.terminating_signal(),
                    };
                }
                Ok(None) => guard.clear_ready(),
                Err(_) => return unknown,
            }
        }
    }

    /// Waits until no process of the tree is left, wherever it went, then reaps the leader. To be
    /// called after [`Process::exited`]. Afterwards, the group's number may be reused.
    pub async fn group_empty(&self) {
        self.group_empty_or_unknown(|_| {}).await;
    }

    /// As [`Process::group_empty`]. `on_unknown` is called, once, with the reason if it cannot be
    /// known for a while whether processes are left, for instance because this program has no file
    /// descriptor left; that is tried again and again.
    pub async fn group_empty_or_unknown(&self, on_unknown: impl FnOnce(&io::Error)) {
        let mut on_unknown = Some(on_unknown);
        let mut attempts = 0;
        // A pass over the process table can miss a process that starts meanwhile. A cgroup cannot.
        let enough = if self.events.is_some() { 1 } else { 2 };
        let mut empty = 0;
        while empty < enough {
            if self.cgroup_changes().await {
                continue;
            }
            match self.tree.members() {
                Ok(members) => match members.first() {
                    None => empty += 1,
                    Some(member) => {
                        empty = 0;
                        if self.tree.killing.load(Ordering::Relaxed) {
                            self.tree.signal(Signal::KILL);
                        }
                        wait_for_end(member.pid).await;
                    }
                },
                // Members that cannot be read may exist.
                Err(error) => {
                    attempts += 1;
                    if attempts == MAX_SILENT_ATTEMPTS
                        && let Some(on_unknown) = on_unknown.take()
                    {
                        on_unknown(&error);
                    }
                    sleep(RETRY).await;
                }
            }
        }
        self.tree.reap();
    }

    /// If the cgroup is populated, waits for a change and returns true.
    async fn cgroup_changes(&self) -> bool {
        let Some(events) = self.events.as_ref() else {
            return false;
        };
        if !pidfd::populated(events.get_ref()) {
            return false;
        }
        match timeout(RECHECK, pidfd::changed(events)).await {
            Ok(Ok(mut changed)) => changed.clear_ready(),
            // `members` takes a file descriptor, and there may have been none.
            Ok(Err(_)) | Err(_) if self.tree.killing.load(Ordering::Relaxed) => {
                self.tree.signal(Signal::KILL);
            }
            Ok(Err(_)) | Err(_) => {}
        }
        true
    }
}

impl TreeLifetime {
    fn new(leader: Pid, tracker: &ProcessTracker) -> Self {
        let number = leader.as_raw_nonzero().get().unsigned_abs();
        Self {
            leader,
            cgroup: tracker.cgroup_of(number),
            tracker: tracker.clone(),
            killing: AtomicBool::new(false),
            ending: Mutex::default(),
        }
    }

    fn number(&self) -> u32 {
        self.leader.as_raw_nonzero().get().unsigned_abs()
    }

    fn members(&self) -> io::Result<Vec<Member>> {
        self.tracker.members(self.number())
    }

    fn signal(&self, signal: Signal) {
        let ending = locked(&self.ending);
        if ending.reaped {
            return;
        }
        // Read before the first signal: afterwards the parents that link the tree may be gone.
        let mut outside = self.members().unwrap_or_default();
        outside.retain(|member| member.group != self.number());
        let send = |signal| {
            // The only error is that the group is empty, which `group_empty` reports.
            let _ = kill_process_group(self.leader, signal);
            for member in &outside {
                pidfd::signal(member, signal);
            }
        };
        if signal == Signal::KILL {
            self.killing.store(true, Ordering::Relaxed);
            self.cgroup.as_deref().map(cgroup::kill);
        }
        send(signal);
        if signal != Signal::KILL && signal != Signal::STOP {
            send(Signal::CONT);
        }
    }

    fn terminate_leader(&self, signal: Signal) -> Option<Member> {
        let mut ending = locked(&self.ending);
        if ending.reaped {
            return None;
        }
        match self.stop_target(signal) {
            StopTarget::Leader => {
                if let Some(leader) = Stat::read(self.number()) {
                    ending.record(&leader);
                }
                // It is unreaped, so the number is its own.
                let _ = kill_process(self.leader, signal);
                let _ = kill_process(self.leader, Signal::CONT);
                None
            }
            StopTarget::InPlaceOfLeader(member) => {
                ending.terminate(&member, signal);
                Some(member)
            }
            StopTarget::Tree => {
                self.terminate_rest(&mut ending, signal);
                None
            }
        }
    }

    fn stop_target(&self, signal: Signal) -> StopTarget {
        let leader = self.number();
        let wraps = |pid| is_wrapper(pid, signal);
        if !wraps(leader) {
            return StopTarget::Leader;
        }
        find_stop_target(leader, &self.members().unwrap_or_default(), wraps)
    }

    fn terminate_rest(&self, ending: &mut Ending, signal: Signal) {
        if ending.reaped {
            return;
        }
        let members = self.members().unwrap_or_default();
        let (inside, outside): (Vec<&Member>, Vec<&Member>) = members
            .iter()
            .partition(|member| member.group == self.number());
        if inside.iter().any(|member| ending.has_terminated(member)) {
            inside
                .iter()
                .for_each(|member| ending.terminate(member, signal));
        } else {
            // At once, so that none escapes by a fork.
            inside.iter().for_each(|member| ending.record(member));
            let _ = kill_process_group(self.leader, signal);
            let _ = kill_process_group(self.leader, Signal::CONT);
        }
        outside
            .iter()
            .for_each(|member| ending.terminate(member, signal));
    }

    /// Reaps the leader, so that its number can be reused.
    fn reap(&self) {
        let mut ending = locked(&self.ending);
        if ending.reaped {
            return;
        }
        let _ = waitid(WaitId::Pid(self.leader), WaitIdOptions::EXITED);
        ending.reaped = true;
        self.tracker.unregister(self.number());
    }
}

impl Ending {
    fn has_terminated(&self, member: &Member) -> bool {
        self.terminated.contains(&(member.pid, member.started))
    }

    fn record(&mut self, member: &Member) {
        self.terminated.insert((member.pid, member.started));
    }

    /// Sends the stop signal, unless the process has received it. A stopped process is continued,
    /// since it could not act on the signal otherwise.
    fn terminate(&mut self, member: &Member, signal: Signal) {
        if !self.has_terminated(member) {
            self.record(member);
            pidfd::signal(member, signal);
            pidfd::signal(member, Signal::CONT);
        }
    }
}

impl Drop for TreeLifetime {
    fn drop(&mut self) {
        if !locked(&self.ending).reaped {
            self.signal(Signal::KILL);
            reap_in_background(self.leader, self.tracker.clone());
        }
    }
}

/// Waits until a process that is not our child exits, or for [`RECHECK`].
async fn wait_for_end(pid: u32) {
    match ProcessHandle::open(pid) {
        Some(member) => {
            let _ = timeout(RECHECK, member.exited()).await;
        }
        // Exited already, or out of file descriptors: only another look at the members shows which.
        None => sleep(RETRY).await,
    }
}

/// Reaps a killed child without blocking the caller.
fn reap_in_background(leader: Pid, tracker: ProcessTracker) {
    let reap = move |options| match waitid(WaitId::Pid(leader), options) {
        Ok(None) => false,
        Ok(Some(_)) | Err(_) => {
            tracker.unregister(leader.as_raw_nonzero().get().unsigned_abs());
            true
        }
    };
    if reap(WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
        return;
    }
    let _ = std::thread::Builder::new()
        .name("reaper".to_owned())
        .spawn(move || reap(WaitIdOptions::EXITED));
}
