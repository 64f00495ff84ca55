//! Starts, stops and restarts domains for a client.

use std::collections::BTreeMap;

use fulcrum_config::{App, Domain};
use fulcrum_spawn::lifecycle::{Command, CommandRejected, Phase};
use fulcrum_spawn::supervisor::{DomainHandle, Supervisor, Ticket, Turn};
use tokio::task::JoinSet;

use crate::events::log::EventLog;
use crate::outcome::{ProgressStep, join_failures, wait_for_outcome};

/// One request.
pub(crate) struct LifecycleRequest {
    pub(crate) command: Command,
    pub(crate) names: Vec<String>,
    /// Domains were named, not only matched by a glob: one without a process is then an error.
    pub(crate) by_name: bool,
    /// Return once the request is accepted.
    pub(crate) no_wait: bool,
    /// A start does not start the dependencies that are stopped.
    pub(crate) no_deps: bool,
}

/// Executes lifecycle requests.
#[derive(Clone)]
pub(crate) struct LifecycleExecutor {
    pub(crate) supervisor: Supervisor,
    pub(crate) events: EventLog,
}

impl LifecycleExecutor {
    /// Executes a request and describes its outcome. The domains continue even if the future is
    /// dropped.
    ///
    /// # Errors
    /// A domain has no process, rejects the request, or did not come to be as requested.
    pub(crate) async fn execute(
        &self,
        request: &LifecycleRequest,
        on_step: impl Fn(ProgressStep) + Clone + Send + 'static,
    ) -> Result<String, String> {
        let (supervised, others): (Vec<&String>, Vec<&String>) = request
            .names
            .iter()
            .partition(|name| self.supervisor.domain(name).is_some());
        let is_error = request.by_name || supervised.is_empty();
        if let Some(name) = others.first().filter(|_| is_error) {
            return Err(format!("domain {name} has no entry point"));
        }
        let dependencies = self.stopped_dependencies(request);
        for (name, text) in &dependencies {
            on_step(ProgressStep {
                domain: name.clone(),
                message: text.clone(),
            });
        }
        let mut turns = self.turns(request.command, &supervised);
        let mut outcomes = JoinSet::new();
        for name in dependencies.keys().chain(supervised) {
            let Some(handle) = self.supervisor.domain(name) else {
                continue;
            };
            self.record_requester(request.command, &handle, dependencies.get(name));
            let turn = turns.remove(name);
            // Requested here, so that all of it happens even if this future is dropped.
            let is_deferred = turn.is_some();
            let ticket = handle.request_in_turn(request.command, turn);
            let (command, no_wait) = (request.command, request.no_wait);
            let on_step = on_step.clone();
            outcomes.spawn(async move {
                if no_wait && is_deferred {
                    return Ok(format!("{}: requested", handle.name()));
                }
                wait_for(&handle, command, ticket, no_wait, on_step).await
            });
        }
        let mut done = Vec::new();
        let mut failed = Vec::new();
        for outcome in outcomes.join_all().await {
            match outcome {
                Ok(text) => done.push(text),
                Err(text) => failed.push(text),
            }
        }
        done.sort();
        failed.sort();
        if failed.is_empty() {
            Ok(done.join("; "))
        } else {
            Err(join_failures(&failed))
        }
    }

    /// The jobs among domains that are to run.
    ///
    /// # Errors
    /// One that was named is no job, none is, or one is running already.
    pub(crate) fn jobs(
        &self,
        app: &App,
        names: Vec<String>,
        by_name: bool,
    ) -> Result<Vec<String>, String> {
        let is_job = |name: &String| app.domain(name).is_some_and(Domain::is_job);
        let (jobs, others): (Vec<_>, Vec<_>) = names.into_iter().partition(is_job);
        if let Some(name) = others.first().filter(|_| by_name || jobs.is_empty()) {
            return Err(format!(
                "{name} is no job: start it with `fulcrum domains start {name}`, or set \
                 `process.kind: job`"
            ));
        }
        for name in &jobs {
            let now = self.supervisor.domain(name).map(|handle| handle.snapshot());
            if let Some(now) = now.filter(|now| now.phase.has_process()) {
                let pid = now
                    .pid
                    .map_or_else(String::new, |pid| format!(", pid {pid}"));
                return Err(format!(
                    "{name} is running already ({}{pid}); wait for it with `fulcrum domains wait \
                     {name} --for completed`, or run `fulcrum domains restart {name}`",
                    now.phase
                ));
            }
        }
        Ok(jobs)
    }

    /// The dependencies that a start brings up as well, each with the reason.
    fn stopped_dependencies(&self, request: &LifecycleRequest) -> BTreeMap<String, String> {
        if request.command != Command::Start || request.no_deps {
            return BTreeMap::new();
        }
        let needed_by = |dependency: &str| {
            let mut names = request.names.iter();
            let by = names.find(|name| {
                let stopped = self.supervisor.stopped_dependencies(&[(*name).clone()]);
                stopped.iter().any(|stopped| stopped == dependency)
            });
            by.map_or("it is needed".to_owned(), |name| format!("{name} needs it"))
        };
        let stopped = self.supervisor.stopped_dependencies(&request.names);
        let reasons = stopped.into_iter().map(|name| {
            let reason = format!("starting as well: {}", needed_by(&name));
            (name, reason)
        });
        reasons.collect()
    }

    /// Of several domains, dependents are stopped first. Domains that start wait for their
    /// dependencies themselves.
    fn turns(&self, command: Command, names: &[&String]) -> BTreeMap<String, Turn> {
        if command == Command::Start || names.len() < 2 {
            return BTreeMap::new();
        }
        let names: Vec<String> = names.iter().map(|name| (*name).clone()).collect();
        self.supervisor.turns(&names)
    }

    /// Records the request as an event, if it changes something. `needed` says why a dependency is
    /// started that was not named.
    fn record_requester(&self, command: Command, handle: &DomainHandle, needed: Option<&String>) {
        let snapshot = handle.snapshot();
        let is_down = matches!(
            snapshot.phase,
            Phase::Stopped | Phase::Completed | Phase::Failed
        );
        let verb = match command {
            // A job that is done is not started again.
            Command::Start if snapshot.phase == Phase::Completed => return,
            Command::Start if is_down || snapshot.phase == Phase::Backoff => "start",
            Command::Stop if !is_down => "stop",
            Command::Kill if !is_down => "stop --force",
            Command::Restart => "restart",
            Command::Start | Command::Stop | Command::Kill => return,
        };
        let name = handle.name();
        let text = match needed {
            Some(reason) => reason.clone(),
            None => format!("`fulcrum domains {verb} {name}`"),
        };
        self.events.record(name, snapshot.generation, "asked", text);
    }
}

async fn wait_for(
    handle: &DomainHandle,
    command: Command,
    ticket: impl Future<Output = Result<Ticket, CommandRejected>>,
    no_wait: bool,
    on_step: impl Fn(ProgressStep),
) -> Result<String, String> {
    let name = handle.name();
    let ticket = ticket
        .await
        .map_err(|rejected| format!("{name}: {}", rejected.0))?;
    if no_wait {
        return Ok(format!("{name}: requested"));
    }
    wait_for_outcome(handle, command, ticket, on_step).await
}
