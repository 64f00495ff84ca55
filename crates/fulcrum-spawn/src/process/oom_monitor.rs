//! The task that owns the counters of the kernel's out-of-memory kills.

use tokio::sync::{mpsc, oneshot};

use super::oom::{OomCounters, OomKill};

/// A handle to the task. Clones reach the same one.
#[derive(Debug, Clone)]
pub struct OomMonitor {
    requests: mpsc::UnboundedSender<OomRequest>,
}

#[derive(Debug)]
enum OomRequest {
    Track(u32),
    Untrack(u32),
    TakeKill(u32, oneshot::Sender<Option<OomKill>>),
}

impl OomMonitor {
    /// Starts the task.
    #[must_use]
    pub fn start() -> Self {
        let (requests, inbox) = mpsc::unbounded_channel();
        tokio::spawn(run(inbox));
        Self { requests }
    }

    /// Tracks a process that was just started.
    pub fn track(&self, pid: u32) {
        // Without the task nothing is explained, and nothing else is lost.
        let _ = self.requests.send(OomRequest::Track(pid));
    }

    /// Removes a process that has ended, and not by SIGKILL.
    pub fn untrack(&self, pid: u32) {
        let _ = self.requests.send(OomRequest::Untrack(pid));
    }

    /// Whether the kernel killed this process for lack of memory. To be called for a process that
    /// was ended by SIGKILL and is not reaped yet.
    pub async fn take_kill(&self, pid: u32) -> Option<OomKill> {
        let (response, kill) = oneshot::channel();
        self.requests
            .send(OomRequest::TakeKill(pid, response))
            .ok()?;
        kill.await.ok()?
    }
}

async fn run(mut inbox: mpsc::UnboundedReceiver<OomRequest>) {
    let mut counters = OomCounters::default();
    while let Some(request) = inbox.recv().await {
        match request {
            OomRequest::Track(pid) => counters.track(pid),
            OomRequest::Untrack(pid) => counters.untrack(pid),
            // The caller may be gone.
            OomRequest::TakeKill(pid, response) => drop(response.send(counters.take_kill(pid))),
        }
    }
}
