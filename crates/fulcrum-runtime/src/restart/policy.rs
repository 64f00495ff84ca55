//! The seam between lifecycle and health: one asks whether to restart, the other knows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fulcrum_config::{Domain, RestartMode, RestartSettings};
use fulcrum_health::{
    BackoffConfig, BackoffError, DIAGNOSED_LINES, ExitRecord, Failure as HealthFailure,
    GenerationEnd as HealthEnd, RestartMode as HealthMode, RestartPolicy as HealthPolicy,
    RestartTracker, Verdict as HealthVerdict, truncate_line,
};
use fulcrum_logs::{Hub, Stream};
use fulcrum_spawn::lifecycle::{Failure, GenerationEnd, RestartPolicy, Verdict};

use crate::launch::backend::LaunchContext;
use crate::readiness::probes;
use crate::state::desired::{DesiredStateReceiver, DomainConfigRef};
use crate::state::domain::{DomainState, SharedDomainStates};

/// One domain's restart policy: that of the agenda, with a memory of its own.
pub(crate) struct RestartPolicyAdapter {
    restarts: RestartTracker,
    /// What `restarts` follows.
    settings: RestartSettings,
    domain: Domain,
    agendas: DesiredStateReceiver,
    desks: SharedDomainStates,
    hub: Hub,
    /// Why it may never register, besides what its settings tell.
    port_hint: Option<String>,
    ever_ready: bool,
}

impl RestartPolicyAdapter {
    pub(crate) fn new(
        domain: &Domain,
        workshop: &LaunchContext,
        port_hint: Option<String>,
    ) -> Result<Self, BackoffError> {
        // Only domains that crash together must not come back together, so the name is seed enough.
        let seed = domain
            .name
            .bytes()
            .fold(u64::from(std::process::id()), |seed, byte| {
                seed.wrapping_mul(31).wrapping_add(u64::from(byte))
            });
        let settings = domain.process.restart.clone();
        Ok(Self {
            restarts: RestartTracker::new(translate(&settings), seed)?,
            settings,
            domain: domain.clone(),
            agendas: workshop.agendas.clone(),
            desks: Arc::clone(&workshop.desks),
            hub: workshop.hub.clone(),
            port_hint,
            ever_ready: false,
        })
    }

    /// Does something with its settings as they are now; where it isn't on the agenda any more,
    /// with those of its beginning.
    fn with_config<T>(&self, look: impl FnOnce(&Domain) -> T) -> T {
        let now = DomainConfigRef::find(&self.agendas.borrow(), &self.domain.name);
        look(now.as_deref().unwrap_or(&self.domain))
    }

    /// It needn't register, so an end before its readiness isn't told as one before that.
    fn has_readiness_probe(&self) -> bool {
        self.with_config(probes::has_readiness_probe)
    }

    /// Goes on by the settings of now, with the restarts counted so far.
    fn apply_config(&mut self) {
        let settings = self.with_config(|domain| domain.process.restart.clone());
        // The reload has tried them: they are sound.
        if settings != self.settings && self.restarts.set_policy(translate(&settings)).is_ok() {
            self.settings = settings;
        }
    }

    fn desk(&self) -> Option<Arc<DomainState>> {
        self.desks.get(&self.domain.name)
    }

    /// The present life's, or the last one's.
    fn generation(&self) -> Option<u64> {
        let desk = self.desk()?;
        let badge = desk.process.borrow();
        badge.as_ref().map(|badge| badge.generation)
    }

    /// How the last life ended, once that is known.
    fn obituary(&self) -> Option<Arc<ExitRecord>> {
        self.desk()?.obituary_of(self.generation()?)
    }

