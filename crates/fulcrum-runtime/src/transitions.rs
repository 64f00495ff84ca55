//! Transitions of domains, turned into events and log lines.

mod counts;

use std::time::Duration;

use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_rpc::Registry;
use fulcrum_spawn::lifecycle::{Goal, Phase, TransitionCause};
use fulcrum_spawn::process::{Member, ProcessTracker};
use fulcrum_spawn::supervisor::{Snapshot, Supervisor, Transition};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::clock::instant_of;
use crate::code::Code;
use crate::events::log::EventLog;
use crate::exit::describe::{describe_forced_exit, hint};
use crate::exit::held::{HeldExits, exit_line};
use crate::format::format_measured;
use crate::hooks::runner::HookRunner;
use crate::log_lines::log_for_domain;
use crate::readiness::late::LateReadiness;
use crate::readiness::outlook::outlook;
use crate::readiness::serving::ServingStatus;
use crate::restart::groups::GroupRestarts;
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::{PendingReload, SharedDomainStates};
use crate::traces::starts::StartTraces;

/// Records and logs transitions, and passes them to supervision groups and the serving status.
pub(crate) struct TransitionTask {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) supervisor: Supervisor,
    pub(crate) registry: Registry,
    pub(crate) tracker: ProcessTracker,
    pub(crate) groups: GroupRestarts,
    pub(crate) serving: ServingStatus,
    pub(crate) late: LateReadiness,
    pub(crate) hooks: HookRunner,
    pub(crate) traces: StartTraces,
    /// Exits whose consequence is not known yet.
    pub(crate) exits: HeldExits,
    pub(crate) events: EventLog,
    pub(crate) hub: Hub,
}

impl TransitionTask {
    /// Runs until no domain is supervised any more.
    pub(crate) async fn run(mut self, mut transitions: mpsc::UnboundedReceiver<Transition>) {
        loop {
            let transition = tokio::select! {
                transition = transitions.recv() => match transition {
                    Some(transition) => transition,
                    None => return,
                },
                () = self.exits.due() => {
                    for (domain, exit) in self.exits.take_due(Instant::now()) {
                        let text = with_code(&exit.text, Code::Ended);
                        log_for_domain(&self.hub, &domain, exit.generation, Level::Error, text);
                    }
                    continue;
                }
            };
            self.groups.on_transition(&transition);
            self.serving.on_transition(&transition);
            self.late.on_transition(&transition);
            self.traces.on_transition(&transition);
            let handle = self.supervisor.domain(&transition.domain);
            self.hooks.on_transition(&transition, handle.as_ref());
            match handle {
                Some(handle) => {
                    let snapshot = handle.snapshot();
                    let domain = &transition.domain;
                    let outlook = outlook(&self.desired, &self.states, domain, &snapshot);
                    self.registry.set_outlook(domain, outlook);
                    self.publish(transition, &snapshot);
                }
                None => self.publish_removed(transition),
            }
        }
    }

    fn publish(&mut self, mut transition: Transition, snapshot: &Snapshot) {
        self.count(&transition, snapshot);
        if let Some(state) = self.states.get(&transition.domain) {
            let at = instant_of(transition.time);
            let times = &state.start_times;
            times.send_modify(|times| times.on_transition(&transition, snapshot, at));
        }
        let (name, generation) = (transition.domain.clone(), transition.generation);
        let reloaded = self.reload_finished(&transition);
        let message = match &reloaded {
            Some(text) => Some((Level::Info, text.clone())),
            None => self.log_message(&transition, snapshot),
        };
        let is_exit = transition.to == Phase::Stopping
            && transition.cause == TransitionCause::Exited
            && message.is_some();
        match message {
            // What follows is said in the same line, if it is decided soon.
            Some((_, text)) if is_exit => self.exits.hold(&name, generation, &text, Instant::now()),
            Some((level, text)) => {
                for (generation, level, text) in self.exits.join(&name, generation, level, text) {
                    let text = match level {
                        Level::Warn | Level::Error => with_code(&text, code_of(&transition)),
                        _ => text,
                    };
                    log_for_domain(&self.hub, &name, generation, level, text);
                }
            }
            None => {}
        }
        transition.reason = self.event_reason(&transition, snapshot);
        self.events.record_transition(transition);
        if let Some(text) = reloaded {
            self.events.record(&name, generation, "reloaded", text);
        }
    }

    fn count(&self, transition: &Transition, snapshot: &Snapshot) {
        let state = self.states.get(&transition.domain);
        if let Some(metrics) = state.as_ref().and_then(|state| state.metrics.as_ref()) {
            counts::count(
                metrics,
                transition,
                snapshot,
                self.is_job(&transition.domain),
            );
        }
    }

