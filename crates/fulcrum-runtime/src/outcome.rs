//! Progress and outcome of a request to a domain.

use std::collections::BTreeSet;

use fulcrum_logs::without_code;
use fulcrum_spawn::lifecycle::{Command, Phase};
use fulcrum_spawn::supervisor::{Blocker, DomainHandle, Outcome, Snapshot, Ticket};

use crate::format::format_measured;

/// What separates a failure from its hints.
const HINT: &str = "\n  hint: ";

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
                message: format!("{phase} ({})", without_code(&handle.snapshot().reason)),
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
        Outcome::Blocked(blockers) => Err(describe_blocked(name, &blockers)),
        Outcome::Superseded(snapshot) => Err(format!(
            "{name}: superseded by another request (now {})",
            snapshot.phase
        )),
    }
}

fn describe_done(name: &str, command: Command, snapshot: &Snapshot) -> String {
    match command {
        Command::Start | Command::Restart if snapshot.phase == Phase::Completed => {
            match snapshot.completed {
                Some((_, after)) => format!("{name} completed in {}", format_measured(after)),
                None => format!("{name} has completed"),
            }
        }
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
    let what = match snapshot.phase {
        Phase::Failed => "failed",
        _ => "did not become ready",
    };
    format!(
        "{name} {what}: {}{}; see `fulcrum domains logs {name}`",
        snapshot.reason,
        retry.unwrap_or_default()
    )
}

/// A domain that waits for something that does not come, with the commands that cure it.
fn describe_blocked(name: &str, blockers: &[Blocker]) -> String {
    let causes: Vec<String> = blockers.iter().map(Blocker::to_string).collect();
    let mut text = format!("{name} is waiting for {}", causes.join(", "));
    for hint in cures(blockers) {
        text.push_str(HINT);
        text.push_str(&hint);
    }
    text
}

/// The failures of several domains as one text: the causes, then each hint once.
pub(crate) fn join_failures(failures: &[String]) -> String {
    let mut causes = Vec::new();
    let mut hints = BTreeSet::new();
    for failure in failures {
        let mut parts = failure.split(HINT);
        causes.extend(parts.next());
        hints.extend(parts);
    }
    let mut text = causes.join("; ");
    for hint in hints {
        text.push_str(HINT);
        text.push_str(hint);
    }
    text
}

/// The commands that remove what is in the way, each once.
pub(crate) fn cures<'a>(blockers: impl IntoIterator<Item = &'a Blocker>) -> BTreeSet<String> {
    let blockers = blockers.into_iter().filter(|blocker| blocker.is_final);
    blockers.map(cure).collect()
}

fn cure(blocker: &Blocker) -> String {
    let name = &blocker.domain;
    match blocker.phase {
        Phase::Stopped if blocker.state == "removed" => {
            format!("run `fulcrum reload`, since {name} is not configured any more")
        }
        Phase::Stopped if !blocker.state.starts_with("ended") => {
            format!("run `fulcrum domains start {name}`")
        }
        Phase::Stuck => format!("see `fulcrum domains status {name}`"),
        _ if blocker.is_failed_job => {
            format!("fix the error, then run `fulcrum domains run {name}`")
        }
        _ => format!("fix the error, then run `fulcrum domains restart {name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocker(phase: Phase, state: &str) -> Blocker {
        Blocker {
            domain: "db".to_owned(),
            phase,
            state: state.to_owned(),
            is_final: true,
            is_failed_job: false,
        }
    }

    #[test]
    fn the_hints_of_several_failures_follow_the_causes_each_once() {
        let blocked = |name| describe_blocked(name, &[blocker(Phase::Stopped, "stopped")]);
        let failures = [blocked("api"), "db is stuck".to_owned(), blocked("web")];
        assert_eq!(
            join_failures(&failures),
            "api is waiting for db: stopped; db is stuck; web is waiting for db: stopped\n  \
             hint: run `fulcrum domains start db`"
        );
    }

    #[test]
    fn a_blocked_request_names_the_root_and_the_command_that_cures_it() {
        assert_eq!(
            describe_blocked("api", &[blocker(Phase::Failed, "failed (exit 1)")]),
            "api is waiting for db: failed (exit 1)\n  \
             hint: fix the error, then run `fulcrum domains restart db`"
        );
        for (phase, state, expected) in [
            (Phase::Stopped, "stopped", "run `fulcrum domains start db`"),
            (
                Phase::Stopped,
                "not started",
                "run `fulcrum domains start db`",
            ),
            (
                Phase::Stopped,
                "ended (exit 0)",
                "fix the error, then run `fulcrum domains restart db`",
            ),
            (Phase::Stuck, "stuck", "see `fulcrum domains status db`"),
        ] {
            assert_eq!(cure(&blocker(phase, state)), expected);
        }
        let passing = Blocker {
            is_final: false,
            ..blocker(Phase::Starting, "starting")
        };
        assert!(cures([&passing]).is_empty());
    }
}
