//! The lives that a reload begins.

use fulcrum_config::{Action, restart_reason};
use fulcrum_spawn::lifecycle::{Command, CommandRejected};
use fulcrum_spawn::supervisor::{DomainHandle, Ticket};
use tokio::task::JoinSet;

use crate::context::SharedContext;
use crate::control::change;
use crate::reload::request::{
    ProgressSender, ReloadProgress, ReloadResult, RestartResult, restart_for_change,
};

/// A start or restart that is under way.
pub(crate) type StartedDomain = (DomainHandle, Command, Ticket);

/// Sets off what a domain's new life takes.
pub(crate) async fn start(
    house: &SharedContext,
    name: &str,
    action: &Action,
) -> Result<Option<StartedDomain>, CommandRejected> {
    match action {
        Action::Unchanged | Action::UpdateInPlace(_) | Action::Stop => Ok(None),
        Action::Start => {
            let Some(handle) = house.supervisor.domain(name) else {
                return Ok(None);
            };
            let ticket = handle.request(Command::Start).await?;
            Ok(Some((handle, Command::Start, ticket)))
        }
        Action::Restart(differences) => {
            match restart_for_change(house, name, restart_reason(differences)).await? {
                RestartResult::Started(handle, ticket) => {
                    Ok(Some((handle, Command::Restart, ticket)))
                }
                // Stopped since the plan was made.
                RestartResult::Stopped => Ok(None),
            }
        }
    }
}

/// Waits for what was begun, and says what came of it all.
pub(crate) async fn wait_all(
    begun: Vec<StartedDomain>,
    mut done: Vec<String>,
    mut failed: Vec<String>,
    tell: &ProgressSender,
) -> ReloadResult {
    let mut starts = JoinSet::new();
    for (handle, command, ticket) in begun {
        let tell = tell.clone();
        starts.spawn(async move {
            let tell = |step| drop(tell.try_send(ReloadProgress::Progress(step)));
            change::wait_for_outcome(&handle, command, ticket, tell).await
        });
    }
    for end in starts.join_all().await {
        match end {
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
