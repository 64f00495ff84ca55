//! A process that was started, and the group it leads.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe::Receiver;

use super::group::members;
use super::pidfd::{self, Bystander};
use super::spawner::Spawned;
use crate::lifecycle::ExitReport;

/// How long a look at the group's members is trusted when none of them ends: a member may have
/// started another one and gone on living.
const RECHECK: Duration = Duration::from_secs(1);

/// When to look again at a member that can't be watched.
const RETRY: Duration = Duration::from_millis(10);

/// A direct child and the process group it leads.
///
/// The child is left unreaped until [`Process::group_empty`] returns: a zombie leader keeps the
/// group's number from being given to strangers, so a signal can't reach the wrong ones. Dropping
/// a process that has not come to that end kills its group.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    pidfd: AsyncFd<OwnedFd>,
    /// Held open so that a child that reads its input waits instead of seeing its end.
    _stdin: OwnedFd,
    output: Mutex<Option<(Receiver, Receiver)>>,
    /// Whether the leader was reaped; locked while signalling, so that the two can't cross.
    reaped: Mutex<bool>,
}

impl Process {
    pub(super) fn adopt(spawned: Spawned) -> io::Result<Self> {
        let Spawned {
            pid,
            pidfd,
            stdin,
            stdout,
            stderr,
        } = spawned;
        let adopted = pidfd::watch(pidfd).and_then(|pidfd| {
            let stdout = Receiver::from_owned_fd(stdout)?;
            let stderr = Receiver::from_owned_fd(stderr)?;
            Ok((pidfd, stdout, stderr))
        });
        match adopted {
            Ok((pidfd, stdout, stderr)) => Ok(Self {
                pid,
                pidfd,
                _stdin: stdin,
                output: Mutex::new(Some((stdout, stderr))),
                reaped: Mutex::new(false),
            }),
            Err(error) => {
                let _ = kill_process_group(pid, Signal::KILL);
                reap_in_background(pid);
                Err(error)
            }
        }
    }

    /// The leader's process id, which is the group's too.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// The reading ends of its standard output and error; given away once.
    pub fn take_output(&self) -> Option<(Receiver, Receiver)> {
        locked(&self.output).take()
    }

    /// Sends a signal to the whole group. A stopped group is continued, since it could not act on
    /// the signal otherwise. After the group was found empty, nothing is sent any more.
    pub fn signal(&self, signal: Signal) {
        let reaped = locked(&self.reaped);
        if *reaped {
            return;
        }
        // The only error left is that nobody is there any more, which the group's end reports.
        let _ = kill_process_group(self.pid, signal);
        if signal != Signal::KILL && signal != Signal::STOP {
            let _ = kill_process_group(self.pid, Signal::CONT);
        }
    }

    /// Waits until the direct child has ended and says how. It stays unreaped.
    pub async fn exited(&self) -> ExitReport {
        loop {
            let Ok(mut guard) = self.pidfd.readable().await else {
                return ExitReport {
                    code: None,
                    signal: None,
                };
            };
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
            match waitid(WaitId::Pid(self.pid), options) {
                Ok(Some(status)) => {
                    return ExitReport {
                        code: status.exit_status().map(|code| code & 0xff),
                        signal: status.terminating_signal(),
                    };
                }
                Ok(None) => guard.clear_ready(),
                Err(_) => {
                    return ExitReport {
                        code: None,
                        signal: None,
                    };
                }
            }
        }
    }

    /// Waits until nobody of the group is alive, then reaps the leader. To be called after
    /// [`Process::exited`]; after it, the group's number may belong to strangers.
    pub async fn group_empty(&self) {
        while let Some(member) = members(self.pid()).first() {
            wait_for_end(member.pid).await;
        }
        let mut reaped = locked(&self.reaped);
        let _ = waitid(WaitId::Pid(self.pid), WaitIdOptions::EXITED);
        *reaped = true;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !*locked(&self.reaped) {
            let _ = kill_process_group(self.pid, Signal::KILL);
            reap_in_background(self.pid);
        }
    }
}

/// A lock whose holder can't have left the value half-changed, so a panic elsewhere is no reason
/// to give up.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until a process that isn't our child has ended, or for [`RECHECK`].
async fn wait_for_end(pid: u32) {
    match Bystander::of(pid) {
        Some(member) => {
            let _ = tokio::time::timeout(RECHECK, member.ended()).await;
        }
        // Gone already, or out of descriptors: then only looking again tells.
        None => tokio::time::sleep(RETRY).await,
    }
}

/// Reaps a killed child without making anybody wait for it.
fn reap_in_background(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    if let Ok(Some(_)) | Err(_) = waitid(WaitId::Pid(pid), options) {
        return;
    }
    let _ = std::thread::Builder::new()
        .name("reaper".to_owned())
        .spawn(move || {
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
        });
}

/// The number of a signal by its name, such as `SIGTERM`.
#[must_use]
pub fn signal_number(name: &str) -> Option<Signal> {
    NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, signal)| *signal)
}

/// The name of a signal by its number, such as `SIGKILL` for 9.
#[must_use]
pub fn signal_name(number: i32) -> Option<&'static str> {
    NAMES
        .iter()
        .find(|(_, signal)| signal.as_raw() == number)
        .map(|(name, _)| *name)
}

const NAMES: [(&str, Signal); 16] = [
    ("SIGHUP", Signal::HUP),
    ("SIGINT", Signal::INT),
    ("SIGQUIT", Signal::QUIT),
    ("SIGILL", Signal::ILL),
    ("SIGTRAP", Signal::TRAP),
    ("SIGABRT", Signal::ABORT),
    ("SIGBUS", Signal::BUS),
    ("SIGFPE", Signal::FPE),
    ("SIGKILL", Signal::KILL),
    ("SIGUSR1", Signal::USR1),
    ("SIGSEGV", Signal::SEGV),
    ("SIGUSR2", Signal::USR2),
    ("SIGPIPE", Signal::PIPE),
    ("SIGALRM", Signal::ALARM),
    ("SIGTERM", Signal::TERM),
    ("SIGXCPU", Signal::XCPU),
];