    /// A domain that was removed from the configuration has no handle once it has stopped.
    fn publish_removed(&self, transition: Transition) {
        if transition.to == Phase::Stopped {
            let (name, generation) = (&transition.domain, transition.generation);
            log_for_domain(&self.hub, name, generation, Level::Info, "stopped");
        }
        self.events.record_transition(transition);
    }

    /// The log line of a transition, if it has one.
    fn log_message(&self, transition: &Transition, snapshot: &Snapshot) -> Option<(Level, String)> {
        let reason = || transition.reason.clone();
        Some(match transition.to {
            // With nothing to wait for, this phase is left at once.
            Phase::Waiting if snapshot.reason.starts_with("waiting for") => {
                (Level::Info, snapshot.reason.clone())
            }
            Phase::Waiting | Phase::Preparing => return None,
            Phase::Starting => (Level::Info, self.describe_start(transition)?),
            Phase::Running if transition.ready && transition.was_ready_before => {
                (Level::Info, "ready again".to_owned())
            }
            Phase::Running if transition.ready => {
                let after = snapshot.ready_after.unwrap_or_default();
                (Level::Info, format!("ready in {}", format_measured(after)))
            }
            Phase::Running if self.is_job(&transition.domain) => return None,
            Phase::Running if transition.from == Phase::Starting => {
                (Level::Info, "started, not ready yet".to_owned())
            }
            Phase::Running => (Level::Warn, format!("not ready: {}", reason())),
            // The end of a job is logged once its whole tree is gone.
            Phase::Stopping if self.is_success(transition, snapshot) => return None,
            Phase::Stopping => describe_stopping(transition),
            Phase::Backoff => (Level::Warn, self.describe_backoff(transition, snapshot)),
            // A job that is done has nothing to stop.
            Phase::Stopped if transition.from == Phase::Completed => return None,
            Phase::Stopped if snapshot.goal == Goal::Down => (Level::Info, "stopped".to_owned()),
            Phase::Stopped => (
                Level::Info,
                self.describe_not_restarted(transition, snapshot),
            ),
            Phase::Completed => {
                let after = snapshot.completed.map(|(_, after)| after);
                let after = format_measured(after.unwrap_or_default());
                (Level::Info, format!("completed in {after}"))
            }
            Phase::Failed => {
                let verb = match self.is_job(&transition.domain) {
                    true => "run",
                    false => "restart",
                };
                (Level::Error, describe_failed(transition, snapshot, verb))
            }
            Phase::Stuck => {
                let leader = snapshot.pid.unwrap_or_default();
                (Level::Error, self.describe_stuck(leader))
            }
        })
    }

    /// `reloaded in 31 ms (src/price.ts)`, once the generation that a reload has started is ready.
    fn reload_finished(&self, transition: &Transition) -> Option<String> {
        let state = self.states.get(&transition.domain)?;
        if matches!(transition.cause, TransitionCause::Requested(_))
            && transition.to != Phase::Running
        {
            // A request supersedes the reload.
            state
                .pending_reload
                .send_if_modified(|pending| pending.take().is_some());
        }
        if transition.to != Phase::Running || !transition.ready || transition.was_ready_before {
            return None;
        }
        let PendingReload { since, what } = state.pending_reload.send_replace(None)?;
        let after = since.elapsed();
        let (domain, generation) = (&transition.domain, transition.generation);
        self.traces.reloaded(domain, generation, (after, &what));
        if let Some(metrics) = &state.metrics {
            metrics.reloaded(after);
        }
        Some(format!("reloaded in {} ({what})", format_measured(after)))
    }

    fn is_job(&self, domain: &str) -> bool {
        let config = self.desired.domain(domain);
        config.is_some_and(|config| config.is_job())
    }

    /// Whether a job has exited with success.
    fn is_success(&self, transition: &Transition, snapshot: &Snapshot) -> bool {
        let exit = snapshot.last_exit.as_ref();
        let exit = exit.filter(|exit| exit.generation == transition.generation);
        let code = exit.and_then(|exit| exit.report.code);
        let config = self.desired.domain(&transition.domain);
        let job = config.filter(|config| config.is_job());
        transition.cause == TransitionCause::Exited
            && job
                .zip(code)
                .is_some_and(|(job, code)| job.process.restart.success_exit_codes.contains(&code))
    }

    /// `started by node 20.20.2 (PATH), pid 4242`
    fn describe_start(&self, transition: &Transition) -> Option<String> {
        let state = self.states.get(&transition.domain)?;
        let process = state.process.borrow().clone()?;
        if process.generation != transition.generation {
            return None;
        }
        let runner = &process.spec.runner;
        Some(match process.pid {
            Some(pid) => format!("started by {runner}, pid {pid}"),
            None => format!("started by {runner}"),
        })
    }

