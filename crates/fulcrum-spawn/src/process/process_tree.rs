//! A process that was started, and all that it started: one life.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe::Receiver;
use tokio::time::{sleep, timeout};

use super::pidfd::{self, ProcessHandle};
use super::spawner::Spawned;
use super::tracker::{ProcessTracker, locked};
use super::{Member, cgroup};
use crate::lifecycle::ExitReport;

/// How long a look at the members is trusted when none of them ends: a member may have started
/// another one and gone on living.
const RECHECK: Duration = Duration::from_secs(1);

/// When to look again at what can't be watched, or could not be looked at.
const RETRY: Duration = Duration::from_millis(10);

/// What an empty pipe takes in one go, whatever is left of the user's quota: a page.
const MAX_STDIN_WRITE: usize = 4096;

/// A direct child, the process group it leads, and whatever else its life consists of.
///
/// The child is left unreaped until [`Process::group_empty`] returns: a zombie leader keeps the
/// group's number from being given to strangers, so a signal can't reach the wrong ones. Dropping
/// a process that has not come to that end kills the whole life.
#[derive(Debug)]
pub struct Process {
    life: TreeLifetime,
    pidfd: AsyncFd<OwnedFd>,
    /// Tells when nobody is in the cgroup any more.
    events: Option<AsyncFd<File>>,
    /// Held open so that a child that reads its input waits instead of seeing its end.
    stdin: OwnedFd,
    output: Mutex<Option<(Receiver, Receiver)>>,
}

/// Who can be signalled until the leader is reaped.
#[derive(Debug)]
struct TreeLifetime {
    leader: Pid,
    containment: ProcessTracker,
    cgroup: Option<PathBuf>,
    /// Whoever of this life shows up from now on has to go.
    killing: AtomicBool,
    /// Whether the leader was reaped; locked while signalling, so that the two can't cross.
    reaped: Mutex<bool>,
}

impl Process {
    pub(super) fn from_spawned(spawned: Spawned, containment: &ProcessTracker) -> io::Result<Self> {
        let Spawned {
            pid,
            pidfd,
            stdin,
            stdout,
            stderr,
        } = spawned;
        // If anything fails from here on, dropping it ends what was started.
        let life = TreeLifetime::of(pid, containment);
        let events = life.cgroup.as_deref().map(pidfd::events_of);
        Ok(Self {
            pidfd: pidfd::watch(pidfd)?,
            events: events.transpose()?,
            stdin,
            output: Mutex::new(Some((
                Receiver::from_owned_fd(stdout)?,
                Receiver::from_owned_fd(stderr)?,
            ))),
            life,
        })
    }

    /// Ends what was started and nobody wants to hold.
    pub(super) fn kill_unmanaged(leader: Pid, containment: &ProcessTracker) {
        drop(TreeLifetime::of(leader, containment));
    }

