//! How an instance is asked to end, and how far it has come.

use tokio::sync::watch;

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stage {
    /// Nobody has asked.
    #[default]
    Open,
    /// Domains are being stopped.
    Stopping,
    /// Domains are being killed.
    Killing,
    /// No domain is left that could be ended.
    Ended,
}

/// The one place where the end is asked for. Clones are handles to one.
#[derive(Debug, Clone, Default)]
pub struct Closing {
    stage: watch::Sender<Stage>,
}

impl Closing {
    /// Asks for a stage; what has gone further already stays there.
    pub fn ask(&self, wanted: Stage) {
        self.stage.send_if_modified(|stage| {
            let further = wanted > *stage;
            *stage = (*stage).max(wanted);
            further
        });
    }

    /// The stage reached.
    pub fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    /// Returns once at least this stage is reached.
    pub async fn reached(&self, wanted: Stage) {
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
        let closing = Closing::default();
        closing.ask(Stage::Killing);
        closing.ask(Stage::Stopping);
        assert_eq!(closing.stage(), Stage::Killing);
        closing.reached(Stage::Stopping).await;
    }
}
