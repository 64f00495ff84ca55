//! The seam between lifecycle and health: one asks whether to restart, the other knows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fulcrum_config::{Policy, Restart};
use fulcrum_health::{
    BackoffConfig, BackoffError, Ended, Fault as HealthFault, RestartPolicy as HealthPolicy,
    Restarts, Verdict as HealthVerdict, When,
};
use fulcrum_logs::{Hub, Stream};
use fulcrum_spawn::lifecycle::{End, Fault, RestartPolicy, Verdict};

use super::desk::{Desk, Desks};
use super::obituary::{LOOKED_AT, Obituary, shortened};

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
    /// It needn't register, so an end before its readiness isn't told as one before that.
    pub(crate) probed: bool,
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
            probed: false,
        })
    }

    fn desk(&self) -> Option<&Desk> {
        self.desks.get(&self.domain)
    }

    /// The present life's, or the last one's.
    fn generation(&self) -> Option<u64> {
        let badge = self.desk()?.badge.borrow();
        badge.as_ref().map(|badge| badge.generation)
    }

    /// How the last life ended, once that is known.
    fn obituary(&self) -> Option<Arc<Obituary>> {
        self.desk()?.obituary_of(self.generation()?)
    }

    fn never_registered(&self) -> String {
        let mut reason = format!(
            "not registered within {}",
            humantime::format_duration(self.start_timeout)
        );
        for hint in &self.hints {
            reason.push_str(&format!("; {hint}"));
        }
        let lines = self.generation().map(|generation| {
            self.hub
                .last_lines(&self.domain, generation, Stream::Stderr, LOOKED_AT)
        });
        let texts = lines.iter().flatten().rev().map(|line| line.text());
        match texts
            .map(|text| text.trim().to_owned())
            .find(|text| !text.is_empty())
        {
            Some(line) => reason.push_str(&format!("; last on stderr: {}", shortened(&line))),
            None => reason.push_str("; nothing on stderr"),
        }
        reason
    }

    /// The last life's end in one line.
    fn last(&self, end: &End, ended: &Ended) -> String {
        match &end.fault {
            Fault::Unhealthy(why) => why.clone(),
            Fault::Refused(failure) | Fault::NotStarted(failure) => failure.to_string(),
            Fault::Exited | Fault::StartTimeout => {
                self.words(end).unwrap_or_else(|| ended.describe())
            }
        }
    }
}

impl RestartPolicy for Adapter {
    fn decide(&mut self, end: &End, now: Instant) -> Verdict {
        self.ever_ready |= end.was_ready;
        let (fault, told) = match &end.fault {
            Fault::Exited => (
                None,
                self.obituary()
                    .filter(|obituary| obituary.is_permanent())
                    .map(|obituary| obituary.words(end.was_ready || self.probed)),
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
        let ended = Ended {
            code: end.exit.and_then(|exit| exit.code),
            signal: end.exit.and_then(|exit| exit.signal),
            fault,
            permanent: told.is_some(),
            was_ready: end.was_ready,
        };
        let decided = self.restarts.ended(&ended, now);
        let outlook =
            matches!(decided, HealthVerdict::Restart { .. }).then(|| self.restarts.outlook());
        if let Some(desk) = self.desk() {
            desk.outlook.send_replace(outlook);
        }
        match (decided, told) {
            (HealthVerdict::GiveUp { .. }, Some(reason)) => Verdict::GiveUp(reason),
            (HealthVerdict::GiveUp { reason }, None) => Verdict::GiveUp(format!(
                "{reason}; last: {}; once it is mended, `fulcrum domains restart {}` starts it again",
                self.last(end, &ended),
                self.domain
            )),
            (HealthVerdict::Restart { after, .. }, _) => Verdict::Restart(after),
            (HealthVerdict::Stay, _) => Verdict::Stay,
        }
    }

    fn words(&self, end: &End) -> Option<String> {
        match &end.fault {
            Fault::Exited => Some(self.obituary()?.words(end.was_ready || self.probed)),
            Fault::StartTimeout => Some(self.never_registered()),
            // Their texts are made by those who know.
            Fault::Unhealthy(_) | Fault::Refused(_) | Fault::NotStarted(_) => None,
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
