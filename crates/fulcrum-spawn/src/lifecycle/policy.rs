//! The interface through which the machine decides about restarts.

use std::time::{Duration, Instant};

use super::types::{Failure, Timing};
use crate::exit::ExitReport;

/// How a generation ended: the input of a restart decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationEnd {
    /// Why it ended.
    pub failure: Failure,
    /// The exit status, if there was a process.
    pub exit: Option<ExitReport>,
    /// Whether this generation was ever ready.
    pub was_ready: bool,
    /// Whether this generation was ever in phase running: ready, or started with a probe that
    /// decides about its readiness.
    pub was_running: bool,
}

impl GenerationEnd {
    /// The reason for the phases that follow: the policy's description, or the machine's own.
    pub(super) fn describe_with(&self, policy: &dyn RestartPolicy, timing: Timing) -> String {
        policy
            .describe(self)
            .unwrap_or_else(|| self.describe(timing))
    }

    fn describe(&self, timing: Timing) -> String {
        match &self.failure {
            Failure::Exited => {
                let status = self
                    .exit
                    .map_or_else(|| "exited".to_owned(), |exit| exit.to_string());
                if self.was_ready {
                    status
                } else {
                    format!("{status} before it registered")
                }
            }
            Failure::StartTimeout => format!("not registered within {:?}", timing.start_timeout),
            Failure::TimeLimit => format!(
                "not completed within {:?}",
                timing.time_limit.unwrap_or_default()
            ),
            Failure::Unhealthy(reason) => reason.clone(),
            Failure::Rejected(failure) | Failure::StartFailed(failure) => failure.to_string(),
        }
    }
}

/// The decision after a generation that ended without a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Restart after this delay.
    Restart(Duration),
    /// Do not restart automatically; the text gives the reason. Phase failed.
    GiveUp(String),
    /// Do not restart: the job is done. Phase completed.
    Complete,
    /// Do not restart: the domain is done, which is not a failure. Phase stopped.
    Stay,
}

/// Decides about restarts.
pub trait RestartPolicy {
    /// The decision for a generation that has just ended by a failure.
    fn decide(&mut self, end: &GenerationEnd, now: Instant) -> Verdict;
    /// The domain has run for the stable time: earlier failures no longer count.
    fn on_stable(&mut self);
    /// The reason of the end, if the policy knows more than the machine, such as the last line of
    /// standard error. Called when the end becomes known and again when the process tree is gone.
    fn describe(&self, end: &GenerationEnd) -> Option<String> {
        let _ = end;
        None
    }
    /// An operator started the domain: earlier failures no longer count.
    fn reset(&mut self);
    /// How long a generation must run until earlier failures no longer count.
    fn stable_after(&self) -> Duration;
}
