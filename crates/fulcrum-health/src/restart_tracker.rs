//! Decides whether a domain is restarted.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::backoff::{Backoff, BackoffError};
use crate::format::format_duration;
use crate::policy::{Failure, GenerationEnd, RestartMode, RestartPolicy, Verdict};
use crate::random::SplitMix64;

/// The restart decisions of one domain.
///
/// Call [`on_exit`](Self::on_exit) for each generation that ended on its own,
/// [`on_stable`](Self::on_stable) once a generation has been healthy for
/// [`RestartPolicy::stable_after`], and [`reset`](Self::reset) when an operator starts the domain.
/// Generations that an operator stopped are not counted.
#[derive(Debug, Clone)]
pub struct RestartTracker {
    policy: RestartPolicy,
    backoff: Backoff,
    random: SplitMix64,
    /// The times of the restarts in the last window, planned ones included, oldest first.
    recent: VecDeque<Instant>,
    attempts: u32,
    total: u64,
    /// The current generation is stable.
    stable: bool,
}

impl RestartTracker {
    /// Creates a tracker. `seed` determines the jitter; use a different one for each domain.
    ///
    /// # Errors
    /// [`BackoffError`] if the policy's backoff is invalid.
    pub fn new(policy: RestartPolicy, seed: u64) -> Result<Self, BackoffError> {
        Ok(Self {
            backoff: Backoff::new(policy.backoff)?,
            policy,
            random: SplitMix64::new(seed),
            recent: VecDeque::new(),
            attempts: 0,
            total: 0,
            stable: false,
        })
    }

    /// Decides what follows the end of a generation that no operator stopped.
    pub fn on_exit(&mut self, ended: &GenerationEnd, now: Instant) -> Verdict {
        if ended.permanent {
            let reason = format!("{ended}; a restart cannot help");
            return Verdict::GiveUp { reason };
        }
        match self.policy.when {
            RestartMode::Never => return Verdict::Stay,
            RestartMode::OnFailure if self.is_success(ended) => return Verdict::Stay,
            RestartMode::OnFailure | RestartMode::Always => {}
        }
        let was_stable = std::mem::take(&mut self.stable);
        if self.is_success(ended) {
            // No failure, so there is nothing to count and nothing to slow down further. Without
            // any delay, a program that has nothing to do would use a whole core.
            self.total += 1;
            return Verdict::Restart {
                after: self.policy.backoff.initial,
                attempt: 0,
            };
        }
        // Delays slow down repeated failures. If the domain fails again, the next delay is the
        // first one.
        self.drop_before(now);
        let is_first = self.recent.is_empty() && (ended.was_running || ended.was_ready);
        let after = if was_stable || is_first {
            Duration::ZERO
        } else {
            self.backoff.next_delay(&mut self.random)
        };
        // A failed start is no crash: processes or file descriptors ran out, which passes. The
        // growing delay bounds the attempts.
        let counted = ended.failure != Some(Failure::StartFailed);
        // Judged at the time of the failure: the delay that would follow is a result of the loop, and
        // may be as long as half of the window.
        if counted && self.recent.len() >= self.budget() {
            return Verdict::GiveUp {
                reason: self.crash_loop(),
            };
        }
        // Counted at the time of the restart and not of the decision: starts load the machine. The
        // delay is bounded, so the sum exceeds the range of Instant only in theory.
        let start = now.checked_add(after).unwrap_or(now);
        self.drop_before(start);
        if counted {
            self.recent.push_back(start);
        }
        self.attempts = self.attempts.saturating_add(1);
        self.total += 1;
        Verdict::Restart {
            after,
            attempt: self.attempts,
        }
    }

    /// Records that the current generation has been healthy for [`RestartPolicy::stable_after`].
    /// Delays and the number of attempts start over, and the next restart is immediate. The budget
    /// is unchanged: a domain that crashes each time it is stable is in a crash loop, too.
    pub fn on_stable(&mut self) {
        self.reset_backoff();
        self.stable = true;
    }

    /// Records that an operator starts the domain: everything starts over.
    pub fn reset(&mut self) {
        self.reset_backoff();
        self.stable = false;
        self.recent.clear();
    }

    fn reset_backoff(&mut self) {
        self.backoff.reset();
        self.attempts = 0;
    }

    /// Restarts in a row since the domain was last stable or started by an operator.
    #[must_use]
    pub fn consecutive(&self) -> u32 {
        self.attempts
    }

    /// All restarts since this tracker was created; not changed by a reset.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The delay of the next restart, without jitter.
    #[must_use]
    pub fn next_delay(&self) -> Duration {
        if self.stable {
            Duration::ZERO
        } else {
            self.backoff.peek()
        }
    }

    /// The use of the budget in the current window, the last decided restart included:
    /// `attempt 3 of 8 in 1m`.
    #[must_use]
    pub fn budget_status(&self) -> String {
        format!(
            "attempt {} of {} in {}",
            self.recent.len(),
            self.policy.budget,
            format_duration(self.policy.window)
        )
    }

    /// Replaces the policy. Delays start over; restarts in the window still count.
    ///
    /// # Errors
    /// [`BackoffError`] if the policy's backoff is invalid; then the policy in force stays.
    pub fn set_policy(&mut self, policy: RestartPolicy) -> Result<(), BackoffError> {
        self.backoff = Backoff::new(policy.backoff)?;
        self.policy = policy;
        self.attempts = 0;
        Ok(())
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> &RestartPolicy {
        &self.policy
    }

    fn is_success(&self, ended: &GenerationEnd) -> bool {
        ended.failure.is_none()
            && ended.signal.is_none()
            && ended
                .code
                .is_some_and(|code| self.policy.success_exit_codes.contains(&code))
    }

    fn drop_before(&mut self, start: Instant) {
        let window = self.policy.window;
        while let Some(oldest) = self.recent.front()
            && start.saturating_duration_since(*oldest) >= window
        {
            self.recent.pop_front();
        }
    }

    fn budget(&self) -> usize {
        usize::try_from(self.policy.budget).unwrap_or(usize::MAX)
    }

    fn crash_loop(&self) -> String {
        let window = format_duration(self.policy.window);
        match self.recent.len() {
            0 => "no restart is allowed (restart.budget is 0)".to_owned(),
            1 => format!("crash loop: 1 restart in {window}"),
            n => format!("crash loop: {n} restarts in {window}"),
        }
    }
}
