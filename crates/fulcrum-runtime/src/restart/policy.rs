//! The seam between lifecycle and health: one asks whether to restart, the other knows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fulcrum_config::{Domain, Policy, Restart};
use fulcrum_health::{
    BackoffConfig, BackoffError, Ended, Fault as HealthFault, RestartPolicy as HealthPolicy,
    Restarts, Verdict as HealthVerdict, When,
};
use fulcrum_logs::{Hub, Stream};
use fulcrum_spawn::lifecycle::{End, Fault, RestartPolicy, Verdict};

use crate::exit::diagnose::{LOOKED_AT, Obituary, shortened};
use crate::launch::backend::Workshop;
use crate::readiness::probes;
use crate::state::desired::{Agendas, Configured};
use crate::state::domain::{Desk, Desks};

/// One domain's restart policy: that of the agenda, with a memory of its own.
pub(crate) struct Adapter {
    restarts: Restarts,
    /// What `restarts` follows.
    settings: Restart,
    domain: Domain,
    agendas: Agendas,
    desks: Desks,
    hub: Hub,
    /// Why it may never register, besides what its settings tell.
    port_hint: Option<String>,
    ever_ready: bool,
}

impl Adapter {
    pub(crate) fn new(
        domain: &Domain,
        workshop: &Workshop,
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
            restarts: Restarts::new(translate(&settings), seed)?,
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
    fn with<T>(&self, look: impl FnOnce(&Domain) -> T) -> T {
        let now = Configured::find(&self.agendas.borrow(), &self.domain.name);
        look(now.as_deref().unwrap_or(&self.domain))
    }

    /// It needn't register, so an end before its readiness isn't told as one before that.
    fn probed(&self) -> bool {
        self.with(probes::decide)
    }

    /// Goes on by the settings of now, with the restarts counted so far.
    fn follow(&mut self) {
        let settings = self.with(|domain| domain.process.restart.clone());
        // The reload has tried them: they are sound.
        if settings != self.settings && self.restarts.adopt(translate(&settings)).is_ok() {
            self.settings = settings;
        }
    }

    fn desk(&self) -> Option<Arc<Desk>> {
        self.desks.get(&self.domain.name)
    }

    /// The present life's, or the last one's.
    fn generation(&self) -> Option<u64> {
        let desk = self.desk()?;
        let badge = desk.badge.borrow();
        badge.as_ref().map(|badge| badge.generation)
    }

    /// How the last life ended, once that is known.
    fn obituary(&self) -> Option<Arc<Obituary>> {
        self.desk()?.obituary_of(self.generation()?)
    }

    fn never_registered(&self) -> String {
        let (limit, hint) =
            self.with(|domain| (domain.process.start_timeout, probes::hint(domain)));
        let mut reason = format!(
            "not registered within {}",
            humantime::format_duration(limit)
        );
        for hint in self.port_hint.iter().chain(&hint) {
            reason.push_str(&format!("; {hint}"));
        }
        let lines = self.generation().map(|generation| {
            self.hub
                .last_lines(&self.domain.name, generation, Stream::Stderr, LOOKED_AT)
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
        self.follow();
        self.ever_ready |= end.was_ready;
        let (fault, told) = match &end.fault {
            Fault::Exited => (
                None,
                self.obituary()
                    .filter(|obituary| obituary.is_permanent())
                    .map(|obituary| obituary.words(end.was_ready || self.probed())),
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
                self.domain.name
            )),
            (HealthVerdict::Restart { after, .. }, _) => Verdict::Restart(after),
            (HealthVerdict::Stay, _) => Verdict::Stay,
        }
    }

    fn words(&self, end: &End) -> Option<String> {
        match &end.fault {
            Fault::Exited => Some(self.obituary()?.words(end.was_ready || self.probed())),
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
        self.with(|domain| domain.process.restart.stable_after)
    }
}

fn translate(settings: &Restart) -> HealthPolicy {
    HealthPolicy {
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
    }
}
