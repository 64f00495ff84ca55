//! The port through which the machine asks whether and when to start again.

use std::time::{Duration, Instant};

use super::types::{Failure, Timing};
use crate::exit::ExitReport;
use crate::start_error::StartError;

/// How a life ended, as the policy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationEnd {
    /// Why.
    pub fault: Failure,
    /// The wait status, where a process was there.
    pub exit: Option<ExitReport>,
    /// Whether this life ever became ready.
    pub was_ready: bool,
}

impl GenerationEnd {
    /// The end in words, for the phases that follow from it: the policy's if it has any.
    pub(super) fn describe_with(&self, policy: &dyn RestartPolicy, timing: Timing) -> String {
        policy
            .describe(self)
            .unwrap_or_else(|| self.describe(timing))
    }

    fn describe(&self, timing: Timing) -> String {
        match &self.fault {
            Failure::Exited => {
                let how = self
                    .exit
                    .map_or_else(|| "ended".to_owned(), |exit| exit.to_string());
                if self.was_ready {
                    how
                } else {
                    format!("{how} before it registered")
                }
            }
            Failure::StartTimeout => format!("not registered within {:?}", timing.start_timeout),
            Failure::Unhealthy(why) => why.clone(),
            Failure::Rejected(StartError { message: what, .. })
            | Failure::StartFailed(StartError { message: what, .. }) => what.clone(),
        }
    }
}

/// What to do after a life has ended without anybody asking for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Start again after this long.
    Restart(Duration),
    /// Never start again by itself; why.
    GiveUp(String),
    /// It is done: not started again, and that is no failure.
    Stay,
}

/// Decides about restarts. The machine asks; it doesn't decide itself.
pub trait RestartPolicy {
    /// What to do now that a life has ended by a fault.
    fn decide(&mut self, end: &GenerationEnd, now: Instant) -> Verdict;
    /// It has run for the stable time: the past is forgotten.
    fn settled(&mut self);
    /// The end in words, where more is known of it than the machine knows: what the process said
    /// last, who ended it. Asked when the end becomes known and again when it is settled.
    fn describe(&self, end: &GenerationEnd) -> Option<String> {
        let _ = end;
        None
    }
    /// An operator started it anew: the past is forgotten.
    fn reset(&mut self);
    /// How long a life must run until it counts as settled.
    fn stable_after(&self) -> Duration;
}