    /// The leader's process id, which is the group's too.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.life.number()
    }

    /// The cgroup that holds this life alone, if it has one.
    #[must_use]
    pub fn cgroup(&self) -> Option<&Path> {
        self.life.cgroup.as_deref()
    }

    /// The reading ends of its standard output and error; given away once.
    pub fn take_output(&self) -> Option<(Receiver, Receiver)> {
        locked(&self.output).take()
    }

    /// Whether the direct child has ended. It may have left others.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        !matches!(
            waitid(WaitId::Pid(self.life.leader), options),
            Ok(None) | Err(Errno::INTR)
        )
    }

    /// Writes to its standard input, which must be empty: all at once, without waiting.
    ///
    /// # Errors
    /// It is more than a pipe is sure to take, or nobody can read it any more.
    pub fn write_stdin(&self, text: &[u8]) -> io::Result<()> {
        if text.len() > MAX_STDIN_WRITE {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{} bytes are too many", text.len()),
            ));
        }
        match rustix::io::write(&self.stdin, text)? {
            written if written == text.len() => Ok(()),
            _ => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    /// Takes out of its pipes what it has written up to now, at most a page of each.
    /// Empty once the pipes are given away.
    #[must_use]
    pub fn drain_output(&self) -> Vec<u8> {
        let mut said = Vec::new();
        let output = locked(&self.output);
        if let Some((stdout, stderr)) = output.as_ref() {
            for pipe in [stdout, stderr] {
                let mut part = vec![0; MAX_STDIN_WRITE];
                // The runtime's own record of readiness may lag behind what is there.
                let count = rustix::io::read(pipe, &mut part).unwrap_or_default();
                said.extend_from_slice(&part[..count]);
            }
        }
        said
    }

    /// Sends a signal to the whole life, each process once. Those that are stopped are continued,
    /// since they could not act on the signal otherwise. After the end of the whole life nothing is
    /// sent any more.
    pub fn signal(&self, signal: Signal) {
        self.life.signal(signal);
    }

    /// Who of this life is alive, as far as can be told now.
    #[must_use]
    pub fn survivors(&self) -> Vec<Member> {
        self.life.members().unwrap_or_default()
    }

    /// Waits until the direct child has ended and says how. It stays unreaped.
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
            match waitid(WaitId::Pid(self.life.leader), options) {
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

    /// Waits until nobody of the life is alive, wherever they went, then reaps the leader. To be
    /// called after [`Process::exited`]; after it, the group's number may belong to strangers.
    pub async fn group_empty(&self) {
        // A pass over the process table can miss who is started meanwhile; a cgroup can't.
        let enough = if self.events.is_some() { 1 } else { 2 };
        let mut empty = 0;
        while empty < enough {
            if self.cgroup_changes().await {
                continue;
            }
            match self.life.members() {
                Ok(members) => match members.first() {
                    None => empty += 1,
                    Some(member) => {
                        empty = 0;
                        if self.life.killing.load(Ordering::Relaxed) {
                            self.life.signal(Signal::KILL);
                        }
                        wait_for_end(member.pid).await;
                    }
                },
                // Who can't be seen may be there.
                Err(_) => sleep(RETRY).await,
            }
        }
        self.life.reap();
    }

    /// While somebody is in the cgroup, waits for that to change, and is true.
    async fn cgroup_changes(&self) -> bool {
        let Some(events) = self.events.as_ref() else {
            return false;
        };
        if !pidfd::populated(events.get_ref()) {
            return false;
        }
        match timeout(RECHECK, pidfd::changed(events)).await {
            Ok(Ok(mut changed)) => changed.clear_ready(),
            // It takes a descriptor, and there may have been none.
            Ok(Err(_)) | Err(_) if self.life.killing.load(Ordering::Relaxed) => {
                self.life.signal(Signal::KILL);
            }
            Ok(Err(_)) | Err(_) => {}
        }
        true
    }
}

impl TreeLifetime {
    fn of(leader: Pid, containment: &ProcessTracker) -> Self {
        let number = leader.as_raw_nonzero().get().unsigned_abs();
        Self {
            leader,
            cgroup: containment.cgroup_of(number),
            containment: containment.clone(),
            killing: AtomicBool::new(false),
            reaped: Mutex::new(false),
        }
    }

    fn number(&self) -> u32 {
        self.leader.as_raw_nonzero().get().unsigned_abs()
    }

    fn members(&self) -> io::Result<Vec<Member>> {
        self.containment.members(self.number())
    }

    fn signal(&self, signal: Signal) {
        let reaped = locked(&self.reaped);
        if *reaped {
            return;
        }
        // Seen before the first signal: afterwards the parents that link the tree may be gone.
        let mut outside = self.members().unwrap_or_default();
        outside.retain(|member| member.group != self.number());
        let send = |signal| {
            // The only error is that nobody is there any more, which the life's end reports.
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

    /// The end: the leader's number is given back.
    fn reap(&self) {
        let mut reaped = locked(&self.reaped);
        if *reaped {
            return;
        }
        let _ = waitid(WaitId::Pid(self.leader), WaitIdOptions::EXITED);
        *reaped = true;
        self.containment.unregister(self.number());
    }
}

impl Drop for TreeLifetime {
    fn drop(&mut self) {
        if !*locked(&self.reaped) {
            self.signal(Signal::KILL);
            reap_in_background(self.leader, self.containment.clone());
        }
    }
}

/// Waits until a process that isn't our child has ended, or for [`RECHECK`].
async fn wait_for_end(pid: u32) {
    match ProcessHandle::open(pid) {
        Some(member) => {
            let _ = timeout(RECHECK, member.exited()).await;
        }
        // Gone already, or out of descriptors: then only looking again tells.
        None => sleep(RETRY).await,
    }
}

/// Reaps a killed child without making anybody wait for it.
fn reap_in_background(leader: Pid, containment: ProcessTracker) {
    let reap = move |options| match waitid(WaitId::Pid(leader), options) {
        Ok(None) => false,
        Ok(Some(_)) | Err(_) => {
            containment.unregister(leader.as_raw_nonzero().get().unsigned_abs());
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
