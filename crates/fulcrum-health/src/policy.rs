//! Restart policies, the exits that they decide on, and the decisions.

use std::fmt;
use std::time::Duration;

use crate::backoff::BackoffConfig;
use crate::exit::{ProgramKind, describe_exit};

/// Which exits are followed by a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RestartMode {
    /// Every exit.
    Always,
    /// Every exit but one with a success code.
    #[default]
    OnFailure,
    /// No exit.
    Never,
}

/// Whether and when a domain is restarted.
#[derive(Debug, Clone, PartialEq)]
pub struct RestartPolicy {
    /// Which exits are followed by a restart.
    pub when: RestartMode,
    /// Exit codes that are not failures.
    pub success_exit_codes: Vec<i32>,
    /// The delays before restarts.
    pub backoff: BackoffConfig,
    /// After this time in good health the backoff starts over. The caller measures it and calls
    /// [`RestartTracker::on_stable`](crate::RestartTracker::on_stable).
    pub stable_after: Duration,
    /// Restarts in any `window`; one more is a crash loop.
    pub budget: u32,
    /// The period over which restarts count against the budget.
    pub window: Duration,
}

impl Default for RestartPolicy {
    /// On failure (success is exit 0), at most 8 restarts a minute, stable after 10 s.
    fn default() -> Self {
        Self {
            when: RestartMode::OnFailure,
            success_exit_codes: vec![0],
            backoff: BackoffConfig::default(),
            stable_after: Duration::from_secs(10),
            budget: 8,
            window: Duration::from_secs(60),
        }
    }
}

/// Why a generation was ended by force, or did not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The process could not be started.
    StartFailed,
    /// It ran, but did not register in time.
    RegistrationTimeout,
    /// It was unresponsive.
    Unresponsive,
    /// A liveness probe failed.
    LivenessProbeFailed,
    /// It used more memory than its limit.
    MemoryLimit,
}

impl Failure {
    /// The text in a reason: `never registered`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartFailed => "could not be started",
            Self::RegistrationTimeout => "never registered",
            Self::Unresponsive => "unresponsive",
            Self::LivenessProbeFailed => "liveness probe failed",
            Self::MemoryLimit => "over its memory limit",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GenerationEnd {
    /// Exit code, if it exited by itself.
    pub code: Option<i32>,
    /// Signal number, if a signal ended it.
    pub signal: Option<i32>,
    /// Why it was ended by force. Code and signal then only show how it reacted.
    pub failure: Option<Failure>,
    /// Another attempt cannot help: the configuration or the program has to change first.
    pub permanent: bool,
    /// It was ready before.
    pub was_ready: bool,
    /// It ran before, ready or not; its start was no failure.
    pub was_running: bool,
}

impl fmt::Display for GenerationEnd {
    /// `exit 1 before it was ready`, `unresponsive`, `killed by SIGKILL (9)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failure {
            Some(failure) => f.write_str(failure.as_str())?,
            None => f.write_str(&describe_exit(self.code, self.signal, ProgramKind::Other))?,
        }
        let never_ready = matches!(
            self.failure,
            Some(Failure::StartFailed | Failure::RegistrationTimeout)
        );
        if self.was_ready || never_ready {
            Ok(())
        } else {
            f.write_str(" before it was ready")
        }
    }
}

/// The decision about a domain that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Restart it.
    Restart {
        /// The delay before the restart.
        after: Duration,
        /// The number of the attempt since the domain was last stable; the first is 1, and 0 is a
        /// restart that does not count, after an exit that was no failure.
        attempt: u32,
    },
    /// Do not restart it until an operator does.
    GiveUp {
        /// The reason, for people. It does not describe the last exit.
        reason: String,
    },
    /// It ended as intended; do nothing.
    Stay,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_described_by_its_cause() {
        let exit = GenerationEnd {
            code: Some(1),
            was_ready: true,
            ..GenerationEnd::default()
        };
        assert_eq!(exit.to_string(), "exit 1");
        let early = GenerationEnd {
            was_ready: false,
            ..exit
        };
        assert_eq!(early.to_string(), "exit 1 before it was ready");
        // Fulcrum sent the SIGKILL: naming it would hide the reason.
        let unresponsive = GenerationEnd {
            code: None,
            signal: Some(9),
            failure: Some(Failure::Unresponsive),
            ..exit
        };
        assert_eq!(unresponsive.to_string(), "unresponsive");
    }
}
