//! Tells what happens to domains: to people in words, to programs in the journal.

use std::time::Duration;

use fulcrum_logs::Level;
use fulcrum_spawn::lifecycle::{Goal, Phase, TransitionCause};
use fulcrum_spawn::supervisor::{Snapshot, Transition};
use tokio::sync::mpsc;

use crate::context::{SharedContext, now};
use crate::exit::describe::{describe_forced_exit, hint};
use crate::readiness::probes;
use crate::restart::groups::GroupRestarts;
use crate::state::domain::PendingReload;

/// Carries transitions until no driver is left.
pub(crate) async fn run(
    house: SharedContext,
    mut transitions: mpsc::UnboundedReceiver<Transition>,
) {
    let mut together = GroupRestarts::default();
    while let Some(mut transition) = transitions.recv().await {
        together.on_transition(&house, &transition);
        probes::update_serving_status(&house, &transition);
        let handle = house.supervisor.domain(&transition.domain);
        if let Some(handle) = handle {
            let snapshot = handle.snapshot();
            let reloaded = reload_finished(&house, &transition);
            let words = match &reloaded {
                Some(text) => Some((Level::Info, text.clone())),
                None => log_message(&house, &transition, &snapshot),
            };
            if let Some((level, text)) = words {
                let generation = transition.generation;
                house
                    .hub
                    .publish_event(&transition.domain, generation, level, text, now());
            }
            transition.reason = event_reason(&house, &transition, &snapshot);
            if let Some(text) = reloaded {
                let (name, generation) = (transition.domain.clone(), transition.generation);
                house.journal.record_transition(transition);
                house.journal.record(&name, generation, "reloaded", text);
                continue;
            }
        } else if transition.to == Phase::Stopped {
            // It was removed, and forgotten as soon as it had ended.
            let text = "stopped".to_owned();
            let generation = transition.generation;
            house
                .hub
                .publish_event(&transition.domain, generation, Level::Info, text, now());
        }
        house.journal.record_transition(transition);
    }
}

fn log_message(
    house: &SharedContext,
    news: &Transition,
    now: &Snapshot,
) -> Option<(Level, String)> {
    Some(match news.to {
        // A gate that is open lets it pass at once, which is no news.
        Phase::Waiting if now.reason.starts_with("waiting for") => {
            (Level::Info, now.reason.clone())
        }
        Phase::Waiting | Phase::Preparing => return None,
        Phase::Starting => (Level::Info, started(house, news)?),
        Phase::Running if news.ready && news.was_ready_before => {
            (Level::Info, "ready again".to_owned())
        }
        Phase::Running if !news.ready && news.from == Phase::Starting => {
            (Level::Info, news.reason.clone())
        }
        Phase::Running if !news.ready => (Level::Warn, format!("not ready: {}", news.reason)),
        Phase::Running => {
            let after = now.ready_after.unwrap_or_default();
            (Level::Info, format!("ready in {}", format_duration(after)))
        }
        Phase::Stopping if matches!(news.cause, TransitionCause::Requested(_)) => {
            (Level::Info, "stopping".to_owned())
        }
        Phase::Stopping
            if matches!(
                news.cause,
                TransitionCause::GroupRestart | TransitionCause::Reload
            ) =>
        {
            (Level::Info, news.reason.clone())
        }
        Phase::Stopping => (Level::Error, news.reason.clone()),
        Phase::Backoff => {
            let next = describe_next_start(house, &news.domain, now);
            // A life's end has been told already; a start that failed has not.
            let text = if news.from == Phase::Stopping {
                next
            } else {
                format!("{}; {next}", news.reason)
            };
            (Level::Warn, text)
        }
        Phase::Stopped if now.goal == Goal::Down => (Level::Info, "stopped".to_owned()),
        Phase::Stopped => {
            let advice = hint(house, &news.domain, now)
                .map_or_else(String::new, |advice| format!("; {advice}"));
            let text = format!("ended ({}), and is not started again{advice}", news.reason);
            (Level::Info, text)
        }
        Phase::Failed => (Level::Error, failed(news, now)),
        Phase::Stuck => (Level::Error, stuck(house, now.pid.unwrap_or_default())),
    })
}

