//! Waits until domains reach a condition.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::domain_set::Supervisor;
use super::handle::DomainHandle;
use super::snapshot::Snapshot;
use crate::lifecycle::{Goal, Phase};

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitCondition {
    /// Phase running, ready or not.
    Running,
    /// Phase running, and ready.
    Ready,
    /// No process, and none to come: phase stopped or failed.
    Stopped,
}

impl WaitCondition {
    /// The condition as one lower-case word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Stopped => "stopped",
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
        WaitCondition::Stopped => matches!(now.phase, Phase::Stopped | Phase::Failed),
        WaitCondition::Ready => now.phase == Phase::Running && now.ready,
    };
    match now.phase {
        _ if holds => ConditionStatus::Met,
        Phase::Failed | Phase::Stuck => ConditionStatus::Impossible(now.reason.clone()),
        Phase::Stopped if now.generation > 0 && now.goal == Goal::Up => {
            ConditionStatus::Impossible(format!("it ended: {}", now.reason))
        }
        Phase::Stopped
        | Phase::Waiting
        | Phase::Preparing
        | Phase::Starting
        | Phase::Running
        | Phase::Stopping
        | Phase::Backoff => ConditionStatus::Pending,
    }
}

/// How long the other domains are waited for after the first failure.
const GROUPING_WINDOW: Duration = Duration::from_millis(500);

impl Supervisor {
    /// Waits until the condition holds for every named domain. Names that are not supervised are
    /// skipped.
    ///
    /// # Errors
    /// The condition cannot become true for a domain: one line for each domain that has failed by
    /// then or within the next half second, sorted, each with the domain's name.
    pub async fn wait_all(
        &self,
        names: &[String],
        condition: WaitCondition,
    ) -> Result<(), Vec<String>> {
        let mut waits = JoinSet::new();
        for handle in names.iter().filter_map(|name| self.domain(name)) {
            waits.spawn(async move {
                let outcome = wait_one(&handle, condition).await;
                (handle.name().to_owned(), outcome)
            });
        }
        let mut failed = Vec::new();
        let mut deadline = None;
        loop {
            let joined = match deadline {
                None => waits.join_next().await,
                // A domain that depends on a failed one waits without end. Domains that fail for
                // the same reason fail at about the same time and are reported together.
                Some(at) => timeout_at(at, waits.join_next()).await.unwrap_or(None),
            };
            let Some(joined) = joined else { break };
            if let Ok((name, Err(reason))) = joined {
                let has_name = reason.starts_with(&format!("{name}: "));
                failed.push(if has_name {
                    reason
                } else {
                    format!("{name}: {reason}")
                });
                deadline.get_or_insert(Instant::now() + GROUPING_WINDOW);
            }
        }
        failed.sort();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(failed)
        }
    }

    /// The named domains for which the condition does not hold, with phase and reason, as text.
    #[must_use]
    pub fn describe_pending(&self, names: &[String], condition: WaitCondition) -> String {
        let pending = names.iter().filter_map(|name| {
            let now = self.domain(name)?.snapshot();
            let holds = matches!(status(condition, &now), ConditionStatus::Met);
            (!holds).then(|| format!("{name} is {} ({})", now.phase, now.reason))
        });
        pending.collect::<Vec<_>>().join("; ")
    }
}

async fn wait_one(handle: &DomainHandle, condition: WaitCondition) -> Result<(), String> {
    let mut changes = handle.subscribe();
    loop {
        changes.borrow_and_update();
        match status(condition, &handle.snapshot()) {
            ConditionStatus::Met => return Ok(()),
            ConditionStatus::Impossible(reason) => return Err(reason),
            ConditionStatus::Pending => {}
        }
        if changes.changed().await.is_err() {
            return Err("it is no longer supervised".to_owned());
        }
    }
}