    fn describe_backoff(&self, transition: &Transition, snapshot: &Snapshot) -> String {
        let next = self.describe_next_start(&transition.domain, snapshot);
        // The exit of a process is logged already; a failed start is not.
        if transition.from == Phase::Stopping {
            next
        } else {
            format!("{}; {next}", transition.reason)
        }
    }

    fn describe_not_restarted(&self, transition: &Transition, snapshot: &Snapshot) -> String {
        let config = self.desired.domain(&transition.domain);
        let hint = hint(config.as_deref(), snapshot);
        let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
        format!("{}; not restarting{hint}", exit_line(&transition.reason))
    }

    /// The processes that are still alive, with the state that explains it.
    fn describe_stuck(&self, leader: u32) -> String {
        let mut groups = self.tracker.members_of(&[leader]);
        let alive = groups.remove(&leader).unwrap_or_default();
        let alive: Vec<String> = alive.iter().map(Member::to_string).collect();
        let alive = match alive.is_empty() {
            true => format!("pid {leader}"),
            false => alive.join(", "),
        };
        format!("stuck: {alive} still running after SIGKILL; start blocked until it exits")
    }

    /// The reason of an event. Beyond that of the transition it says what is waited for, how a
    /// process exited that Fulcrum stopped, and when the next generation is due.
    fn event_reason(&self, transition: &Transition, snapshot: &Snapshot) -> String {
        if transition.to == Phase::Waiting && snapshot.phase == Phase::Waiting {
            return snapshot.reason.clone();
        }
        if transition.to == Phase::Starting {
            let text = self.describe_start(transition);
            return text.unwrap_or_else(|| transition.reason.clone());
        }
        let name = &transition.domain;
        if transition.to == Phase::Running && self.is_job(name) {
            return "not completed yet".to_owned();
        }
        let mut text = transition.reason.clone();
        let exit = snapshot.last_exit.as_ref().filter(|exit| {
            transition.from == Phase::Stopping && exit.generation == transition.generation
        });
        if let Some(exit) = exit.and_then(|exit| describe_forced_exit(&self.states, name, exit)) {
            text.push_str(&format!("; {exit}"));
        }
        if transition.to == Phase::Backoff {
            text.push_str(&format!("; {}", self.describe_next_start(name, snapshot)));
        }
        text
    }

    /// `restarting in 400 ms (attempt 3 of 8 in 1m)`, `restarting now (…)`
    fn describe_next_start(&self, domain: &str, snapshot: &Snapshot) -> String {
        let retry_at = snapshot.retry_at;
        let wait = retry_at.map(|at| at.saturating_duration_since(Instant::now()));
        let when = match wait.unwrap_or_default() {
            Duration::ZERO => "now".to_owned(),
            wait => format!("in {}", format_measured(wait)),
        };
        let state = self.states.get(domain);
        match state.and_then(|state| state.restart_schedule.borrow().clone()) {
            Some(attempt) => format!("restarting {when} ({attempt})"),
            None => format!("restarting {when}"),
        }
    }
}

/// The code of a warning or an error about a transition, whose reason may have one of its own.
fn code_of(transition: &Transition) -> Code {
    match transition.to {
        Phase::Running => Code::NotReady,
        Phase::Backoff => Code::Restarting,
        Phase::Failed => Code::FailedPermanently,
        Phase::Stuck => Code::Stuck,
        _ if transition.cause == TransitionCause::Exited => Code::Ended,
        _ => Code::Unhealthy,
    }
}

fn describe_stopping(transition: &Transition) -> (Level, String) {
    match transition.cause {
        TransitionCause::Requested(_) => (Level::Info, "stopping".to_owned()),
        TransitionCause::GroupRestart | TransitionCause::Reload => {
            (Level::Info, transition.reason.clone())
        }
        _ => (Level::Error, transition.reason.clone()),
    }
}

/// A failure. The exit that it starts with is logged already.
fn describe_failed(transition: &Transition, snapshot: &Snapshot, verb: &str) -> String {
    let exit = snapshot.last_exit.as_ref().filter(|exit| {
        exit.generation == transition.generation && transition.from == Phase::Stopping
    });
    let rest = exit.and_then(|exit| transition.reason.strip_prefix(exit.reason.as_str()));
    match rest {
        Some("") => format!(
            "failed permanently\nhint: fix the error, then run `fulcrum domains {verb} {}`",
            transition.domain
        ),
        _ => format!("failed: {}", transition.reason),
    }
}

#[cfg(test)]
mod job_tests;
#[cfg(test)]
mod tests;
