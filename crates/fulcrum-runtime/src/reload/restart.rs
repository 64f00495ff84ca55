//! Restarts of single domains whose code or settings have changed.

use fulcrum_spawn::lifecycle::{CommandRejected, Goal};
use fulcrum_spawn::supervisor::{DomainHandle, Supervisor, Ticket, Turn};

use crate::shutdown::stage::{ShutdownSignal, ShutdownStage};

/// Restarts domains because of a change.
#[derive(Clone)]
pub(crate) struct ChangeRestarter {
    pub(crate) supervisor: Supervisor,
    pub(crate) shutdown: ShutdownSignal,
}

/// The result of [`ChangeRestarter::restart`].
#[derive(Debug)]
pub(crate) enum RestartResult {
    /// A new generation is due; the ticket has its outcome.
    Started(DomainHandle, Ticket),
    /// The domain was stopped by a request, and stays stopped.
    Stopped,
}

impl ChangeRestarter {
    /// Restarts a domain at once, or in its turn, also during a backoff or after a failure. `reason`
    /// is that of its events, such as `reload: src/price.ts changed`. The request is made when this
    /// is called; the future completes when the restart has begun.
    ///
    /// # Errors
    /// There is no such domain, it is being removed, another request came first, or the instance is
    /// shutting down.
    pub(crate) fn restart(
        &self,
        name: &str,
        reason: String,
        turn: Option<Turn>,
    ) -> impl Future<Output = Result<RestartResult, CommandRejected>> + Send + use<> {
        let requested = self.request(name, reason, turn);
        async move {
            let (handle, ticket) = requested?;
            let ticket = ticket.await?;
            // The request was accepted, so its goal is that of now, unless the domain was stopped
            // since.
            Ok(match handle.snapshot().goal {
                Goal::Up => RestartResult::Started(handle, ticket),
                Goal::Down => RestartResult::Stopped,
            })
        }
    }

    fn request(
        &self,
        name: &str,
        reason: String,
        turn: Option<Turn>,
    ) -> Result<
        (
            DomainHandle,
            impl Future<Output = Result<Ticket, CommandRejected>> + Send + use<>,
        ),
        CommandRejected,
    > {
        if self.shutdown.stage() != ShutdownStage::Running {
            return Err(CommandRejected("the instance is shutting down".to_owned()));
        }
        let handle = self.supervisor.domain(name);
        let handle = handle.ok_or_else(|| CommandRejected(format!("{name} has no process")))?;
        let ticket = handle.reload_in_turn(reason, turn);
        Ok((handle, ticket))
    }
}
