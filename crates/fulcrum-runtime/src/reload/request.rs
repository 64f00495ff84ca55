//! Reloading: the configuration is read anew, and what differs is carried out.
//!
//! One task, the [`Reloader`], is the only one who changes what runs: it holds the supervisor's
//! keeper and writes the agenda, and takes one wish after another. It waits for ends that others
//! depend on (a removed domain's port may be a new one's), but not for starts: how those go is told
//! by a task of each reload, so that a later reload can overtake an earlier one.
//!
//! [`apply`] is for whoever wants the configuration reloaded, a client or a watcher of files;
//! [`restart_for`] for whoever knows that a domain's code has changed.

use fulcrum_rpc::control::{Progress, ReloadPlan};
use fulcrum_spawn::lifecycle::{CommandRejected, Goal};
use fulcrum_spawn::supervisor::{DomainHandle, Ticket};
use tokio::sync::{mpsc, oneshot};

use crate::context::SharedContext;
use crate::shutdown::stage::ShutdownStage;

/// Who wants a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReloadTrigger {
    /// Somebody who waits for the answer and shows it.
    Request,
    /// Files have changed, and nobody looks at the answer: what is wrong is told in the log, and
    /// once.
    FileChange,
}

/// One step of a reload, in this order: findings, a plan, then how it goes.
#[derive(Debug, Clone)]
pub(crate) enum ReloadProgress {
    /// Findings about the configuration; with an error among them nothing follows.
    Diagnostics(Vec<String>),
    /// What is going to happen.
    Plan(ReloadPlan),
    /// How it goes on.
    Progress(Progress),
}

/// Where steps are told. Whoever is slow, or gone, misses some and holds nobody up.
pub(crate) type ProgressSender = mpsc::Sender<ReloadProgress>;

/// What came of a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReloadResult {
    /// It is carried out, or, for a dry run, could be.
    Done(String),
    /// The configuration is invalid; nothing has changed.
    Invalid(String),
    /// A domain didn't become ready, or could not be ended.
    DomainFailed(String),
    /// The instance is ending.
    Closing,
}

/// Where reloads are asked for. Clones are handles to one.
#[derive(Debug, Clone)]
pub(crate) struct ReloadHandle(mpsc::UnboundedSender<ReloadRequest>);

#[derive(Debug)]
pub(crate) struct ReloadRequest {
    pub(crate) origin: ReloadTrigger,
    pub(crate) dry_run: bool,
    pub(crate) tell: ProgressSender,
    pub(crate) answer: oneshot::Sender<ReloadResult>,
}

/// What is wished for, for the reloader alone.
pub(crate) struct ReloadReceiver(pub(crate) mpsc::UnboundedReceiver<ReloadRequest>);

/// Both ends of where reloads are asked for.
pub(crate) fn channel() -> (ReloadHandle, ReloadReceiver) {
    let (sender, inbox) = mpsc::unbounded_channel();
    (ReloadHandle(sender), ReloadReceiver(inbox))
}

/// Has the configuration read anew as a whole. Invalid, it changes nothing; else what differs is
/// carried out, unless this is a dry run. Returns when the outcome is known; dropped earlier, the
/// reload goes on.
pub(crate) async fn reload(
    house: &SharedContext,
    origin: ReloadTrigger,
    dry_run: bool,
    tell: ProgressSender,
) -> ReloadResult {
    let (answer, end) = oneshot::channel();
    let wish = ReloadRequest {
        origin,
        dry_run,
        tell,
        answer,
    };
    if house.reloads.0.send(wish).is_err() {
        return ReloadResult::Closing;
    }
    end.await.unwrap_or(ReloadResult::Closing)
}

/// What came of [`restart_for`].
#[derive(Debug)]
pub(crate) enum RestartResult {
    /// A new life is on its way; the ticket tells its outcome.
    Started(DomainHandle, Ticket),
    /// Somebody has stopped it, and it stays so.
    Stopped,
}

/// Begins a new life of a domain because of what it is started from, such as its code: at once, out
/// of a backoff or a crash loop as well. `reason` is what its events say, `src/price.ts changed`.
///
/// # Errors
/// There is no such domain, it is on its way out of the configuration, or the instance is ending.
pub(crate) async fn restart_for_change(
    house: &SharedContext,
    name: &str,
    reason: impl Into<String>,
) -> Result<RestartResult, CommandRejected> {
    if house.closing.stage() != ShutdownStage::Running {
        return Err(CommandRejected("the instance is stopping".to_owned()));
    }
    let handle = house.supervisor.domain(name);
    let handle = handle.ok_or_else(|| CommandRejected(format!("{name} has no process")))?;
    let ticket = handle.reload(reason).await?;
    // The driver has taken it: what the goal is now was it then, unless somebody stopped it since.
    Ok(match handle.snapshot().goal {
        Goal::Up => RestartResult::Started(handle, ticket),
        Goal::Down => RestartResult::Stopped,
    })
}
