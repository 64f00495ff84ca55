//! Waiting until an instance is really gone.

use std::time::Duration;

use fulcrum_rpc::{ConnectError, ControlClient, RuntimeDir};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The pause between two looks at the lock.
const PAUSE: Duration = Duration::from_millis(20);

/// A running instance whose end is to be awaited.
#[derive(Debug)]
pub(super) struct Farewell {
    pid: u32,
    dir: RuntimeDir,
    /// None where the process can't be seen from here, as from within a container.
    process: Option<AsyncFd<OwnedFd>>,
}

impl Farewell {
    /// Takes hold of the instance while it is known to live, so that its pid is its own.
    pub(super) fn to(pid: u32, dir: RuntimeDir) -> Self {
        let process = i32::try_from(pid)
            .ok()
            .and_then(Pid::from_raw)
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
            .and_then(|fd| AsyncFd::register_with_interest(fd, Interest::READABLE).ok());
        Self { pid, dir, process }
    }

    /// Ends when the process is gone and the app's lock is no longer its.
    pub(super) async fn gone(&self) {
        if let Some(process) = &self.process
            && process.readable().await.is_ok()
        {
            return;
        }
        loop {
            match ControlClient::connect(&self.dir).await {
                Err(ConnectError::NotRunning) => return,
                // The next one has the lock already.
                Ok(client) if client.instance().pid != self.pid => return,
                Ok(_) | Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}
