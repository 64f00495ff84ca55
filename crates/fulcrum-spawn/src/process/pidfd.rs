//! A process's end, and a cgroup's, as something to await; and a signal that can't go astray.
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

/// A process that needn't be our child, held by a pidfd: its end can be awaited, and a later
/// process of the same number can't be mistaken for it.
#[derive(Debug)]
pub struct ProcessHandle(AsyncFd<OwnedFd>);

impl ProcessHandle {
    /// Takes hold of a process; none where there is no such process, it can't be seen from here, or
    /// descriptors have run out. Must be called in a tokio runtime.
    #[must_use]
    pub fn open(pid: u32) -> Option<Self> {
        let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
        watch(pidfd_open(pid, PidfdFlags::NONBLOCK).ok()?)
            .ok()
            .map(Self)
    }

    /// Returns when it has ended. Safe to cancel.
    pub async fn exited(&self) {
        // A pidfd has no errors of its own; if the runtime is going down, so are we.
        let _ = self.0.readable().await;
    }
}

/// Makes a pidfd awaitable: it becomes readable when its process has ended.
pub(super) fn watch(pidfd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd owns its descriptor and names the same one for as long as it lives.
    Ok(unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }?)
}

/// A cgroup's `cgroup.events`, to be awaited by [`changed`].
pub(super) fn events_of(cgroup: &Path) -> io::Result<AsyncFd<File>> {
    let events = File::open(cgroup.join("cgroup.events"))?;
    // SAFETY: as in `watch`; a File owns its descriptor, too.
    Ok(unsafe { AsyncFd::register_with_interest(events, Interest::PRIORITY) }?)
}

/// Returns when the file has changed since it was last read: kernfs reports that as priority data.
pub(super) async fn changed(events: &AsyncFd<File>) -> io::Result<AsyncFdReadyGuard<'_, File>> {
    events.ready(Interest::PRIORITY).await
}

/// Whether anybody but zombies is in the cgroup, read anew from the open file, which needs no
/// descriptor. False when the cgroup is gone.
pub(super) fn populated(events: &File) -> bool {
    let mut text = [0; 128];
    let count = events.read_at(&mut text, 0).unwrap_or_default();
    text[..count]
        .split(|byte| *byte == b'\n')
        .any(|line| line == b"populated 1")
}

/// Signals one process, or nobody if it is gone: never a later one of the same number.
pub(super) fn signal(to: &Stat, signal: Signal) {
    let Some(pid) = i32::try_from(to.pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else {
        return;
    };
    // It had the number before we took hold of it, and has it still: so it is whom we hold.
    if Stat::read(to.pid).is_some_and(|now| now.is_same_process(to)) {
        // Gone since is gone.
        let _ = pidfd_send_signal(&pidfd, signal);
    }
}
