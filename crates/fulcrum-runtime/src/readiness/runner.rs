//! The task of one life: asks when it is time, and tells what follows.

use std::time::Duration;

use fulcrum_config::{Check, Probe};
use fulcrum_health::{Finding, ProbeConfig, ProbeMonitor};
use fulcrum_spawn::lifecycle::Fact;
use tokio::time::{Instant, sleep_until};

use crate::readiness::check::ask;
use crate::readiness::log;
use crate::readiness::probes::{Answer, Answers, Probed, Probes};
use crate::state::desired::{Agendas, configured};

/// Asks until the life is over.
pub(crate) async fn watch(mut probes: Probes, life: Probed) {
    let Some(desk) = life.desks.get(&life.domain) else {
        return;
    };
    let generation = life.news.generation();
    let mut badges = desk.badge.subscribe();
    let over = badges.wait_for(|badge| {
        let own = badge
            .as_ref()
            .filter(|badge| badge.generation == generation);
        own.is_none_or(|badge| badge.over)
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
            others = others(&mut agendas, &life.domain, &probes) => others,
        };
        if others.ready.is_none() && probes.ready.is_some() {
            // From now on the registration is what counts.
            life.news
                .report(match *desk.registered.borrow() >= generation {
                    true => Fact::Ready,
                    false => Fact::NotReady("it has not registered".to_owned()),
                });
        }
        desk.probes.send_replace(Answers::default());
        probes = others;
    }
    desk.probes.send_replace(Answers::default());
}

/// Waits until the domain has other probes than these.
async fn others(agendas: &mut Agendas, domain: &str, probes: &Probes) -> Probes {
    loop {
        if agendas.changed().await.is_err() {
            // The instance is ending.
            return std::future::pending().await;
        }
        let now = configured(agendas, domain).map(|domain| Probes::of(&domain));
        if let Some(others) = now.filter(|now| now != probes) {
            return others;
        }
    }
}

async fn readiness(probe: Option<&Probe>, life: &Probed) {
    let Some(probe) = probe else { return };
    if let Check::Log(text) = &probe.check {
        let (hub, generation) = (&life.hub, life.news.generation());
        let said = log::said(hub, &life.domain, generation, text, probe.successes);
        tokio::pin!(said);
        if tokio::time::timeout(log::PATIENCE, &mut said)
            .await
            .is_err()
        {
            let why = format!("no line with {text:?} yet");
            show(life, |answers| answers.ready = Some(Answer::new(why)));
            said.await;
        }
        show(life, |answers| {
            (answers.ready, answers.answered) = (None, true)
        });
        life.news.report(Fact::Ready);
        return;
    }
    let mut monitor = monitor(probe, Duration::ZERO);
    loop {
        let (finding, answer) = next(&mut monitor, probe, life).await;
        let shown = answer.as_ref().err().cloned();
        show(life, |answers| {
            answers.answered |= shown.is_none();
            answers.ready = shown;
        });
        let fact = match (finding, answer) {
            (Finding::Up, _) => Fact::Ready,
            // What answers has started, even where that must happen several times.
            (_, Ok(())) => Fact::Started,
            (Finding::Down, Err(answer)) => {
                let (times, why) = (times(answer.failures), answer.why);
                Fact::NotReady(format!("ready probe failed {times}: {why}"))
            }
            (Finding::Nothing, Err(_)) => continue,
        };
        life.news.report(fact);
    }
}

async fn liveness(probe: Option<&Probe>, patience: Duration, life: &Probed) {
    let Some(probe) = probe else { return };
    let mut monitor = monitor(probe, patience);
    loop {
        let (finding, answer) = next(&mut monitor, probe, life).await;
        let shown = answer.as_ref().err().cloned();
        show(life, |answers| answers.alive = shown);
        if let (Finding::Down, Err(answer)) = (finding, answer) {
            let (times, why) = (times(answer.failures), answer.why);
            let why = format!("hung: alive probe failed {times}: {why}");
            life.news.report(Fact::Unhealthy(why));
        }
    }
}

/// Waits for the next question's time, asks it, and tells what that has changed.
async fn next(
    monitor: &mut ProbeMonitor,
    probe: &Probe,
    life: &Probed,
) -> (Finding, Result<(), Answer>) {
    sleep_until(Instant::from_std(monitor.due())).await;
    match ask(&probe.check, probe.timeout, life).await {
        Ok(()) => (monitor.good(clock()), Ok(())),
        Err(why) => {
            let finding = monitor.bad(clock());
            let answer = Answer {
                why,
                failures: monitor.failures(),
                of: probe.failures,
            };
            (finding, Err(answer))
        }
    }
}

fn monitor(probe: &Probe, patience: Duration) -> ProbeMonitor {
    let config = ProbeConfig {
        interval: probe.interval,
        timeout: probe.timeout,
        failures: probe.failures,
        successes: probe.successes,
        patience,
    };
    ProbeMonitor::new(config, clock())
}

fn show(life: &Probed, write: impl FnOnce(&mut Answers)) {
    if let Some(desk) = life.desks.get(&life.domain) {
        desk.probes.send_modify(write);
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
