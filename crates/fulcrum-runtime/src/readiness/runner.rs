//! The task that runs the probes of one generation.

use std::future;
use std::time::Duration;

use fulcrum_config::{ProbeCheck, ProbeSettings};
use fulcrum_health::{ProbeChange, ProbeConfig, ProbeFailure, ProbeMonitor, ProbeStatus};
use fulcrum_logs::{Level, wait_for_text, with_code};
use fulcrum_spawn::lifecycle::Fact;
use tokio::time::{Instant, sleep_until, timeout};

use crate::clock::now;
use crate::code::Code;
use crate::log_lines::log_for_domain;
use crate::readiness::answer::{Answer, CheckFailure};
use crate::readiness::check::run_check;
use crate::readiness::probe_set::ProbeSet;
use crate::readiness::started::wait_until_started;
use crate::readiness::target::ProbeTarget;
use crate::state::desired::DesiredStateReceiver;
use crate::state::inspect::inspector_flag;

/// A text that does not appear within this time is reported as missing.
const REPORT_AFTER: Duration = Duration::from_secs(2);

/// Starts the probes of a generation that was just spawned. They run until it exits.
pub(crate) fn start(probes: ProbeSet, target: ProbeTarget) {
    if let Some(state) = target.states.get(&target.domain) {
        state.probe_status.send_replace(ProbeStatus::default());
    }
    let is_probed = |probe: &ProbeSettings| probe.check != ProbeCheck::Started;
    if probes.is_job || probes.ready.as_ref().is_some_and(is_probed) && !probes.registers {
        target.facts.report(Fact::Started);
    }
    tokio::spawn(run(probes, target));
}

async fn run(mut probes: ProbeSet, target: ProbeTarget) {
    let Some(state) = target.states.get(&target.domain) else {
        return;
    };
    let generation = target.facts.generation();
    let mut processes = state.process.subscribe();
    let exited = processes.wait_for(|process| {
        let own = process
            .as_ref()
            .filter(|process| process.generation == generation);
        own.is_none_or(|process| process.exited)
    });
    tokio::pin!(exited);
    let mut desired = target.desired.clone();
    loop {
        let running = async {
            tokio::join!(
                run_readiness(probes.ready.as_ref(), probes.startup_grace, &target),
                run_liveness(probes.alive.as_ref(), probes.startup_grace, &target),
            );
            // A reload may configure other probes.
            future::pending::<()>().await;
        };
        let new = tokio::select! {
            _ = &mut exited => break,
            () = running => break,
            new = wait_for_new_probes(&mut desired, &target.domain, &probes) => new,
        };
        if new.ready.is_none() && probes.ready.is_some() {
            // From now on the registration decides.
            let is_registered = *state.registered_generation.borrow() >= generation;
            target.facts.report(match is_registered {
                true => Fact::Ready,
                false => Fact::NotReady("it has not registered".to_owned()),
            });
        }
        state.probe_status.send_replace(ProbeStatus::default());
        probes = new;
    }
    state.probe_status.send_replace(ProbeStatus::default());
}

/// Waits until the domain is configured with other probes.
async fn wait_for_new_probes(
    desired: &mut DesiredStateReceiver,
    domain: &str,
    probes: &ProbeSet,
) -> ProbeSet {
    loop {
        if desired.changed().await.is_none() {
            // The instance is shutting down.
            return future::pending().await;
        }
        let new = desired.domain(domain).map(|domain| ProbeSet::of(&domain));
        if let Some(new) = new.filter(|new| new != probes) {
            return new;
        }
    }
}

async fn run_readiness(
    probe: Option<&ProbeSettings>,
    start_timeout: Duration,
    target: &ProbeTarget,
) {
    let Some(probe) = probe else { return };
    if probe.check == ProbeCheck::Started {
        return wait_until_started(start_timeout, target).await;
    }
    if let ProbeCheck::Log(text) = &probe.check {
        return wait_for_log(text, probe.successes, target).await;
    }
    let mut monitor = monitor(probe, Duration::ZERO);
    let mut reported_stranger = None;
    loop {
        let (change, result) = run_next(&mut monitor, probe, target).await;
        if let Err((failure, true)) = &result
            && reported_stranger.as_ref() != Some(&failure.reason)
        {
            report_stranger(&failure.reason, target);
            reported_stranger = Some(failure.reason.clone());
        }
        let result = result.map_err(|(failure, _)| failure);
        count(target, "ready", result.is_ok());
        update_status(target, |status| status.record_ready(&result));
        let fact = match (change, result) {
            (ProbeChange::Up, _) => Fact::Ready,
            // One success shows that the domain has started, even if several are required.
            (_, Ok(_)) => Fact::Started,
            (ProbeChange::Down, Err(failure)) => {
                let times = describe_times(failure.failures);
                Fact::NotReady(format!("ready probe failed {times}: {}", failure.reason))
            }
            (ProbeChange::None, Err(_)) => continue,
        };
        target.facts.report(fact);
    }
}

