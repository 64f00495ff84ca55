//! Waits for an instance to exit.

use std::time::Duration;

use fulcrum_rpc::{ConnectError, ControlClient, RuntimeDir};
use fulcrum_spawn::process::ProcessHandle;

/// The pause between two checks of the lock.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A running instance whose exit is awaited.
#[derive(Debug)]
pub(super) struct InstanceExit {
    pid: u32,
    dir: RuntimeDir,
    /// None if the process is not visible, for example from within a container.
    process: Option<ProcessHandle>,
}

impl InstanceExit {
    /// Opens a handle while the instance is known to run, so that the pid cannot be reused yet.
    pub(super) fn watch(pid: u32, dir: RuntimeDir) -> Self {
        let process = ProcessHandle::open(pid);
        Self { pid, dir, process }
    }

    /// Returns when the process has exited and no longer holds the app's lock.
    pub(super) async fn wait(self) {
        if let Some(process) = &self.process {
            process.exited().await;
            return;
        }
        loop {
            match ControlClient::connect(&self.dir).await {
                Err(ConnectError::NotRunning) => return,
                // Another instance already has the lock.
                Ok(client) if client.instance().pid != self.pid => return,
                Ok(_) | Err(_) => tokio::time::sleep(POLL_INTERVAL).await,
            }
        }
    }
}
