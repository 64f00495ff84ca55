//! Requests for a shutdown, and how far it has come.

use tokio::sync::watch;

/// How far a shutdown has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ShutdownStage {
    /// No shutdown was requested.
    #[default]
    Running,
    /// Domains are being stopped.
    Stopping,
    /// Domains are being killed.
    Killing,
    /// All domains have exited, or cannot be killed.
    Done,
}

/// Requests a shutdown and follows its stage. Clones are handles to the same signal.
#[derive(Debug, Clone, Default)]
pub struct ShutdownSignal {
    stage: watch::Sender<ShutdownStage>,
}

impl ShutdownSignal {
    /// Requests a stage. A shutdown never goes back to an earlier stage.
    pub fn request(&self, requested: ShutdownStage) {
        self.stage.send_if_modified(|stage| {
            let is_further = requested > *stage;
            *stage = (*stage).max(requested);
            is_further
        });
    }

    /// The current stage.
    pub fn stage(&self) -> ShutdownStage {
        *self.stage.borrow()
    }

    /// Waits until at least this stage is reached.
    pub async fn wait_for(&self, stage: ShutdownStage) {
        // This handle holds a sender, so the wait cannot fail.
        let _ = self
            .stage
            .subscribe()
            .wait_for(|reached| *reached >= stage)
            .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_shutdown_never_goes_back_to_an_earlier_stage() {
        let shutdown = ShutdownSignal::default();
        shutdown.request(ShutdownStage::Killing);
        shutdown.request(ShutdownStage::Stopping);
        assert_eq!(shutdown.stage(), ShutdownStage::Killing);
        shutdown.wait_for(ShutdownStage::Stopping).await;
    }
}
