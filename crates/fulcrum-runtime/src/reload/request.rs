//! Requests for a reload, and their progress and result.

use fulcrum_config::ReloadPlan;
use tokio::sync::{mpsc, oneshot};

use crate::outcome::ProgressStep;

/// What requested a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReloadTrigger {
    /// A client, which receives the result.
    Request,
    /// A change of files. Diagnostics are logged, and the same ones only once.
    FileChange,
}

/// Progress of a reload: diagnostics, then the plan, then steps of domains.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ReloadProgress {
    /// Diagnostics of the configuration. With an error among them nothing follows.
    Diagnostics(Vec<String>),
    /// What the reload changes.
    Plan(ReloadPlan),
    /// A step of a domain.
    Step(ProgressStep),
}

/// Receives progress. A receiver that is slow or gone misses progress and delays nothing.
pub(crate) type ProgressSender = mpsc::Sender<ReloadProgress>;

/// The result of a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReloadResult {
    /// The changes are applied, or, for a dry run, can be.
    Done(String),
    /// The configuration is invalid; nothing has changed.
    Invalid(String),
    /// A domain did not become ready, or could not be stopped.
    DomainFailed(String),
    /// The instance is shutting down.
    Closing,
}

/// Requests reloads. Clones are handles to the same task.
#[derive(Debug, Clone)]
pub(crate) struct ReloadHandle(mpsc::UnboundedSender<ReloadRequest>);

/// One request.
#[derive(Debug)]
pub(crate) struct ReloadRequest {
    pub(crate) trigger: ReloadTrigger,
    /// Only compare; change nothing.
    pub(crate) dry_run: bool,
    pub(crate) progress: ProgressSender,
    pub(crate) response: oneshot::Sender<ReloadResult>,
}

/// The requests, for the reload task.
pub(crate) struct ReloadReceiver(mpsc::UnboundedReceiver<ReloadRequest>);

/// A handle, and the receiver of its requests.
pub(crate) fn channel() -> (ReloadHandle, ReloadReceiver) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (ReloadHandle(sender), ReloadReceiver(receiver))
}

impl ReloadReceiver {
    /// The next request.
    pub(crate) async fn recv(&mut self) -> Option<ReloadRequest> {
        self.0.recv().await
    }
}

impl ReloadHandle {
    /// Reloads the configuration as a whole. If it is invalid, nothing changes; otherwise the
    /// differences are applied, unless this is a dry run. Returns when the result is known. If the
    /// future is dropped earlier, the reload continues.
    pub(crate) async fn reload(
        &self,
        trigger: ReloadTrigger,
        dry_run: bool,
        progress: ProgressSender,
    ) -> ReloadResult {
        let (response, result) = oneshot::channel();
        let request = ReloadRequest {
            trigger,
            dry_run,
            progress,
            response,
        };
        if self.0.send(request).is_err() {
            return ReloadResult::Closing;
        }
        result.await.unwrap_or(ReloadResult::Closing)
    }
}
