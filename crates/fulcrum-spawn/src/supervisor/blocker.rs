//! Why a domain that waits for its dependencies does not start.

use std::fmt;

use super::condition::Condition;
use super::snapshot::Snapshot;
use crate::code::without_code;
use crate::lifecycle::{Goal, Phase};

/// A dependency that is in the way of a start: the root, which waits for none itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// The dependency.
    pub domain: String,
    /// Its phase.
    pub phase: Phase,
    /// The phase with its reason, such as `failed (exit 1)`.
    pub state: String,
    /// Without a command or a change it stays as it is.
    pub is_final: bool,
    /// It had to complete and has failed: those that wait for it fail as well.
    pub is_failed_job: bool,
}

impl Blocker {
    pub(super) fn new(domain: &str, condition: Condition, now: &Snapshot) -> Self {
        let reason = without_code(cause(now));
        let state = match (now.phase, now.goal) {
            (Phase::Failed | Phase::Stuck | Phase::Backoff, _) => {
                format!("{} ({reason})", now.phase)
            }
            (Phase::Running, _) if !now.ready => "running, not ready".to_owned(),
            (Phase::Stopped, Goal::Down) if now.generation == 0 => "not started".to_owned(),
            (Phase::Stopped, Goal::Up) => format!("ended ({reason})"),
            (phase, _) => phase.to_string(),
        };
        Self {
            domain: domain.to_owned(),
            phase: now.phase,
            state,
            is_final: matches!(now.phase, Phase::Failed | Phase::Stuck | Phase::Stopped),
            is_failed_job: condition == Condition::Completed && now.phase == Phase::Failed,
        }
    }

    /// A dependency that was removed.
    pub(super) fn removed(domain: &str) -> Self {
        Self {
            domain: domain.to_owned(),
            phase: Phase::Stopped,
            state: "removed".to_owned(),
            is_final: true,
            is_failed_job: false,
        }
    }
}

/// Why a dependency is in its phase, in one line: how it exited, where it has, without the count of
/// its restarts.
fn cause(now: &Snapshot) -> &str {
    let exit = now.last_exit.as_ref();
    let exit = exit.filter(|exit| exit.generation == now.generation && now.phase != Phase::Stuck);
    let reason = exit.map_or(&now.reason, |exit| &exit.reason);
    reason.lines().next().unwrap_or_default()
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.domain, self.state)
    }
}

/// `waiting for db: failed (exit 1), cache: starting`
pub(super) fn describe(blockers: &[Blocker]) -> Option<String> {
    let texts: Vec<String> = blockers.iter().map(Blocker::to_string).collect();
    (!texts.is_empty()).then(|| format!("waiting for {}", texts.join(", ")))
}

/// `needs migrate: failed (exit 1)`
pub(super) fn describe_failed_jobs(blockers: &[Blocker]) -> String {
    let failed = blockers.iter().filter(|blocker| blocker.is_failed_job);
    let texts: Vec<String> = failed.map(Blocker::to_string).collect();
    format!("needs {}", texts.join(", "))
}
