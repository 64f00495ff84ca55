//! Starts, stops and restarts domains for a client, and tells how it goes.

use fulcrum_rpc::ControlError;
use fulcrum_rpc::control::Progress;
use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::progress::outcome;
use fulcrum_spawn::lifecycle::{Command, Phase};
use fulcrum_spawn::supervisor::{DomainHandle, Outcome, Snapshot, Ticket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::context::RuntimeContext;
use crate::transitions::format_duration;

/// One request.
pub(crate) struct LifecycleRequest {
    pub(crate) command: Command,
    pub(crate) names: Vec<String>,
    /// The domains were named, not meant by a glob: one that can't be changed is an error then.
    pub(crate) by_name: bool,
    pub(crate) no_wait: bool,
}

type Sink = mpsc::Sender<Result<Progress, ControlError>>;

/// Carries it out and gives the last message. The request holds even if nobody listens any more.
pub(crate) async fn execute(
    house: &RuntimeContext,
    change: &LifecycleRequest,
    sink: &Sink,
) -> Progress {
    let (with, without): (Vec<_>, Vec<_>) = change
        .names
        .iter()
        .partition(|name| house.supervisor.domain(name).is_some());
    if let Some(name) = without
        .first()
        .filter(|_| change.by_name || with.is_empty())
    {
        return outcome(
            Kind::Failed,
            format!("{name} has no entry point, so there is no process to start or stop"),
        );
    }
    let mut told = Vec::new();
    let mut failed = Vec::new();
    for wave in order(house, change, &with) {
        let mut changes = JoinSet::new();
        for handle in wave.iter().filter_map(|name| house.supervisor.domain(name)) {
            record_requester(house, change.command, &handle);
            let (command, no_wait, sink) = (change.command, change.no_wait, sink.clone());
            // A client that is slow, or gone, misses steps and holds nobody up.
            let tell = move |step| drop(sink.try_send(Ok(step)));
            changes.spawn(async move { one(&handle, command, no_wait, tell).await });
        }
        for end in changes.join_all().await {
            match end {
                Ok(text) => told.push(text),
                Err(text) => failed.push(text),
            }
        }
    }
    told.sort();
    failed.sort();
    if failed.is_empty() {
        outcome(Kind::Done, told.join("; "))
    } else {
        outcome(Kind::Failed, failed.join("; "))
    }
}

/// Notes who asked, where it changes something.
fn record_requester(house: &RuntimeContext, command: Command, handle: &DomainHandle) {
    let now = handle.snapshot();
    let resting = matches!(now.phase, Phase::Stopped | Phase::Failed);
    let verb = match command {
        Command::Start if resting || now.phase == Phase::Backoff => "start",
        Command::Stop if !resting => "stop",
        Command::Kill if !resting => "stop --force",
        Command::Restart => "restart",
        Command::Start | Command::Stop | Command::Kill => return,
    };
    let name = handle.name();
    let text = format!("`fulcrum domains {verb} {name}`");
    house.journal.record(name, now.generation, "asked", text);
}

/// Stops go in reverse start order; whatever is to start waits for its dependencies by itself.
fn order(house: &RuntimeContext, change: &LifecycleRequest, names: &[&String]) -> Vec<Vec<String>> {
    let all: Vec<String> = names.iter().map(|name| (*name).clone()).collect();
    if change.command != Command::Stop {
        return vec![all];
    }
    let waves = house.agenda().app.waves().into_iter().rev();
    waves
        .map(|wave| wave.into_iter().filter(|name| all.contains(name)).collect())
        .collect()
}

async fn one(
    handle: &DomainHandle,
    command: Command,
    no_wait: bool,
    tell: impl Fn(Progress),
) -> Result<String, String> {
    let name = handle.name();
    let ticket = handle
        .request(command)
        .await
        .map_err(|refused| format!("{name}: {}", refused.0))?;
    if no_wait {
        return Ok(format!("{name}: asked for"));
    }
    wait_for_outcome(handle, command, ticket, tell).await
}

/// Tells the steps to a request's outcome, and then that.
pub(crate) async fn wait_for_outcome(
    handle: &DomainHandle,
    command: Command,
    ticket: Ticket,
    tell: impl Fn(Progress),
) -> Result<String, String> {
    let name = handle.name();
    let mut steps = ticket.subscribe();
    let end = ticket.outcome();
    tokio::pin!(end);
    let mut last = None;
    let end = loop {
        let phase = steps.borrow_and_update().phase;
        if last.replace(phase) != Some(phase) {
            let text = handle.snapshot().reason;
            let message = format!("{phase} ({text})");
            let progress = Progress {
                domain: name.to_owned(),
                message,
                outcome: None,
            };
            tell(progress);
        }
        tokio::select! {
            biased;
            end = &mut end => break end,
            Ok(()) = steps.changed() => {}
        }
    };
    match end {
        Outcome::Done(now) => Ok(done(name, command, &now)),
        Outcome::Failed(now) => Err(failed(name, &now)),
        Outcome::Superseded(now) => Err(format!(
            "{name}: another command overtook this one; it is {}",
            now.phase
        )),
    }
}

fn done(name: &str, command: Command, now: &Snapshot) -> String {
    match command {
        Command::Start | Command::Restart => {
            let pid = now
                .pid
                .map_or_else(String::new, |pid| format!(" (pid {pid})"));
            format!("{name} is ready{pid}")
        }
        Command::Stop | Command::Kill => format!("{name} is stopped"),
    }
}

fn failed(name: &str, now: &Snapshot) -> String {
    let next = now.retry_at.map(|at| {
        let wait = at.saturating_duration_since(tokio::time::Instant::now());
        format!("; it starts again in {}", format_duration(wait))
    });
    format!(
        "{name} did not become ready: {}{}; `fulcrum domains logs {name}` has its last words",
        now.reason,
        next.unwrap_or_default()
    )
}

/// What still keeps the instance from ending, in words.
pub(crate) fn shutdown_progress(house: &RuntimeContext) -> String {
    let alive = house.supervisor.domains().into_iter().filter_map(|handle| {
        let now = handle.snapshot();
        let pid = now.pid?;
        Some(format!("{} (pid {pid})", handle.name()))
    });
    let names: Vec<String> = alive.collect();
    if names.is_empty() {
        "ending".to_owned()
    } else {
        format!("waiting for {}", names.join(", "))
    }
}

/// The domains that could not be ended.
pub(crate) fn unkillable(house: &RuntimeContext) -> Vec<String> {
    let stuck = house.supervisor.domains().into_iter().filter_map(|handle| {
        let now = handle.snapshot();
        (now.phase == Phase::Stuck)
            .then(|| format!("{} (pid {})", handle.name(), now.pid.unwrap_or_default()))
    });
    stuck.collect()
}
