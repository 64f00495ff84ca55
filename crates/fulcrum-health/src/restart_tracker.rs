//! Whether to start again a domain that has ended.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::format::format_duration;
use crate::{
    Backoff, BackoffError, Failure, GenerationEnd, RestartMode, RestartPolicy, SplitMix64, Verdict,
};

/// The restart decisions of one domain.
///
/// Tell it how each life [`ended`](Self::ended), when a life has [`settled`](Self::settled), and
/// when an operator starts the domain ([`reset`](Self::reset)). Lives that an operator ended are
/// not its business: they aren't counted.
#[derive(Debug, Clone)]
pub struct RestartTracker {
    policy: RestartPolicy,
    backoff: Backoff,
    random: SplitMix64,
    /// When the restarts of the last window took or will take place, oldest first.
    recent: VecDeque<Instant>,
    attempts: u32,
    total: u64,
    /// The present life has settled.
    stable: bool,
}

impl RestartTracker {
    /// Decisions by `policy`; `seed` determines the jitter, so give each domain one of its own.
    ///
    /// # Errors
    /// When the policy's backoff makes no sense.
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

    /// A life has ended, not by an operator: what now?
    pub fn on_exit(&mut self, ended: &GenerationEnd, now: Instant) -> Verdict {
        if ended.permanent {
            let reason = format!("{}; starting it again cannot help", ended.describe());
            return Verdict::GiveUp { reason };
        }
        match self.policy.when {
            RestartMode::Never => return Verdict::Stay,
            RestartMode::OnFailure if self.is_success(ended) => return Verdict::Stay,
            RestartMode::OnFailure | RestartMode::Always => {}
        }
        // One that had long been well is started again at once: a delay is there to slow down what
        // fails again and again. If it does, the next end finds the delay where it begins.
        let after = if std::mem::take(&mut self.stable) {
            Duration::ZERO
        } else {
            self.backoff.next_delay(&mut self.random)
        };
        // Counted when it takes place and not when it is decided: what overloads a machine is the
        // starts. The delay is bounded, so the sum is off the clock's end only in theory.
        let start = now.checked_add(after).unwrap_or(now);
        self.forget_before(start);
        // What never began hasn't crashed: no processes or files are left, which is the machine's
        // affair and passes. The growing delay is what keeps it from being asked too often.
        let counted = ended.fault != Some(Failure::StartFailed);
        if counted && self.recent.len() >= self.budget() {
            return Verdict::GiveUp {
                reason: self.crash_loop(),
            };
        }
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

    /// The present life has been in good health for [`RestartPolicy::stable_after`]: delays and
    /// the count of attempts begin anew, and should it end, the first restart is immediate. The
    /// budget doesn't: one that crashes just after it has
    /// settled, again and again, loops all the same.
    pub fn on_stable(&mut self) {
        self.reset_backoff();
        self.stable = true;
    }

    /// An operator starts the domain: everything begins anew.
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

    /// All restarts ever decided here; no reset touches it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// What the next restart would wait, before jitter.
    #[must_use]
    pub fn next_delay(&self) -> Duration {
        if self.stable {
            Duration::ZERO
        } else {
            self.backoff.peek()
        }
    }

    /// How much of the budget the restarts of the present window have used, the one that was
    /// decided last included, in words: `attempt 3 of 8 in 1m`.
    #[must_use]
    pub fn budget_status(&self) -> String {
        format!(
            "attempt {} of {} in {}",
            self.recent.len(),
            self.policy.budget,
            format_duration(self.policy.window)
        )
    }

    /// Decides by another policy from now on. The delays begin anew; the restarts of the window
    /// stay counted.
    ///
    /// # Errors
    /// When the policy's backoff makes no sense; then the one in force stays.
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
        ended.fault.is_none()
            && ended.signal.is_none()
            && ended
                .code
                .is_some_and(|code| self.policy.success_exit_codes.contains(&code))
    }

    fn forget_before(&mut self, start: Instant) {
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
