//! Waiting until an instance is really gone.

use std::time::Duration;

use fulcrum_rpc::{ConnectError, ControlClient, RuntimeDir};
use fulcrum_spawn::process::ProcessHandle;

/// The pause between two looks at the lock.
const PAUSE: Duration = Duration::from_millis(20);

/// A running instance whose end is to be awaited.
#[derive(Debug)]
pub(super) struct InstanceExit {
    pid: u32,
    dir: RuntimeDir,
    /// None where the process can't be seen from here, as from within a container.
    process: Option<ProcessHandle>,
}

impl InstanceExit {
    /// Takes hold of the instance while it is known to live, so that its pid is its own.
    pub(super) fn watch(pid: u32, dir: RuntimeDir) -> Self {
        let process = ProcessHandle::open(pid);
        Self { pid, dir, process }
    }

    /// Ends when the process is gone and the app's lock is no longer its.
    pub(super) async fn wait(self) {
        if let Some(process) = &self.process {
            process.exited().await;
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
