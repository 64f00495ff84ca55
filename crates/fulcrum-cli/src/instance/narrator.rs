//! Tells what happens to domains: to people in words, to programs in the journal.

use std::time::Duration;

use fulcrum_logs::Level;
use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::{Snapshot, Transition};
use tokio::sync::mpsc;

use super::escaped::shown;
use super::explain::{advice, explain};
use super::house::{Shared, now};

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
        // A gate that is open lets it pass at once, which is no news.
        Phase::Waiting if now.reason.starts_with("waiting for") => {
            (Level::Info, now.reason.clone())
        }
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
        Phase::Running if news.from == Phase::Running && news.ready => {
            (Level::Info, "ready again".to_owned())
        }
        Phase::Running if !news.ready => (Level::Warn, format!("not ready: {}", news.reason)),
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
        Phase::Stopped => {
            let advice = advice(now).map_or_else(String::new, |advice| format!("; {advice}"));
            let text = format!("ended ({}), and is not started again{advice}", news.reason);
            (Level::Info, text)
        }
        Phase::Failed => (Level::Error, format!("failed: {}", news.reason)),
        Phase::Stuck => (Level::Error, stuck(house, now.pid.unwrap_or_default())),
    })
}

/// Who survived, and in which state, which is why.
fn stuck(house: &Shared, leader: u32) -> String {
    let mut lives = house.containment.lives(&[leader]);
    let left = lives.remove(&leader).unwrap_or_default();
    let left: Vec<String> = left.iter().map(shown).collect();
    let who = if left.is_empty() {
        format!("pid {leader}")
    } else {
        left.join(", ")
    };
    format!("stuck: {who} survived SIGKILL; nothing is started until that is gone")
}

/// Why a life ended by itself, with what its last words tell about the cause.
fn fault(house: &Shared, news: &Transition, now: &Snapshot) -> String {
    match &now.last_exit {
        Some(exit) if exit.generation == news.generation => {
            explain(house, &news.domain, exit, news.from == Phase::Starting)
        }
        _ => news.reason.clone(),
    }
}

/// A duration as people like to read it, in milliseconds up to ten seconds.
pub(crate) fn millis(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}
