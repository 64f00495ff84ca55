//! A process's end as something to await.
#![expect(
    unsafe_code,
    reason = "registering a descriptor with the runtime is unsafe by signature"
)]

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A process that needn't be our child, held by a pidfd: its end can be awaited, and a later
/// process of the same number can't be mistaken for it.
#[derive(Debug)]
pub struct Bystander(AsyncFd<OwnedFd>);

impl Bystander {
    /// Takes hold of a process; none where there is no such process, it can't be seen from here, or
    /// descriptors have run out. Must be called in a tokio runtime.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
        watch(pidfd_open(pid, PidfdFlags::NONBLOCK).ok()?)
            .ok()
            .map(Self)
    }

    /// Returns when it has ended. Safe to cancel.
    pub async fn ended(&self) {
        // A pidfd has no errors of its own; if the runtime is going down, so are we.
        let _ = self.0.readable().await;
    }
}

/// Makes a pidfd awaitable: it becomes readable when its process has ended.
pub(super) fn watch(pidfd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd owns its descriptor and names the same one for as long as it lives.
    Ok(unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }?)
}
