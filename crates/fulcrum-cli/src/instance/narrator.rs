//! Tells what happens to domains: to people in words, to programs in the journal.

use std::time::Duration;

use fulcrum_health::{diagnose, explain_exit};
use fulcrum_logs::{Level, Stream};
use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::{Snapshot, Transition};
use tokio::sync::mpsc;

use super::house::{Shared, now};

/// How many of the last lines are looked at for a known cause.
const LAST_WORDS: usize = 20;

/// Carries transitions until no driver is left.
pub(crate) async fn tell(house: Shared, mut transitions: mpsc::UnboundedReceiver<Transition>) {
    while let Some(transition) = transitions.recv().await {
        let handle = house.supervisor.domain(&transition.domain);
        let snapshot = handle.map(fulcrum_spawn::supervisor::Handle::snapshot);
        if let Some((level, text)) = snapshot.and_then(|now| words(&house, &transition, &now)) {
            let generation = transition.generation;
            house
                .hub
                .announce(&transition.domain, generation, level, text, now());
        }
        house.journal.enter(transition);
    }
}

fn words(house: &Shared, news: &Transition, now: &Snapshot) -> Option<(Level, String)> {
    let asked = news.reason.ends_with("asked for");
    Some(match news.to {
        Phase::Waiting if now.phase == Phase::Waiting => (Level::Info, now.reason.clone()),
        Phase::Waiting | Phase::Preparing => return None,
        Phase::Starting => {
            let badge = house.desks.get(&news.domain)?.badge.borrow().clone()?;
            let pid = badge
                .pid
                .map_or_else(String::new, |pid| format!(", pid {pid}"));
            (
                Level::Info,
                format!("started by {}{pid}", badge.spec.runner),
            )
        }
        Phase::Running => {
            let after = now.ready_after.unwrap_or_default();
            (Level::Info, format!("ready in {}", millis(after)))
        }
        Phase::Stopping if asked => (Level::Info, "stopping".to_owned()),
        Phase::Stopping => (Level::Error, fault(house, news, now)),
        Phase::Backoff => {
            let wait = now.retry_at.map_or(Duration::ZERO, |at| {
                at.saturating_duration_since(tokio::time::Instant::now())
            });
            (Level::Warn, format!("starts again in {}", millis(wait)))
        }
        Phase::Stopped if asked => (Level::Info, "stopped".to_owned()),
        Phase::Stopped => (
            Level::Info,
            format!("ended ({}); it is not started again", news.reason),
        ),
        Phase::Failed => (Level::Error, format!("failed: {}", news.reason)),
        Phase::Stuck => (
            Level::Error,
            format!(
                "stuck: pid {} survived SIGKILL; nothing is started until it is gone",
                now.pid.unwrap_or_default()
            ),
        ),
    })
}

/// Why a life ended by itself, with what its last words tell about the cause.
fn fault(house: &Shared, news: &Transition, now: &Snapshot) -> String {
    let Some(exit) = now
        .last_exit
        .as_ref()
        .filter(|exit| exit.generation == news.generation)
    else {
        return news.reason.clone();
    };
    if exit.reason != exit.report.to_string() {
        return news.reason.clone();
    }
    let report = exit.report;
    let mut text = explain_exit(report.code, report.signal);
    if news.from == Phase::Starting {
        text.push_str(" before it registered");
    }
    let lines = house
        .hub
        .last_lines(&news.domain, news.generation, Stream::Stderr, LAST_WORDS);
    let words: Vec<String> = lines.iter().map(|line| line.text().into_owned()).collect();
    if let Some(found) = diagnose(&words, report.code, report.signal) {
        text.push_str(&format!(": {} ({})", found.cause, found.cure));
    }
    text
}

/// A duration as people like to read it, in milliseconds up to ten seconds.
pub(crate) fn millis(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}
