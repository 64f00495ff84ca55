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
use fulcrum_spawn::lifecycle::{Goal, Refused};
use fulcrum_spawn::supervisor::{Handle, Ticket};
use tokio::sync::{mpsc, oneshot};

use crate::context::Shared;
use crate::shutdown::stage::Stage;

/// Who wants a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Somebody who waits for the answer and shows it.
    Command,
    /// Files have changed, and nobody looks at the answer: what is wrong is told in the log, and
    /// once.
    Files,
}

/// One step of a reload, in this order: findings, a plan, then how it goes.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Findings about the configuration; with an error among them nothing follows.
    Findings(Vec<String>),
    /// What is going to happen.
    Plan(ReloadPlan),
    /// How it goes on.
    Progress(Progress),
}

/// Where steps are told. Whoever is slow, or gone, misses some and holds nobody up.
pub(crate) type Tell = mpsc::Sender<Step>;

/// What came of a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
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
pub(crate) struct Reloads(mpsc::UnboundedSender<Wish>);

#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) origin: Origin,
    pub(crate) dry_run: bool,
    pub(crate) tell: Tell,
    pub(crate) answer: oneshot::Sender<End>,
}

/// What is wished for, for the reloader alone.
pub(crate) struct Wishes(pub(crate) mpsc::UnboundedReceiver<Wish>);

/// Both ends of where reloads are asked for.
pub(crate) fn mailbox() -> (Reloads, Wishes) {
    let (sender, inbox) = mpsc::unbounded_channel();
    (Reloads(sender), Wishes(inbox))
}

/// Has the configuration read anew as a whole. Invalid, it changes nothing; else what differs is
/// carried out, unless this is a dry run. Returns when the outcome is known; dropped earlier, the
/// reload goes on.
pub(crate) async fn apply(house: &Shared, origin: Origin, dry_run: bool, tell: Tell) -> End {
    let (answer, end) = oneshot::channel();
    let wish = Wish {
        origin,
        dry_run,
        tell,
        answer,
    };
    if house.reloads.0.send(wish).is_err() {
        return End::Closing;
    }
    end.await.unwrap_or(End::Closing)
}

/// What came of [`restart_for`].
#[derive(Debug)]
pub(crate) enum Renewed {
    /// A new life is on its way; the ticket tells its outcome.
    Begun(Handle, Ticket),
    /// Somebody has stopped it, and it stays so.
    Rests,
}

/// Begins a new life of a domain because of what it is started from, such as its code: at once, out
/// of a backoff or a crash loop as well. `reason` is what its events say, `src/price.ts changed`.
///
/// # Errors
/// There is no such domain, it is on its way out of the configuration, or the instance is ending.
pub(crate) async fn restart_for(
    house: &Shared,
    name: &str,
    reason: impl Into<String>,
) -> Result<Renewed, Refused> {
    if house.closing.stage() != Stage::Open {
        return Err(Refused("the instance is stopping".to_owned()));
    }
    let handle = house.supervisor.domain(name);
    let handle = handle.ok_or_else(|| Refused(format!("{name} has no process")))?;
    let ticket = handle.renew(reason).await?;
    // The driver has taken it: what the goal is now was it then, unless somebody stopped it since.
    Ok(match handle.snapshot().goal {
        Goal::Up => Renewed::Begun(handle, ticket),
        Goal::Down => Renewed::Rests,
    })
}
