//! Progress and outcome of a request to a domain.

use fulcrum_spawn::lifecycle::Command;
use fulcrum_spawn::supervisor::{DomainHandle, Outcome, Snapshot, Ticket};

use crate::format::format_measured;

/// One step of a domain on the way to an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProgressStep {
    /// The domain.
    pub(crate) domain: String,
    /// The phase and its reason.
    pub(crate) message: String,
}

/// Reports each phase to `on_step` until the outcome of a request is known, and returns it as
/// text: `Ok` if the domain came to be as requested, `Err` otherwise.
pub(crate) async fn wait_for_outcome(
    handle: &DomainHandle,
    command: Command,
    ticket: Ticket,
    on_step: impl Fn(ProgressStep),
) -> Result<String, String> {
    let name = handle.name();
    let mut changes = ticket.subscribe();
    let outcome = ticket.outcome();
    tokio::pin!(outcome);
    let mut last = None;
    let outcome = loop {
        let phase = changes.borrow_and_update().phase;
        if last.replace(phase) != Some(phase) {
            on_step(ProgressStep {
                domain: name.to_owned(),
                message: format!("{phase} ({})", handle.snapshot().reason),
            });
        }
        tokio::select! {
            biased;
            outcome = &mut outcome => break outcome,
            Ok(()) = changes.changed() => {}
        }
    };
    match outcome {
        Outcome::Done(snapshot) => Ok(describe_done(name, command, &snapshot)),
        Outcome::Failed(snapshot) => Err(describe_failed(name, &snapshot)),
        Outcome::Superseded(snapshot) => Err(format!(
            "{name}: superseded by another request (now {})",
            snapshot.phase
        )),
    }
}

fn describe_done(name: &str, command: Command, snapshot: &Snapshot) -> String {
    match command {
        Command::Start | Command::Restart => match snapshot.pid {
            Some(pid) => format!("{name} is ready (pid {pid})"),
            None => format!("{name} is ready"),
        },
        Command::Stop | Command::Kill => format!("{name} is stopped"),
    }
}

fn describe_failed(name: &str, snapshot: &Snapshot) -> String {
    let retry = snapshot.retry_at.map(|at| {
        let wait = at.saturating_duration_since(tokio::time::Instant::now());
        format!("; restarting in {}", format_measured(wait))
    });
    format!(
        "{name} did not become ready: {}{}; see `fulcrum domains logs {name}`",
        snapshot.reason,
        retry.unwrap_or_default()
    )
}
