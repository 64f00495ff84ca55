//! The interface between the driver and processes.

use std::future::Future;
use std::sync::Arc;

use rustix::process::Signal;
use tokio::sync::mpsc;

use super::messages::FactMessage;
use crate::lifecycle::{Fact, StopSignal};
use crate::start_error::StartError;

/// Prepares and starts the processes of one domain.
pub trait Backend: Send + 'static {
    /// The result of a preparation, which a spawn needs.
    type LaunchPlan: Send + 'static;

    /// Resolves the command of a generation and installs what it needs. Dropping the future cancels
    /// that and must leave no process behind.
    fn prepare(
        &mut self,
        generation: u64,
    ) -> impl Future<Output = Result<Self::LaunchPlan, StartError>> + Send + 'static;

    /// Starts a generation. From then on [`Fact::Exited`] must be reported to `facts` once when the
    /// leader has exited, and [`Fact::GroupEmpty`] once when no process of its group is left.
    fn spawn(
        &mut self,
        plan: Self::LaunchPlan,
        facts: FactSender,
    ) -> impl Future<Output = Result<Arc<dyn ProcessGroup>, StartError>> + Send;
}

/// A process group that can be signaled.
pub trait ProcessGroup: Send + Sync {
    /// The process id of the leader.
    fn pid(&self) -> u32;
    /// Sends a signal of the stop sequence to every process of the group; nothing once it is empty.
    fn signal(&self, signal: StopSignal);
    /// Sends any signal, which is not part of a stop: to the program, or to every process of the
    /// group.
    fn send(&self, signal: Signal, to_all: bool);
}

/// Reports facts about one generation.
#[derive(Debug, Clone)]
pub struct FactSender {
    pub(super) generation: u64,
    sender: mpsc::UnboundedSender<FactMessage>,
}

impl FactSender {
    pub(super) fn new(generation: u64, sender: mpsc::UnboundedSender<FactMessage>) -> Self {
        Self { generation, sender }
    }

    /// The generation that the facts are about.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Reports a fact. After the end of the driver it is dropped.
    pub fn report(&self, fact: Fact) {
        let _ = self.sender.send(Box::new((self.generation, fact)));
    }
}
