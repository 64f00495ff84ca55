//! Waits until domains reach a condition.

use std::fmt;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::blocker::{Blocker, describe};
use super::domain_set::Supervisor;
use super::handle::DomainHandle;
use super::snapshot::Snapshot;
use crate::lifecycle::{Goal, Phase};

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitCondition {
    /// Phase running, ready or not.
    Running,
    /// Phase running, and ready; or phase completed.
    Ready,
    /// No process, and none to come: phase stopped, completed or failed.
    Stopped,
    /// Phase completed.
    Completed,
}

impl WaitCondition {
    /// The condition as one lower-case word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Stopped => "stopped",
            Self::Completed => "completed",
        }
    }
}

/// How one domain relates to a condition.
enum ConditionStatus {
    Met,
    Pending,
    /// It cannot become true without a command or a change. The text gives the reason.
    Impossible(String),
}

fn status(condition: WaitCondition, now: &Snapshot) -> ConditionStatus {
    let holds = match condition {
        WaitCondition::Running => now.phase == Phase::Running,
        WaitCondition::Stopped => {
            matches!(now.phase, Phase::Stopped | Phase::Completed | Phase::Failed)
        }
        WaitCondition::Ready => {
            now.phase == Phase::Completed || now.phase == Phase::Running && now.ready
        }
        WaitCondition::Completed => now.phase == Phase::Completed,
    };
    match now.phase {
        _ if holds => ConditionStatus::Met,
        Phase::Failed | Phase::Stuck => ConditionStatus::Impossible(now.reason.clone()),
        Phase::Completed => {
            ConditionStatus::Impossible(format!("it has completed: {}", now.reason))
        }
        Phase::Stopped if now.generation > 0 && now.goal == Goal::Up => {
            ConditionStatus::Impossible(format!("it ended: {}", now.reason))
        }
        // One that has never been started may be about to be.
        Phase::Stopped if now.generation > 0 => ConditionStatus::Impossible("stopped".to_owned()),
        Phase::Stopped
        | Phase::Waiting
        | Phase::Preparing
        | Phase::Starting
        | Phase::Running
        | Phase::Stopping
        | Phase::Backoff => ConditionStatus::Pending,
    }
}

/// A domain for which a condition cannot become true without a command or a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitFailure {
    /// The domain.
    pub domain: String,
    /// Why, as text.
    pub reason: String,
    /// The dependencies that it waits for; empty if the reason is its own.
    pub blockers: Vec<Blocker>,
}

impl fmt::Display for WaitFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { domain, reason, .. } = self;
        match reason.starts_with(&format!("{domain}: ")) {
            true => f.write_str(reason),
            false => write!(f, "{domain}: {reason}"),
        }
    }
}

/// How long the other domains are waited for after the first failure.
const GROUPING_WINDOW: Duration = Duration::from_millis(500);

impl Supervisor {
    /// Waits until the condition holds for every named domain. Names that are not supervised are
    /// skipped.
    ///
    /// # Errors
    /// The condition cannot become true for these domains, as it turned out by then or within the
    /// next half second; by name.
    pub async fn wait_all(
        &self,
        names: &[String],
        condition: WaitCondition,
    ) -> Result<(), Vec<WaitFailure>> {
        self.wait(names, condition, GROUPING_WINDOW).await
    }

    /// Waits until for every named domain the condition holds or cannot become true. Names that are
    /// not supervised are skipped.
    ///
    /// # Errors
    /// The domains for which it cannot become true, by name.
    pub async fn wait_until_settled(
        &self,
        names: &[String],
        condition: WaitCondition,
    ) -> Result<(), Vec<WaitFailure>> {
        self.wait(names, condition, Duration::MAX).await
    }

    async fn wait(
        &self,
        names: &[String],
        condition: WaitCondition,
        grouping: Duration,
    ) -> Result<(), Vec<WaitFailure>> {
        let mut waits = JoinSet::new();
        for handle in names.iter().filter_map(|name| self.domain(name)) {
            waits.spawn(async move { wait_one(&handle, condition).await });
        }
        let mut failed = Vec::new();
        let mut deadline: Option<Instant> = None;
        loop {
            let joined = match deadline {
                None => waits.join_next().await,
                // Domains that fail for the same reason fail at about the same time and are
                // reported together.
                Some(at) => timeout_at(at, waits.join_next()).await.unwrap_or(None),
            };
            let Some(joined) = joined else { break };
            if let Ok(Err(failure)) = joined {
                failed.push(failure);
                deadline = deadline.or_else(|| Instant::now().checked_add(grouping));
            }
        }
        failed.sort_by(|a: &WaitFailure, b| a.domain.cmp(&b.domain));
        if failed.is_empty() {
            Ok(())
        } else {
            Err(failed)
        }
    }

    /// The named domains for which the condition does not hold, as they are now.
    #[must_use]
    pub fn pending(&self, names: &[String], condition: WaitCondition) -> Vec<(String, Snapshot)> {
        let pending = names.iter().filter_map(|name| {
            let now = self.domain(name)?.snapshot();
            let holds = matches!(status(condition, &now), ConditionStatus::Met);
            (!holds).then(|| (name.clone(), now))
        });
        pending.collect()
    }
}

async fn wait_one(handle: &DomainHandle, condition: WaitCondition) -> Result<(), WaitFailure> {
    let failure = |reason: String| WaitFailure {
        domain: handle.name().to_owned(),
        reason,
        blockers: Vec::new(),
    };
    let mut changes = handle.subscribe();
    let settled = async {
        loop {
            let now = changes.borrow_and_update().clone();
            match status(condition, &now) {
                ConditionStatus::Met => return Ok(()),
                // The root says more than the domain itself.
                ConditionStatus::Impossible(_) if now.blocked => {
                    let mut blockers = handle.blockers();
                    blockers.retain(|blocker| blocker.is_failed_job);
                    // Without one, it is about to wait again.
                    if let Some(reason) = describe(&blockers) {
                        return Err(WaitFailure {
                            blockers,
                            ..failure(reason)
                        });
                    }
                }
                ConditionStatus::Impossible(reason) => return Err(failure(reason)),
                ConditionStatus::Pending => {}
            }
            if changes.changed().await.is_err() {
                return Err(failure("it is no longer supervised".to_owned()));
            }
        }
    };
    let view = handle.wait_view();
    tokio::select! {
        biased;
        outcome = settled => outcome,
        blockers = view.wait_until_blocked(), if condition != WaitCondition::Stopped => {
            let reason = describe(&blockers).unwrap_or_default();
            Err(WaitFailure { blockers, ..failure(reason) })
        }
    }
}
