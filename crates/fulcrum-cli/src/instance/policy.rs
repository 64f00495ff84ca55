//! The seam between lifecycle and health: one asks whether to restart, the other knows.

use std::time::{Duration, Instant};

use fulcrum_config::{Policy, Restart};
use fulcrum_health::{
    BackoffConfig, BackoffError, Ended, Fault as HealthFault, RestartPolicy as HealthPolicy,
    Restarts, Verdict as HealthVerdict, When, diagnose,
};
use fulcrum_logs::{Hub, Stream};
use fulcrum_spawn::lifecycle::{End, Fault, RestartPolicy, Verdict};

use super::desk::Desks;

/// How many of the last lines are looked at for a known cause.
const LAST_WORDS: usize = 20;

/// One domain's restart policy.
pub(crate) struct Adapter {
    restarts: Restarts,
    domain: String,
    desks: Desks,
    hub: Hub,
    start_timeout: Duration,
    /// What may explain that it never registers.
    hints: Vec<String>,
    ever_ready: bool,
}

impl Adapter {
    pub(crate) fn new(
        settings: &Restart,
        start_timeout: Duration,
        domain: &str,
        desks: Desks,
        hub: Hub,
        hints: Vec<String>,
    ) -> Result<Self, BackoffError> {
        let policy = HealthPolicy {
            when: match settings.policy {
                Policy::Always => When::Always,
                Policy::OnFailure => When::OnFailure,
                Policy::Never => When::Never,
            },
            success_exit_codes: settings.success_exit_codes.clone(),
            backoff: BackoffConfig {
                initial: settings.backoff.initial,
                max: settings.backoff.max,
                factor: settings.backoff.factor,
                jitter: settings.backoff.jitter,
            },
            stable_after: settings.stable_after,
            budget: settings.budget,
            window: settings.window,
        };
        // Only domains that crash together must not come back together, so the name is seed enough.
        let seed = domain
            .bytes()
            .fold(u64::from(std::process::id()), |seed, byte| {
                seed.wrapping_mul(31).wrapping_add(u64::from(byte))
            });
        let restarts = Restarts::new(policy, seed)?;
        let domain = domain.to_owned();
        Ok(Self {
            restarts,
            domain,
            desks,
            hub,
            start_timeout,
            hints,
            ever_ready: false,
        })
    }

    fn last_words(&self) -> Vec<String> {
        let generation = self
            .desks
            .get(&self.domain)
            .and_then(|desk| desk.badge.borrow().as_ref().map(|badge| badge.generation));
        let Some(generation) = generation else {
            return Vec::new();
        };
        let lines = self
            .hub
            .last_lines(&self.domain, generation, Stream::Stderr, LAST_WORDS);
        lines.iter().map(|line| line.text().into_owned()).collect()
    }

    fn never_registered(&self) -> String {
        let mut reason = format!(
            "not registered within {}",
            humantime::format_duration(self.start_timeout)
        );
        for hint in &self.hints {
            reason.push_str(&format!("; {hint}"));
        }
        match self
            .last_words()
            .into_iter()
            .rfind(|line| !line.trim().is_empty())
        {
            Some(line) => reason.push_str(&format!("; last line on stderr: {}", line.trim())),
            None => reason.push_str("; nothing on stderr"),
        }
        reason
    }
}

impl RestartPolicy for Adapter {
    fn decide(&mut self, end: &End, now: Instant) -> Verdict {
        self.ever_ready |= end.was_ready;
        let words = match end.fault {
            Fault::Exited => self.last_words(),
            _ => Vec::new(),
        };
        let code = end.exit.and_then(|exit| exit.code);
        let signal = end.exit.and_then(|exit| exit.signal);
        let (fault, told) = match &end.fault {
            Fault::Exited => (
                None,
                diagnose(&words, code, signal)
                    .filter(|found| found.permanent)
                    .map(|found| format!("{} ({})", found.cause, found.cure)),
            ),
            // A domain that has never registered won't do so by being started again; one that
            // has may only have been slow.
            Fault::StartTimeout => (
                Some(HealthFault::NeverRegistered),
                (!self.ever_ready).then(|| self.never_registered()),
            ),
            Fault::Unhealthy(_) => (Some(HealthFault::Hung), None),
            Fault::Refused(failure) | Fault::NotStarted(failure) => (
                Some(HealthFault::StartFailed),
                failure.permanent.then(|| failure.to_string()),
            ),
        };
        let permanent = told.is_some();
        let ended = Ended {
            code,
            signal,
            fault,
            permanent,
            was_ready: end.was_ready,
        };
        match (self.restarts.ended(&ended, now), told) {
            (HealthVerdict::GiveUp { .. }, Some(reason)) => Verdict::GiveUp(reason),
            (HealthVerdict::GiveUp { reason }, None) => Verdict::GiveUp(reason),
            (HealthVerdict::Restart { after, .. }, _) => Verdict::Restart(after),
            (HealthVerdict::Stay, _) => Verdict::Stay,
        }
    }

    fn settled(&mut self) {
        self.restarts.settled();
    }

    fn reset(&mut self) {
        self.restarts.reset();
    }

    fn stable_after(&self) -> Duration {
        self.restarts.policy().stable_after
    }
}
