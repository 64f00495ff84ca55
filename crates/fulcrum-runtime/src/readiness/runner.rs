//! The task of one life: asks when it is time, and tells what follows.

use std::time::Duration;

use fulcrum_config::{ProbeCheck, ProbeSettings};
use fulcrum_health::{ProbeChange, ProbeConfig, ProbeFailure, ProbeMonitor, ProbeStatus};
use fulcrum_logs::wait_for_text;
use fulcrum_spawn::lifecycle::Fact;
use tokio::time::{Instant, sleep_until};

use crate::readiness::check::run_check;
use crate::readiness::probes::{ProbeSet, ProbeTarget};
use crate::state::desired::{DesiredStateReceiver, current_config};

/// A text that does not appear within this time is reported as missing.
const REPORT_AFTER: Duration = Duration::from_secs(2);

/// Asks until the life is over.
pub(crate) async fn run(mut probes: ProbeSet, life: ProbeTarget) {
    let Some(desk) = life.desks.get(&life.domain) else {
        return;
    };
    let generation = life.news.generation();
    let mut badges = desk.process.subscribe();
    let over = badges.wait_for(|badge| {
        let own = badge
            .as_ref()
            .filter(|badge| badge.generation == generation);
        own.is_none_or(|badge| badge.exited)
    });
    tokio::pin!(over);
    let mut agendas = life.agendas.clone();
    loop {
        let asking = async {
            tokio::join!(
                readiness(probes.ready.as_ref(), &life),
                liveness(probes.alive.as_ref(), probes.patience, &life),
            );
            // There may be others later.
            std::future::pending::<()>().await;
        };
        let others = tokio::select! {
            _ = &mut over => break,
            () = asking => break,
            others = wait_for_new_probes(&mut agendas, &life.domain, &probes) => others,
        };
        if others.ready.is_none() && probes.ready.is_some() {
            // From now on the registration is what counts.
            life.news
                .report(match *desk.registered_generation.borrow() >= generation {
                    true => Fact::Ready,
                    false => Fact::NotReady("it has not registered".to_owned()),
                });
        }
        desk.probe_status.send_replace(ProbeStatus::default());
        probes = others;
    }
    desk.probe_status.send_replace(ProbeStatus::default());
}

/// Waits until the domain has other probes than these.
async fn wait_for_new_probes(
    agendas: &mut DesiredStateReceiver,
    domain: &str,
    probes: &ProbeSet,
) -> ProbeSet {
    loop {
        if agendas.changed().await.is_err() {
            // The instance is ending.
            return std::future::pending().await;
        }
        let now = current_config(agendas, domain).map(|domain| ProbeSet::of(&domain));
        if let Some(others) = now.filter(|now| now != probes) {
            return others;
        }
    }
}

async fn readiness(probe: Option<&ProbeSettings>, life: &ProbeTarget) {
    let Some(probe) = probe else { return };
    if let ProbeCheck::Log(text) = &probe.check {
        let (hub, generation) = (&life.hub, life.news.generation());
        let said = wait_for_text(hub, &life.domain, generation, text, probe.successes);
        tokio::pin!(said);
        if tokio::time::timeout(REPORT_AFTER, &mut said).await.is_err() {
            let why = format!("no line with {text:?} yet");
            update_status(life, |answers| answers.ready = Some(ProbeFailure::new(why)));
            said.await;
        }
        update_status(life, |answers| {
            (answers.ready, answers.has_succeeded) = (None, true)
        });
        life.news.report(Fact::Ready);
        return;
    }
    let mut monitor = monitor(probe, Duration::ZERO);
    loop {
        let (finding, answer) = run_next(&mut monitor, probe, life).await;
        let shown = answer.as_ref().err().cloned();
        update_status(life, |answers| {
            answers.has_succeeded |= shown.is_none();
            answers.ready = shown;
        });
        let fact = match (finding, answer) {
            (ProbeChange::Up, _) => Fact::Ready,
            // What answers has started, even where that must happen several times.
            (_, Ok(())) => Fact::Started,
            (ProbeChange::Down, Err(answer)) => {
                let (times, why) = (times(answer.failures), answer.reason);
                Fact::NotReady(format!("ready probe failed {times}: {why}"))
            }
            (ProbeChange::None, Err(_)) => continue,
        };
        life.news.report(fact);
    }
}

async fn liveness(probe: Option<&ProbeSettings>, patience: Duration, life: &ProbeTarget) {
    let Some(probe) = probe else { return };
    let mut monitor = monitor(probe, patience);
    loop {
        let (finding, answer) = run_next(&mut monitor, probe, life).await;
        let shown = answer.as_ref().err().cloned();
        update_status(life, |answers| answers.alive = shown);
        if let (ProbeChange::Down, Err(answer)) = (finding, answer) {
            let (times, why) = (times(answer.failures), answer.reason);
            let why = format!("hung: alive probe failed {times}: {why}");
            life.news.report(Fact::Unhealthy(why));
        }
    }
}

/// Waits for the next question's time, asks it, and tells what that has changed.
async fn run_next(
    monitor: &mut ProbeMonitor,
    probe: &ProbeSettings,
    life: &ProbeTarget,
) -> (ProbeChange, Result<(), ProbeFailure>) {
    sleep_until(Instant::from_std(monitor.due())).await;
    match run_check(&probe.check, probe.timeout, life).await {
        Ok(()) => (monitor.record_success(clock()), Ok(())),
        Err(why) => {
            let finding = monitor.record_failure(clock());
            let answer = ProbeFailure {
                reason: why,
                failures: monitor.failures(),
                threshold: probe.failures,
            };
            (finding, Err(answer))
        }
    }
}

fn monitor(probe: &ProbeSettings, patience: Duration) -> ProbeMonitor {
    let config = ProbeConfig {
        interval: probe.interval,
        timeout: probe.timeout,
        failures: probe.failures,
        successes: probe.successes,
        startup_grace: patience,
    };
    ProbeMonitor::new(config, clock())
}

fn update_status(life: &ProbeTarget, write: impl FnOnce(&mut ProbeStatus)) {
    if let Some(desk) = life.desks.get(&life.domain) {
        desk.probe_status.send_modify(write);
    }
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

fn clock() -> std::time::Instant {
    Instant::now().into_std()
}
