//! Keeps account of the kernel's out-of-memory kills.

use fulcrum_spawn::process::{OomKill, OomLedger};
use tokio::sync::{mpsc, oneshot};

/// Asks the task that keeps the account. Clones ask the same one.
#[derive(Debug, Clone)]
pub(crate) struct OomWatch {
    asks: mpsc::UnboundedSender<Ask>,
}

#[derive(Debug)]
enum Ask {
    Announce(u32),
    Forget(u32),
    Claim(u32, oneshot::Sender<Option<OomKill>>),
}

impl OomWatch {
    /// Starts the task.
    pub(crate) fn start() -> Self {
        let (asks, inbox) = mpsc::unbounded_channel();
        tokio::spawn(keep(inbox));
        Self { asks }
    }

    /// This process has just been started.
    pub(crate) fn announce(&self, pid: u32) {
        // Without the task nothing is explained, and nothing else is lost.
        let _ = self.asks.send(Ask::Announce(pid));
    }

    /// This process has ended, and not by SIGKILL.
    pub(crate) fn forget(&self, pid: u32) {
        let _ = self.asks.send(Ask::Forget(pid));
    }

    /// Whether the kernel ended this process for want of memory. SIGKILL has ended it, and it
    /// isn't reaped yet.
    pub(crate) async fn claim(&self, pid: u32) -> Option<OomKill> {
        let (answer, told) = oneshot::channel();
        self.asks.send(Ask::Claim(pid, answer)).ok()?;
        told.await.ok()?
    }
}

async fn keep(mut inbox: mpsc::UnboundedReceiver<Ask>) {
    let mut ledger = OomLedger::default();
    while let Some(ask) = inbox.recv().await {
        match ask {
            Ask::Announce(pid) => ledger.announce(pid),
            Ask::Forget(pid) => ledger.forget(pid),
            // Who asked may have gone.
            Ask::Claim(pid, answer) => drop(answer.send(ledger.claim(pid))),
        }
    }
}
