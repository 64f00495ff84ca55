//! What may happen to a domain that has ended, and what was decided.

use std::fmt;
use std::time::Duration;

use crate::{BackoffConfig, describe_exit};

/// Which ends are followed by a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RestartMode {
    /// Every end.
    Always,
    /// Every end but an exit with one of the success codes.
    #[default]
    OnFailure,
    /// None.
    Never,
}

/// Whether and when a domain that ended is started again.
#[derive(Debug, Clone, PartialEq)]
pub struct RestartPolicy {
    /// Which ends count.
    pub when: RestartMode,
    /// Exit codes that aren't failures.
    pub success_exit_codes: Vec<i32>,
    /// How long to wait before each attempt.
    pub backoff: BackoffConfig,
    /// After so long in good health the backoff begins anew. Not measured here: whoever owns the
    /// clock calls [`Restarts::settled`](crate::Restarts::settled).
    pub stable_after: Duration,
    /// At most so many restarts in any `window`; the next one makes it a crash loop.
    pub budget: u32,
    /// The time over which restarts are counted against the budget.
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

/// Why Fulcrum ended a life that might have gone on, or why there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The process could not be started.
    StartFailed,
    /// It ran, but didn't register in time.
    RegistrationTimeout,
    /// It no longer answered.
    Unresponsive,
    /// A liveness probe failed.
    LivenessProbeFailed,
    /// It used more memory than its limit.
    MemoryLimit,
}

impl Failure {
    /// As it stands in a reason: `never registered`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartFailed => "could not be started",
            Self::RegistrationTimeout => "never registered",
            Self::Unresponsive => "hung",
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

/// How a life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GenerationEnd {
    /// Exit code, if it exited by itself.
    pub code: Option<i32>,
    /// Signal number, if a signal ended it.
    pub signal: Option<i32>,
    /// What Fulcrum had against it. Then code and signal tell only how it took its end.
    pub fault: Option<Failure>,
    /// Another attempt can't help: the configuration or the program has to change first.
    pub permanent: bool,
    /// It had been ready in this life.
    pub was_ready: bool,
}

impl GenerationEnd {
    /// In words: `exit 1 before it was ready`, `hung`, `killed by SIGKILL (9)`.
    #[must_use]
    pub fn describe(&self) -> String {
        let what = match self.fault {
            Some(fault) => fault.to_string(),
            None => describe_exit(self.code, self.signal),
        };
        let says_so_itself = matches!(
            self.fault,
            Some(Failure::StartFailed | Failure::RegistrationTimeout)
        );
        if self.was_ready || says_so_itself {
            what
        } else {
            format!("{what} before it was ready")
        }
    }
}

/// What is to become of a domain that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again.
    Restart {
        /// How long to wait first.
        after: Duration,
        /// Which attempt in a row this is since the domain was last stable; the first is 1.
        attempt: u32,
    },
    /// It has failed for good, until somebody starts it.
    GiveUp {
        /// Why, as shown to people; how the last life ended is left to whoever knows more of it.
        reason: String,
    },
    /// It has ended as it may; nothing is to be done.
    Stay,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_described_by_what_caused_it() {
        let exit = GenerationEnd {
            code: Some(1),
            was_ready: true,
            ..GenerationEnd::default()
        };
        assert_eq!(exit.describe(), "exit 1");
        let early = GenerationEnd {
            was_ready: false,
            ..exit
        };
        assert_eq!(early.describe(), "exit 1 before it was ready");
        // The KILL was ours: naming it would hide why.
        let hung = GenerationEnd {
            code: None,
            signal: Some(9),
            fault: Some(Failure::Unresponsive),
            ..exit
        };
        assert_eq!(hung.describe(), "hung");
    }
}
