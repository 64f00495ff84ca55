//! A process's end as something to await.
#![expect(unsafe_code, reason = "registering a descriptor with the runtime is unsafe by signature")]

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Makes a pidfd awaitable: it becomes readable when its process has ended.
pub(super) fn watch(pidfd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd owns its descriptor and names the same one for as long as it lives.
    Ok(unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }?)
}
