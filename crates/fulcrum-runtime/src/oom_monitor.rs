//! Keeps account of the kernel's out-of-memory kills.

use fulcrum_spawn::process::{OomCounters, OomKill};
use tokio::sync::{mpsc, oneshot};

/// Asks the task that keeps the account. Clones ask the same one.
#[derive(Debug, Clone)]
pub(crate) struct OomMonitor {
    asks: mpsc::UnboundedSender<OomRequest>,
}

#[derive(Debug)]
enum OomRequest {
    Announce(u32),
    Forget(u32),
    Claim(u32, oneshot::Sender<Option<OomKill>>),
}

impl OomMonitor {
    /// Starts the task.
    pub(crate) fn start() -> Self {
        let (asks, inbox) = mpsc::unbounded_channel();
        tokio::spawn(run(inbox));
        Self { asks }
    }

    /// This process has just been started.
    pub(crate) fn announce(&self, pid: u32) {
        // Without the task nothing is explained, and nothing else is lost.
        let _ = self.asks.send(OomRequest::Announce(pid));
    }

    /// This process has ended, and not by SIGKILL.
    pub(crate) fn forget(&self, pid: u32) {
        let _ = self.asks.send(OomRequest::Forget(pid));
    }

    /// Whether the kernel ended this process for want of memory. SIGKILL has ended it, and it
    /// isn't reaped yet.
    pub(crate) async fn claim(&self, pid: u32) -> Option<OomKill> {
        let (answer, told) = oneshot::channel();
        self.asks.send(OomRequest::Claim(pid, answer)).ok()?;
        told.await.ok()?
    }
}

async fn run(mut inbox: mpsc::UnboundedReceiver<OomRequest>) {
    let mut ledger = OomCounters::default();
    while let Some(ask) = inbox.recv().await {
        match ask {
            OomRequest::Announce(pid) => ledger.track(pid),
            OomRequest::Forget(pid) => ledger.untrack(pid),
            // Who asked may have gone.
            OomRequest::Claim(pid, answer) => drop(answer.send(ledger.take_kill(pid))),
        }
    }
}