    fn describe_start_timeout(&self) -> String {
        let (limit, hint) = self.with_config(|domain| {
            (
                domain.process.start_timeout,
                probes::start_timeout_hint(domain),
            )
        });
        let mut reason = format!(
            "not registered within {}",
            humantime::format_duration(limit)
        );
        for hint in self.port_hint.iter().chain(&hint) {
            reason.push_str(&format!("; {hint}"));
        }
        let lines = self.generation().map(|generation| {
            self.hub.last_lines(
                &self.domain.name,
                generation,
                Stream::Stderr,
                DIAGNOSED_LINES,
            )
        });
        let texts = lines.iter().flatten().rev().map(|line| line.text());
        match texts
            .map(|text| text.trim().to_owned())
            .find(|text| !text.is_empty())
        {
            Some(line) => reason.push_str(&format!("; last on stderr: {}", truncate_line(&line))),
            None => reason.push_str("; nothing on stderr"),
        }
        reason
    }

    /// The last life's end in one line.
    fn describe_end(&self, end: &GenerationEnd, ended: &HealthEnd) -> String {
        match &end.failure {
            Failure::Unhealthy(why) => why.clone(),
            Failure::Rejected(failure) | Failure::StartFailed(failure) => failure.to_string(),
            Failure::Exited | Failure::StartTimeout => {
                self.describe(end).unwrap_or_else(|| ended.to_string())
            }
        }
    }
}

impl RestartPolicy for RestartPolicyAdapter {
    fn decide(&mut self, end: &GenerationEnd, now: Instant) -> Verdict {
        self.apply_config();
        self.ever_ready |= end.was_ready;
        let (fault, told) = match &end.failure {
            Failure::Exited => (
                None,
                self.obituary()
                    .filter(|obituary| obituary.is_permanent())
                    .map(|obituary| obituary.describe(end.was_ready || self.has_readiness_probe())),
            ),
            // A domain that has never registered won't do so by being started again; one that
            // has may only have been slow.
            Failure::StartTimeout => (
                Some(HealthFailure::RegistrationTimeout),
                (!self.ever_ready).then(|| self.describe_start_timeout()),
            ),
            Failure::Unhealthy(_) => (Some(HealthFailure::Unresponsive), None),
            Failure::Rejected(failure) | Failure::StartFailed(failure) => (
                Some(HealthFailure::StartFailed),
                failure.permanent.then(|| failure.to_string()),
            ),
        };
        let ended = HealthEnd {
            code: end.exit.and_then(|exit| exit.code),
            signal: end.exit.and_then(|exit| exit.signal),
            failure: fault,
            permanent: told.is_some(),
            was_ready: end.was_ready,
        };
        let decided = self.restarts.on_exit(&ended, now);
        let outlook =
            matches!(decided, HealthVerdict::Restart { .. }).then(|| self.restarts.budget_status());
        if let Some(desk) = self.desk() {
            desk.restart_schedule.send_replace(outlook);
        }
        match (decided, told) {
            (HealthVerdict::GiveUp { .. }, Some(reason)) => Verdict::GiveUp(reason),
            (HealthVerdict::GiveUp { reason }, None) => Verdict::GiveUp(format!(
                "{reason}; last: {}; once it is mended, `fulcrum domains restart {}` starts it again",
                self.describe_end(end, &ended),
                self.domain.name
            )),
            (HealthVerdict::Restart { after, .. }, _) => Verdict::Restart(after),
            (HealthVerdict::Stay, _) => Verdict::Stay,
        }
    }

    fn describe(&self, end: &GenerationEnd) -> Option<String> {
        match &end.failure {
            Failure::Exited => Some(
                self.obituary()?
                    .describe(end.was_ready || self.has_readiness_probe()),
            ),
            Failure::StartTimeout => Some(self.describe_start_timeout()),
            // Their texts are made by those who know.
            Failure::Unhealthy(_) | Failure::Rejected(_) | Failure::StartFailed(_) => None,
        }
    }

    fn on_stable(&mut self) {
        self.restarts.on_stable();
    }

    fn reset(&mut self) {
        self.restarts.reset();
    }

    fn stable_after(&self) -> Duration {
        self.with_config(|domain| domain.process.restart.stable_after)
    }
}

fn translate(settings: &RestartSettings) -> HealthPolicy {
    HealthPolicy {
        when: match settings.policy {
            RestartMode::Always => HealthMode::Always,
            RestartMode::OnFailure => HealthMode::OnFailure,
            RestartMode::Never => HealthMode::Never,
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
    }
}
