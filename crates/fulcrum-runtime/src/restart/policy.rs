//! The restart policy of a domain: the supervisor calls it, `fulcrum-health` decides.

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
use fulcrum_spawn::prepare::proxy_variables;

use crate::readiness::probe_set::{must_register, start_timeout_hint};
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::{DomainState, SharedDomainStates};

/// The least delay of a restart that is not the only one of its group.
const GROUP_DELAY: Duration = Duration::from_millis(50);

/// One domain's restart policy, by the configuration in force.
pub(crate) struct RestartPolicyAdapter {
    restarts: RestartTracker,
    /// The settings that `restarts` follows.
    settings: RestartSettings,
    /// The domain as it was configured when the policy was made.
    domain: Domain,
    desired: DesiredStateReceiver,
    states: SharedDomainStates,
    hub: Hub,
    /// Why the domain may connect to another port than that of the instance.
    port_hint: Option<String>,
    was_ever_ready: bool,
}

impl RestartPolicyAdapter {
    /// A policy without a history.
    ///
    /// # Errors
    /// The backoff settings are out of range.
    pub(crate) fn new(
        domain: &Domain,
        desired: DesiredStateReceiver,
        states: SharedDomainStates,
        hub: Hub,
        port_hint: Option<String>,
    ) -> Result<Self, BackoffError> {
        // Domains that crash together must not restart together: their names differ, so a hash of
        // the name is a sufficient seed.
        let pid = u64::from(std::process::id());
        let seed = domain.name.bytes().fold(pid, |seed, byte| {
            seed.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        let settings = domain.process.restart.clone();
        Ok(Self {
            restarts: RestartTracker::new(translate(&settings), seed)?,
            settings,
            domain: domain.clone(),
            desired,
            states,
            hub,
            port_hint,
            was_ever_ready: false,
        })
    }

    /// Reads the domain's settings in force; if it was removed, those of its start.
    fn with_config<T>(&self, read: impl FnOnce(&Domain) -> T) -> T {
        let config = self.desired.domain(&self.domain.name);
        read(config.as_deref().unwrap_or(&self.domain))
    }

    /// Applies the settings in force. The history of restarts stays.
    fn apply_config(&mut self) {
        let settings = self.with_config(|domain| domain.process.restart.clone());
        // The reload has checked the settings.
        if settings != self.settings && self.restarts.set_policy(translate(&settings)).is_ok() {
            self.settings = settings;
        }
    }

    fn state(&self) -> Option<Arc<DomainState>> {
        self.states.get(&self.domain.name)
    }

    /// The current generation, or the last one.
    fn generation(&self) -> Option<u64> {
        let state = self.state()?;
        let process = state.process.borrow();
        process.as_ref().map(|process| process.generation)
    }

    /// How the last generation exited, once that is diagnosed.
    fn exit_record(&self) -> Option<Arc<ExitRecord>> {
        self.state()?.exit_record(self.generation()?)
    }

    /// Describes an exit. That of a domain that need not register is not described as one before
    /// the registration.
    fn describe_exit(&self, exit: &ExitRecord, was_ready: bool) -> String {
        exit.describe(was_ready || !self.with_config(must_register))
    }

    fn describe_start_timeout(&self) -> String {
        let (limit, hint) =
            self.with_config(|domain| (domain.process.start_timeout, start_timeout_hint(domain)));
        let limit = humantime::format_duration(limit);
        let mut reason = format!("not registered within {limit}");
        let refusal = self.state().and_then(|state| {
            let refusal = state.refusal.borrow().clone()?;
            Some(format!("its last stream was refused: {refusal}"))
        });
        let proxy = self.describe_proxy().filter(|_| refusal.is_none());
        let hints = self.port_hint.iter().chain(&hint).chain(&proxy);
        for hint in refusal.iter().chain(hints) {
            reason.push_str(&format!("; {hint}"));
        }
        match self.last_stderr_line() {
            Some(line) => reason.push_str(&format!("; last on stderr: {}", truncate_line(&line))),
            None => reason.push_str("; nothing on stderr"),
        }
        reason
    }

    fn describe_time_limit(&self) -> String {
        let limit = self.with_config(|domain| domain.process.timeout);
        let limit = humantime::format_duration(limit.unwrap_or_default());
        let mut reason = format!("not completed within {limit} (process.timeout)");
        if let Some(line) = self.last_stderr_line() {
            reason.push_str(&format!("; last on stderr: {}", truncate_line(&line)));
        }
        reason
    }

    /// The variables that may keep a client from connecting, though the loopback is exempt: not
    /// every client knows of exemptions.
    fn describe_proxy(&self) -> Option<String> {
        let state = self.state()?;
        let process = state.process.borrow();
        let variables = proxy_variables(&process.as_ref()?.spec.env);
        (!variables.is_empty()).then(|| {
            format!(
                "{} is set in its environment: its client may connect through that proxy, so unset it in process.env",
                variables.join(", ")
            )
        })
    }

    fn last_stderr_line(&self) -> Option<String> {
        let (name, generation) = (&self.domain.name, self.generation()?);
        let lines = self
            .hub
            .last_lines(name, generation, Stream::Stderr, DIAGNOSED_LINES);
        let texts = lines.iter().rev().map(|line| line.text().trim().to_owned());
        texts.into_iter().find(|text| !text.is_empty())
    }

    /// Why the last generation failed, in one line.
    fn describe_end(&self, end: &GenerationEnd, ended: &HealthEnd) -> String {
        match &end.failure {
            Failure::TimeLimit => self.describe_time_limit(),
            Failure::Unhealthy(reason) => reason.clone(),
            Failure::Rejected(failure) | Failure::StartFailed(failure) => failure.to_string(),
            Failure::Exited | Failure::StartTimeout => {
                self.describe(end).unwrap_or_else(|| ended.to_string())
            }
        }
    }

    /// The kind of failure for `fulcrum-health`, and the reason if a restart cannot help.
    fn classify(&self, end: &GenerationEnd) -> (Option<HealthFailure>, Option<String>) {
        match &end.failure {
            Failure::Exited => {
                let exit = self.exit_record().filter(|exit| exit.is_permanent());
                let reason = exit.map(|exit| self.describe_exit(&exit, end.was_ready));
                (None, reason)
            }
            // A domain that has never registered will not register after a restart either; one
            // that has registered before may only have been slow.
            Failure::StartTimeout => (
                Some(HealthFailure::RegistrationTimeout),
                (!self.was_ever_ready).then(|| self.describe_start_timeout()),
            ),
            Failure::TimeLimit | Failure::Unhealthy(_) => (Some(HealthFailure::Unresponsive), None),
            Failure::Rejected(failure) | Failure::StartFailed(failure) => (
                Some(HealthFailure::StartFailed),
                failure.permanent.then(|| failure.to_string()),
            ),
        }
    }

    /// Whether the program ran, though it was not ready yet: one that need not register and has ended
    /// by itself, however soon.
    fn has_run(&self, end: &GenerationEnd) -> bool {
        end.failure == Failure::Exited && !self.with_config(must_register)
    }

    /// A member of a group does not start before the others are told to stop: they stop and start in
    /// the order of their dependencies.
    fn group_delay(&self) -> Duration {
        let desired = self.desired.current();
        match desired.app.members_to_restart(&self.domain.name).is_empty() {
            true => Duration::ZERO,
            false => GROUP_DELAY,
        }
    }

    /// Whether a job is done.
    fn is_completed(&self, end: &GenerationEnd) -> bool {
        let is_success = |code: i32| self.settings.success_exit_codes.contains(&code);
        end.failure == Failure::Exited
            && end.exit.and_then(|exit| exit.code).is_some_and(is_success)
            && self.with_config(Domain::is_job)
    }
}

impl RestartPolicy for RestartPolicyAdapter {
    fn decide(&mut self, end: &GenerationEnd, now: Instant) -> Verdict {
        self.apply_config();
        self.was_ever_ready |= end.was_ready;
        if self.is_completed(end) {
            self.restarts.reset();
            return Verdict::Complete;
        }
        let (failure, permanent) = self.classify(end);
        let ended = HealthEnd {
            code: end.exit.and_then(|exit| exit.code),
            signal: end.exit.and_then(|exit| exit.signal),
            failure,
            permanent: permanent.is_some(),
            // A job is never ready.
            was_ready: end.was_ready || self.with_config(Domain::is_job),
            was_running: end.was_running || self.has_run(end),
        };
        let verdict = self.restarts.on_exit(&ended, now);
        let is_attempt = matches!(verdict, HealthVerdict::Restart { attempt, .. } if attempt > 0);
        let schedule = is_attempt.then(|| self.restarts.budget_status());
        if let Some(state) = self.state() {
            state.restart_schedule.send_replace(schedule);
        }
        match (verdict, permanent) {
            (HealthVerdict::GiveUp { .. }, Some(reason)) => Verdict::GiveUp(reason),
            (HealthVerdict::GiveUp { reason }, None) => Verdict::GiveUp(format!(
                "{reason}; last: {}; fix the error, then run `fulcrum domains restart {}`",
                self.describe_end(end, &ended),
                self.domain.name
            )),
            (HealthVerdict::Restart { after, .. }, _) => {
                Verdict::Restart(after.max(self.group_delay()))
            }
            // A job that is not tried again has failed, and so have those that need it.
            (HealthVerdict::Stay, _) if self.with_config(Domain::is_job) => {
                Verdict::GiveUp(self.describe_end(end, &ended))
            }
            (HealthVerdict::Stay, _) => Verdict::Stay,
        }
    }

    fn describe(&self, end: &GenerationEnd) -> Option<String> {
        match &end.failure {
            Failure::Exited => {
                let exit = self.exit_record()?;
                Some(self.describe_exit(&exit, end.was_ready))
            }
            Failure::StartTimeout => Some(self.describe_start_timeout()),
            Failure::TimeLimit => Some(self.describe_time_limit()),
            // These have their own texts.
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