/// `reloaded in 31 ms (src/price.ts)`, once the life is ready that a change has begun.
fn reload_finished(house: &SharedContext, news: &Transition) -> Option<String> {
    let desk = house.desks.get(&news.domain)?;
    if matches!(news.cause, TransitionCause::Requested(_)) && news.to != Phase::Running {
        // What begins now has another reason.
        desk.pending_reload
            .send_if_modified(|now| now.take().is_some());
    }
    if news.to != Phase::Running || !news.ready || news.was_ready_before {
        return None;
    }
    let PendingReload { since, what } = desk.pending_reload.send_replace(None)?;
    let after = format_duration(since.elapsed());
    Some(format!("reloaded in {after} ({what})"))
}

/// What has just been told as the end isn't told again.
fn failed(news: &Transition, now: &Snapshot) -> String {
    let told = now
        .last_exit
        .as_ref()
        .filter(|exit| exit.generation == news.generation && news.from == Phase::Stopping);
    match told.and_then(|exit| news.reason.strip_prefix(exit.reason.as_str())) {
        Some("") => format!(
            "failed: it would end so again; once it is mended, `fulcrum domains restart {}` starts it",
            news.domain
        ),
        _ => format!("failed: {}", news.reason),
    }
}

/// `started by node 20.20.2 (PATH), pid 4242`
fn started(house: &SharedContext, news: &Transition) -> Option<String> {
    let badge = house.desks.get(&news.domain)?.process.borrow().clone()?;
    let badge = (badge.generation == news.generation).then_some(badge)?;
    let pid = badge
        .pid
        .map_or_else(String::new, |pid| format!(", pid {pid}"));
    Some(format!("started by {}{pid}", badge.spec.runner))
}

/// Who survived, and in which state, which is why.
fn stuck(house: &SharedContext, leader: u32) -> String {
    let mut lives = house.containment.members_of(&[leader]);
    let left = lives.remove(&leader).unwrap_or_default();
    let left: Vec<String> = left.iter().map(ToString::to_string).collect();
    let who = if left.is_empty() {
        format!("pid {leader}")
    } else {
        left.join(", ")
    };
    format!("stuck: {who} survived SIGKILL; nothing is started until that is gone")
}

/// A transition's reason for the journal, with what the machine doesn't know: how a life took the
/// end that it was given, and when the next one begins.
fn event_reason(house: &SharedContext, news: &Transition, now: &Snapshot) -> String {
    if news.to == Phase::Waiting && now.phase == Phase::Waiting {
        // The gate knows for whom it waits.
        return now.reason.clone();
    }
    if news.to == Phase::Starting {
        return started(house, news).unwrap_or_else(|| news.reason.clone());
    }
    let mut text = news.reason.clone();
    let exit = now.last_exit.as_ref();
    let ended =
        exit.filter(|exit| news.from == Phase::Stopping && exit.generation == news.generation);
    if let Some(how) = ended.and_then(|exit| describe_forced_exit(house, &news.domain, exit)) {
        text.push_str(&format!("; {how}"));
    }
    if news.to == Phase::Backoff {
        text.push_str(&format!(
            "; {}",
            describe_next_start(house, &news.domain, now)
        ));
    }
    text
}

/// `starts again in 400 ms (attempt 3 of 8 in 1m)`
fn describe_next_start(house: &SharedContext, domain: &str, now: &Snapshot) -> String {
    let wait = now.retry_at.map_or(Duration::ZERO, |at| {
        at.saturating_duration_since(tokio::time::Instant::now())
    });
    let outlook = house
        .desks
        .get(domain)
        .and_then(|desk| desk.restart_schedule.borrow().clone())
        .map_or_else(String::new, |outlook| format!(" ({outlook})"));
    format!("starts again in {}{outlook}", format_duration(wait))
}

/// A duration as people like to read it, in milliseconds up to ten seconds.
pub(crate) fn format_duration(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}
