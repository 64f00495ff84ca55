//! How an instance is asked to end, and how far it has come.

use tokio::sync::watch;

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ShutdownStage {
    /// Nobody has asked.
    #[default]
    Running,
    /// Domains are being stopped.
    Stopping,
    /// Domains are being killed.
    Killing,
    /// No domain is left that could be ended.
    Done,
}

/// The one place where the end is asked for. Clones are handles to one.
#[derive(Debug, Clone, Default)]
pub struct ShutdownSignal {
    stage: watch::Sender<ShutdownStage>,
}

impl ShutdownSignal {
    /// Asks for a stage; what has gone further already stays there.
    pub fn request(&self, wanted: ShutdownStage) {
        self.stage.send_if_modified(|stage| {
            let further = wanted > *stage;
            *stage = (*stage).max(wanted);
            further
        });
    }

    /// The stage reached.
    pub fn stage(&self) -> ShutdownStage {
        *self.stage.borrow()
    }

    /// Returns once at least this stage is reached.
    pub async fn wait_for(&self, wanted: ShutdownStage) {
        // The sender lives as long as this handle, so the wait can only end well.
        let _ = self
            .stage
            .subscribe()
            .wait_for(|stage| *stage >= wanted)
            .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_never_goes_back() {
        let closing = ShutdownSignal::default();
        closing.request(ShutdownStage::Killing);
        closing.request(ShutdownStage::Stopping);
        assert_eq!(closing.stage(), ShutdownStage::Killing);
        closing.wait_for(ShutdownStage::Stopping).await;
    }
}
