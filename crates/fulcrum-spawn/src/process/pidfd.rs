//! Exits of processes and changes of cgroups as futures, and signals by pidfd.
#![expect(
    unsafe_code,
    reason = "registering a descriptor with the runtime is unsafe by signature"
)]

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};

use super::stat::Stat;

/// Any process, held by a pidfd: its exit can be awaited, and a later process with the same pid is
/// never mistaken for it.
#[derive(Debug)]
pub struct ProcessHandle(AsyncFd<OwnedFd>);

impl ProcessHandle {
    /// Opens a process. `None` if it does not exist, is not visible, or file descriptors have run
    /// out. Must be called on a tokio runtime.
    #[must_use]
    pub fn open(pid: u32) -> Option<Self> {
        let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
        watch(pidfd_open(pid, PidfdFlags::NONBLOCK).ok()?)
            .ok()
            .map(Self)
    }

    /// Sends SIGKILL. A process that has exited meanwhile is no error.
    pub fn kill(&self) {
        let _ = pidfd_send_signal(self.0.get_ref(), Signal::KILL);
    }

    /// Sends a signal. A process that has exited meanwhile is no error.
    pub fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(self.0.get_ref(), signal);
    }

    /// Completes when the process has exited. Cancel safe.
    pub async fn exited(&self) {
        // A pidfd has no errors of its own. If the runtime shuts down, so does this program.
        let _ = self.0.readable().await;
    }
}

/// Makes a pidfd awaitable: it becomes readable when its process has exited.
pub(super) fn watch(pidfd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd owns its descriptor and refers to the same one until it is dropped.
    Ok(unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }?)
}

/// A cgroup's `cgroup.events`, to be awaited by [`changed`].
pub(super) fn events_of(cgroup: &Path) -> io::Result<AsyncFd<File>> {
    let events = File::open(cgroup.join("cgroup.events"))?;
    // SAFETY: as in `watch`; a File owns its descriptor, too.
    Ok(unsafe { AsyncFd::register_with_interest(events, Interest::PRIORITY) }?)
}

/// Completes when the file has changed since it was last read: kernfs reports that as priority
/// data.
pub(super) async fn changed(events: &AsyncFd<File>) -> io::Result<AsyncFdReadyGuard<'_, File>> {
    events.ready(Interest::PRIORITY).await
}

/// Whether the cgroup has processes that are not zombies, read again from the open file, which
/// needs no descriptor. False if the cgroup was removed.
pub(super) fn populated(events: &File) -> bool {
    let mut text = [0; 128];
    let count = events.read_at(&mut text, 0).unwrap_or_default();
    text[..count]
        .split(|byte| *byte == b'\n')
        .any(|line| line == b"populated 1")
}

/// Signals one process, and never a later one with the same pid.
pub(super) fn signal(to: &Stat, signal: Signal) {
    let Some(pid) = i32::try_from(to.pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else {
        return;
    };
    // The process had the pid before the pidfd was opened, and has it still: so the pidfd is its.
    if Stat::read(to.pid).is_some_and(|now| now.is_same_process(to)) {
        // It may have exited since.
        let _ = pidfd_send_signal(&pidfd, signal);
    }
}
