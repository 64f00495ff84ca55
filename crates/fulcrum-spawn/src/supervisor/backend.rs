//! What the driver needs of the world.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::lifecycle::{Fact, StopSignal};
use crate::start_error::StartError;

/// Prepares and starts the lives of one domain.
pub trait Backend: Send + 'static {
    /// What a preparation finds out and a spawn needs.
    type LaunchPlan: Send + 'static;

    /// Resolves the command of a generation and installs what it needs. Dropping the future gives
    /// it up and must leave no process behind.
    fn prepare(
        &mut self,
        generation: u64,
    ) -> impl Future<Output = Result<Self::LaunchPlan, StartError>> + Send + 'static;

    /// Starts a generation. From then on `news` must be given [`Fact::Exited`] once when the
    /// leader has ended, and [`Fact::GroupEmpty`] once when nothing of its group is left.
    fn spawn(
        &mut self,
        plan: Self::LaunchPlan,
        news: FactSender,
    ) -> impl Future<Output = Result<Arc<dyn ProcessGroup>, StartError>> + Send;
}

/// A process group that can be signalled.
pub trait ProcessGroup: Send + Sync {
    /// The leader's process id.
    fn pid(&self) -> u32;
    /// Sends one of the stop sequence's signals to everybody in it; nothing once it is empty.
    fn signal(&self, signal: StopSignal);
}

/// Where facts about one generation are reported.
#[derive(Debug, Clone)]
pub struct FactSender {
    pub(super) generation: u64,
    mailbox: mpsc::UnboundedSender<(u64, Fact)>,
}

impl FactSender {
    pub(super) fn new(generation: u64, mailbox: mpsc::UnboundedSender<(u64, Fact)>) -> Self {
        Self {
            generation,
            mailbox,
        }
    }

    /// The generation that the facts are about.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Reports one; after the driver's end it goes nowhere.
    pub fn report(&self, fact: Fact) {
        let _ = self.mailbox.send((self.generation, fact));
    }
}
