//! The lives that a reload begins.

use fulcrum_config::Action;
use fulcrum_spawn::lifecycle::{Command, Refused};
use fulcrum_spawn::supervisor::{Handle, Ticket};
use tokio::task::JoinSet;

use crate::context::Shared;
use crate::control::change;
use crate::reload::plan_text;
use crate::reload::request::{End, Renewed, Step, Tell, restart_for};

/// A start or restart that is under way.
pub(crate) type Begun = (Handle, Command, Ticket);

/// Sets off what a domain's new life takes.
pub(crate) async fn begin(
    house: &Shared,
    name: &str,
    action: &Action,
) -> Result<Option<Begun>, Refused> {
    match action {
        Action::Unchanged | Action::Adopt(_) | Action::Stop => Ok(None),
        Action::Start => {
            let Some(handle) = house.supervisor.domain(name) else {
                return Ok(None);
            };
            let ticket = handle.request(Command::Start).await?;
            Ok(Some((handle, Command::Start, ticket)))
        }
        Action::Restart(differences) => {
            match restart_for(house, name, plan_text::reason(differences)).await? {
                Renewed::Begun(handle, ticket) => Ok(Some((handle, Command::Restart, ticket))),
                // Stopped since the plan was made.
                Renewed::Rests => Ok(None),
            }
        }
    }
}

/// Waits for what was begun, and says what came of it all.
pub(crate) async fn ends(
    begun: Vec<Begun>,
    mut done: Vec<String>,
    mut failed: Vec<String>,
    tell: &Tell,
) -> End {
    let mut starts = JoinSet::new();
    for (handle, command, ticket) in begun {
        let tell = tell.clone();
        starts.spawn(async move {
            let tell = |step| drop(tell.try_send(Step::Progress(step)));
            change::attend(&handle, command, ticket, tell).await
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
        End::Done(done.join("; "))
    } else {
        End::DomainFailed(failed.join("; "))
    }
}
