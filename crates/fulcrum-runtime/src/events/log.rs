//! The event log: the latest events of each domain, kept in memory and streamed to followers.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use fulcrum_logs::FULCRUM_SOURCE;
use fulcrum_spawn::supervisor::Transition;
use fulcrum_telemetry::metrics::Metrics;
use tokio::sync::broadcast;

use crate::clock::now;
use crate::events::event::Event;
use crate::events::stream::EventStream;

/// How many events of one domain are kept; its oldest is dropped. A bound for all domains together
/// would let one domain that has many events push out the history of the others.
const DOMAIN_CAPACITY: usize = 1000;

/// How many events a follower may be behind.
const FOLLOWER_CAPACITY: usize = 1000;

/// How many of a domain's latest events are compared with a new one. More than one, since a program
/// that writes two files in turn repeats two events.
const FOLD_DEPTH: usize = 8;

/// The event log of an instance. Clones are handles to the same log.
#[derive(Debug, Clone)]
pub(crate) struct EventLog {
    recent: Arc<Mutex<Recent>>,
    metrics: Option<Metrics>,
    sender: broadcast::Sender<Event>,
}

/// The events in memory.
#[derive(Debug, Default)]
struct Recent {
    last_seq: u64,
    /// By domain, oldest first.
    domains: HashMap<String, VecDeque<Event>>,
}

impl EventLog {
    /// An empty event log. Its events count for metrics, if there are any.
    pub(crate) fn new(metrics: Option<Metrics>) -> Self {
        Self {
            recent: Arc::default(),
            metrics,
            sender: broadcast::Sender::new(FOLLOWER_CAPACITY),
        }
    }

    /// Records a transition.
    pub(crate) fn record_transition(&self, transition: Transition) {
        let kind = transition.kind();
        self.push(Event {
            seq: 0,
            time: transition.time,
            first_time: transition.time,
            count: 1,
            domain: transition.domain,
            generation: transition.generation,
            kind,
            phases: Some((transition.from, transition.to)),
            reason: transition.reason,
        });
    }

    /// Records an event that is not a transition, such as a reconnect. `kind` is one word in lower
    /// case.
    pub(crate) fn record(
        &self,
        domain: &str,
        generation: u64,
        kind: &'static str,
        reason: impl Into<String>,
    ) {
        let time = now();
        self.push(Event {
            seq: 0,
            time,
            first_time: time,
            count: 1,
            domain: domain.to_owned(),
            generation,
            kind,
            phases: None,
            reason: reason.into(),
        });
    }

    fn push(&self, event: Event) {
        if let Some(metrics) = &self.metrics {
            count(metrics, &event);
        }
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let event = recent.push(event);
        // Sent under the lock, so that a subscriber misses no event and receives none twice.
        let _ = self.sender.send(event);
    }

    /// The events kept, and those that follow without a gap.
    pub(crate) fn subscribe(&self) -> EventStream {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        EventStream::new(recent.in_order(), self.sender.subscribe())
    }
}

impl Recent {
    /// Numbers an event, and keeps it: alone, or as a repeat of an earlier one. Returns it as kept.
    fn push(&mut self, mut event: Event) -> Event {
        self.last_seq += 1;
        event.seq = self.last_seq;
        let kept = self.domains.entry(event.domain.clone()).or_default();
        if let Some(at) = repeated(kept, &event)
            && let Some(earlier) = kept.remove(at)
        {
            event.count = earlier.count + 1;
            event.first_time = earlier.first_time;
        }
        if kept.len() == DOMAIN_CAPACITY {
            kept.pop_front();
        }
        kept.push_back(event.clone());
        event
    }

    /// The events of all domains in their order.
    fn in_order(&self) -> VecDeque<Event> {
        let mut all: Vec<Event> = self.domains.values().flatten().cloned().collect();
        all.sort_unstable_by_key(|event| event.seq);
        all.into()
    }
}

/// Counts an event for metrics.
fn count(metrics: &Metrics, event: &Event) {
    if let Some(domain) = metrics.domain(&event.domain) {
        domain.event(event.kind);
    } else if event.domain == FULCRUM_SOURCE {
        match event.kind {
            "config_changed" => metrics.config_reloaded("applied"),
            "config_invalid" => metrics.config_reloaded("rejected"),
            _ => {}
        }
    }
}

/// Where the event is that this one repeats: an equal one since the last transition. Transitions are
/// the history of a domain, and stay where they are.
fn repeated(kept: &VecDeque<Event>, event: &Event) -> Option<usize> {
    let latest = kept.iter().enumerate().rev().take(FOLD_DEPTH);
    let mut since_transition = latest.take_while(|(_, earlier)| earlier.phases.is_none());
    if event.phases.is_some() {
        return None;
    }
    let same = since_transition.find(|(_, earlier)| {
        earlier.kind == event.kind
            && earlier.generation == event.generation
            && earlier.reason == event.reason
    });
    same.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use fulcrum_spawn::lifecycle::{Phase, TransitionCause};

    use super::*;

    fn recent(log: &EventLog, domain: &str) -> Vec<(u64, u64, String)> {
        let mut stream = log.subscribe();
        let of_domain = stream.recent().filter(|event| event.domain == domain);
        of_domain
            .map(|event| (event.seq, event.count, event.reason))
            .collect()
    }

    fn transition(domain: &str, reason: &str) -> Transition {
        Transition {
            domain: domain.to_owned(),
            generation: 1,
            from: Phase::Starting,
            to: Phase::Running,
            time: SystemTime::UNIX_EPOCH,
            ready: true,
            was_ready_before: false,
            reason: reason.to_owned(),
            cause: TransitionCause::Normal,
        }
    }

    #[test]
    fn a_domain_with_many_events_does_not_push_out_those_of_others() {
        let log = EventLog::new(None);
        log.record("quiet", 1, "asked", "once");
        for n in 0..3 * DOMAIN_CAPACITY {
            log.record("chatty", 1, "changed", format!("{n}.json"));
        }
        assert_eq!(recent(&log, "quiet"), [(1, 1, "once".to_owned())]);
        let chatty = recent(&log, "chatty");
        assert_eq!(chatty.len(), DOMAIN_CAPACITY);
        assert_eq!(chatty.last().map(|event| event.0), Some(3_001));
    }

    #[test]
    fn repeats_since_the_last_transition_are_one_event_with_a_count() {
        let log = EventLog::new(None);
        for _ in 0..3 {
            log.record("users", 1, "asset_changed", "a.db");
            log.record("users", 1, "asset_changed", "a.db-wal");
            log.record("orders", 1, "asset_changed", "a.db");
        }
        log.record_transition(transition("users", "registered"));
        log.record("users", 1, "asset_changed", "a.db");
        log.record("users", 2, "asset_changed", "a.db");
        let expected = [
            (7, 3, "a.db"),
            (8, 3, "a.db-wal"),
            (10, 1, "registered"),
            (11, 1, "a.db"),
            (12, 1, "a.db"),
        ];
        let expected = expected.map(|(seq, count, reason)| (seq, count, reason.to_owned()));
        assert_eq!(recent(&log, "users"), expected);
        let mut all = log.subscribe();
        let order: Vec<u64> = all.recent().map(|event| event.seq).collect();
        assert!(order.is_sorted(), "{order:?}");
    }

    #[test]
    fn transitions_are_never_folded() {
        let log = EventLog::new(None);
        log.record_transition(transition("users", "registered"));
        log.record_transition(transition("users", "registered"));
        assert_eq!(recent(&log, "users").len(), 2);
    }
}
