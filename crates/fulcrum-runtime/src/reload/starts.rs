//! The starts and restarts of a reload.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;

use fulcrum_config::{Action, App, ReloadPlan, restart_reason};
use fulcrum_spawn::lifecycle::{Command, CommandRejected};
use fulcrum_spawn::supervisor::{DomainHandle, Ticket, Turn};
use tokio::task::JoinSet;

use crate::outcome::{join_failures, wait_for_outcome};
use crate::reload::request::{ProgressSender, ReloadProgress, ReloadResult};
use crate::reload::restart::{ChangeRestarter, RestartResult};

/// A start or restart that was requested: completes when it has begun. `None` if there is nothing to
/// wait for.
pub(crate) type RequestedStart =
    Pin<Box<dyn Future<Output = Result<Option<StartedDomain>, CommandRejected>> + Send>>;

/// A start or restart in progress.
pub(crate) type StartedDomain = (DomainHandle, Command, Ticket);

/// The starts and restarts of a plan, each requested once.
pub(crate) struct PlannedStarts<'a> {
    restarter: ChangeRestarter,
    changes: BTreeMap<&'a str, &'a Action>,
    /// The places of the restarts: dependents stop first.
    turns: BTreeMap<String, Turn>,
    requested: Vec<(String, RequestedStart)>,
}

impl<'a> PlannedStarts<'a> {
    pub(crate) fn new(restarter: ChangeRestarter, plan: &'a ReloadPlan) -> Self {
        let changes = plan.domains.iter();
        let changes: BTreeMap<&str, &Action> = changes
            .map(|change| (change.domain.as_str(), &change.action))
            .collect();
        let restarts = changes
            .iter()
            .filter(|(_, action)| matches!(action, Action::Restart(_)));
        let restarts: Vec<String> = restarts.map(|(name, _)| (*name).to_owned()).collect();
        Self {
            turns: restarter.supervisor.turns(&restarts),
            restarter,
            changes,
            requested: Vec::new(),
        }
    }

    /// Requests the restarts of domains that depend on removed ones in `app`, and waits until they
    /// are stopped.
    pub(crate) async fn request_dependents(&mut self, app: &App, removed: &[String]) {
        let mut before: BTreeSet<String> = removed.iter().cloned().collect();
        let mut stopping = Vec::new();
        loop {
            let depends = |name: &str| {
                let mut dependencies = app.dependencies(name).into_iter();
                dependencies.any(|(dependency, _)| before.contains(dependency))
            };
            let next = self.turns.keys().find(|name| depends(name)).cloned();
            let Some(name) = next else { break };
            if let Some(handle) = self.restarter.supervisor.domain(&name) {
                let generation = handle.snapshot().generation;
                stopping.push(async move { handle.wait_until_gone(generation).await });
            }
            self.request(&name);
            before.insert(name);
        }
        for stopped in stopping {
            stopped.await;
        }
    }

    /// Requests all others.
    pub(crate) fn request_all(mut self) -> Vec<(String, RequestedStart)> {
        while let Some((name, _)) = self.changes.first_key_value() {
            let name = (*name).to_owned();
            self.request(&name);
        }
        self.requested
    }

    fn request(&mut self, name: &str) {
        let turn = self.turns.remove(name);
        let action = self.changes.remove(name);
        let start = action.and_then(|action| request(&self.restarter, name, action, turn));
        self.requested
            .extend(start.map(|start| (name.to_owned(), start)));
    }
}

/// Requests the start or restart of a domain, if its action is that.
fn request(
    restarter: &ChangeRestarter,
    name: &str,
    action: &Action,
    turn: Option<Turn>,
) -> Option<RequestedStart> {
    match action {
        Action::Unchanged | Action::UpdateInPlace(_) | Action::Stop => None,
        Action::Start => {
            let handle = restarter.supervisor.domain(name)?;
            let ticket = handle.request_in_turn(Command::Start, None);
            Some(Box::pin(async move {
                Ok(Some((handle, Command::Start, ticket.await?)))
            }))
        }
        Action::Restart(differences) => {
            let restart = restarter.restart(name, restart_reason(differences), turn);
            Some(Box::pin(async move {
                Ok(match restart.await? {
                    RestartResult::Started(handle, ticket) => {
                        Some((handle, Command::Restart, ticket))
                    }
                    // Stopped since the plan was made.
                    RestartResult::Stopped => None,
                })
            }))
        }
    }
}

/// Waits for the starts, and returns the result of the reload. `done` and `failed` describe what
/// is finished already.
pub(crate) async fn wait_all(
    requested: Vec<(String, RequestedStart)>,
    mut done: Vec<String>,
    mut failed: Vec<String>,
    progress: &ProgressSender,
) -> ReloadResult {
    let mut waits = JoinSet::new();
    for (name, start) in requested {
        let progress = progress.clone();
        waits.spawn(async move {
            let started = start.await;
            let started = started.map_err(|CommandRejected(reason)| format!("{name}: {reason}"))?;
            let Some((handle, command, ticket)) = started else {
                return Ok(None);
            };
            let on_step = |step| drop(progress.try_send(ReloadProgress::Step(step)));
            let outcome = wait_for_outcome(&handle, command, ticket, on_step).await;
            outcome.map(Some)
        });
    }
    for outcome in waits.join_all().await {
        match outcome {
            Ok(text) => done.extend(text),
            Err(text) => failed.push(text),
        }
    }
    done.sort();
    failed.sort();
    if failed.is_empty() {
        ReloadResult::Done(done.join("; "))
    } else {
        ReloadResult::DomainFailed(join_failures(&failed))
    }
}