/// A readiness probe that waits for a text in the log lines.
async fn wait_for_log(text: &str, times: u32, target: &ProbeTarget) {
    let generation = target.facts.generation();
    let appeared = wait_for_text(&target.hub, &target.domain, generation, text, times);
    tokio::pin!(appeared);
    if timeout(REPORT_AFTER, &mut appeared).await.is_err() {
        let reason = format!("no line with {text:?} yet");
        update_status(target, |status| {
            status.ready = Some(ProbeFailure::new(reason));
        });
        appeared.await;
    }
    update_status(target, |status| {
        (status.ready, status.has_succeeded) = (None, true);
    });
    target.facts.report(Fact::Ready);
}

async fn run_liveness(probe: Option<&ProbeSettings>, grace: Duration, target: &ProbeTarget) {
    let Some(probe) = probe else { return };
    // A program that a debugger has paused answers nothing.
    if inspector_flag(&target.spec).is_some() {
        return;
    }
    let mut monitor = monitor(probe, grace);
    loop {
        let (change, result) = run_next(&mut monitor, probe, target).await;
        let result = result.map_err(|(failure, _)| failure);
        count(target, "alive", result.is_ok());
        let failure = result.as_ref().err().cloned();
        update_status(target, |status| status.alive = failure);
        if let (ProbeChange::Down, Err(failure)) = (change, result) {
            let times = describe_times(failure.failures);
            let reason = format!("hung: alive probe failed {times}: {}", failure.reason);
            target.facts.report(Fact::Unhealthy(reason));
        }
    }
}

/// Runs the check of a probe when it is due next, and returns what that changes. With a failure
/// comes whether a stranger has answered; with a success, why it may be one.
async fn run_next(
    monitor: &mut ProbeMonitor,
    probe: &ProbeSettings,
    target: &ProbeTarget,
) -> (ProbeChange, Result<Option<String>, (ProbeFailure, bool)>) {
    sleep_until(Instant::from_std(monitor.due())).await;
    let from = now();
    let answer = run_check(&probe.check, probe.timeout, target).await;
    let failure = answer.as_ref().err().map(|failure| failure.text.clone());
    let generation = target.facts.generation();
    // Those of a domain that runs are too many.
    target
        .traces
        .part(&target.domain, generation, "probe", (from, failure));
    match answer {
        Ok(Answer::Accepted) => (monitor.record_success(clock()), Ok(None)),
        Ok(Answer::Unverified(why)) => (monitor.record_success(clock()), Ok(Some(why))),
        Err(CheckFailure { text, is_stranger }) => {
            let change = monitor.record_failure(clock());
            let failure = ProbeFailure {
                reason: text,
                failures: monitor.failures(),
                threshold: probe.failures,
            };
            (change, Err((failure, is_stranger)))
        }
    }
}

/// Says at once that another process answers, since the domain will fail later for that reason.
fn report_stranger(reason: &str, target: &ProbeTarget) {
    let text = format!(
        "not ready: {reason}\nhint: stop that process, or use another port for this domain"
    );
    let text = with_code(&text, Code::Stranger);
    let generation = target.facts.generation();
    log_for_domain(&target.hub, &target.domain, generation, Level::Warn, text);
}

fn monitor(probe: &ProbeSettings, startup_grace: Duration) -> ProbeMonitor {
    let config = ProbeConfig {
        interval: probe.interval,
        timeout: probe.timeout,
        failures: probe.failures,
        successes: probe.successes,
        startup_grace,
    };
    ProbeMonitor::new(config, clock())
}

/// Counts a check for metrics.
fn count(target: &ProbeTarget, probe: &'static str, success: bool) {
    let state = target.states.get(&target.domain);
    if let Some(metrics) = state.as_ref().and_then(|state| state.metrics.as_ref()) {
        metrics.probed(probe, success);
    }
}

fn update_status(target: &ProbeTarget, update: impl FnOnce(&mut ProbeStatus)) {
    if let Some(state) = target.states.get(&target.domain) {
        state.probe_status.send_modify(update);
    }
}

fn describe_times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

fn clock() -> std::time::Instant {
    Instant::now().into_std()
}
