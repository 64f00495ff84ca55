//! The starts and restarts of a reload.

use fulcrum_config::{Action, restart_reason};
use fulcrum_spawn::lifecycle::{Command, CommandRejected};
use fulcrum_spawn::supervisor::{DomainHandle, Ticket};
use tokio::task::JoinSet;

use crate::outcome::wait_for_outcome;
use crate::reload::request::{ProgressSender, ReloadProgress, ReloadResult};
use crate::reload::restart::{ChangeRestarter, RestartResult};

/// A start or restart in progress.
pub(crate) type StartedDomain = (DomainHandle, Command, Ticket);

/// Starts or restarts a domain, if its action is that.
///
/// # Errors
/// The domain cannot be started now.
pub(crate) async fn start(
    restarter: &ChangeRestarter,
    name: &str,
    action: &Action,
) -> Result<Option<StartedDomain>, CommandRejected> {
    match action {
        Action::Unchanged | Action::UpdateInPlace(_) | Action::Stop => Ok(None),
        Action::Start => {
            let Some(handle) = restarter.supervisor.domain(name) else {
                return Ok(None);
            };
            let ticket = handle.request(Command::Start).await?;
            Ok(Some((handle, Command::Start, ticket)))
        }
        Action::Restart(differences) => {
            match restarter.restart(name, restart_reason(differences)).await? {
                RestartResult::Started(handle, ticket) => {
                    Ok(Some((handle, Command::Restart, ticket)))
                }
                // Stopped since the plan was made.
                RestartResult::Stopped => Ok(None),
            }
        }
    }
}

/// Waits for the starts, and returns the result of the reload. `done` and `failed` describe what
/// is finished already.
pub(crate) async fn wait_all(
    started: Vec<StartedDomain>,
    mut done: Vec<String>,
    mut failed: Vec<String>,
    progress: &ProgressSender,
) -> ReloadResult {
    let mut waits = JoinSet::new();
    for (handle, command, ticket) in started {
        let progress = progress.clone();
        waits.spawn(async move {
            let on_step = |step| drop(progress.try_send(ReloadProgress::Step(step)));
            wait_for_outcome(&handle, command, ticket, on_step).await
        });
    }
    for outcome in waits.join_all().await {
        match outcome {
            Ok(text) => done.push(text),
            Err(text) => failed.push(text),
        }
    }
    done.sort();
    failed.sort();
    if failed.is_empty() {
        ReloadResult::Done(done.join("; "))
    } else {
        ReloadResult::DomainFailed(failed.join("; "))
    }
}
