//! The event log: the latest events of all domains, kept in memory and streamed to followers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use fulcrum_spawn::supervisor::Transition;
use tokio::sync::broadcast;

use crate::clock::now;
use crate::events::event::Event;
use crate::events::stream::EventStream;

/// How many events are kept; the oldest is dropped.
const CAPACITY: usize = 1000;

/// The event log of an instance. Clones are handles to the same log.
#[derive(Debug, Clone)]
pub(crate) struct EventLog {
    recent: Arc<Mutex<VecDeque<Event>>>,
    sender: broadcast::Sender<Event>,
}

impl EventLog {
    /// An empty event log.
    pub(crate) fn new() -> Self {
        Self {
            recent: Arc::default(),
            sender: broadcast::Sender::new(CAPACITY),
        }
    }

    /// Records a transition.
    pub(crate) fn record_transition(&self, transition: Transition) {
        let kind = transition.kind();
        self.push(Event {
            seq: 0,
            time: transition.time,
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
        self.push(Event {
            seq: 0,
            time: now(),
            domain: domain.to_owned(),
            generation,
            kind,
            phases: None,
            reason: reason.into(),
        });
    }

    fn push(&self, mut event: Event) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        event.seq = recent.back().map_or(1, |last| last.seq + 1);
        if recent.len() == CAPACITY {
            recent.pop_front();
        }
        recent.push_back(event.clone());
        // Sent under the lock, so that a subscriber misses no event and receives none twice.
        let _ = self.sender.send(event);
    }

    /// The events kept, and those that follow without a gap.
    pub(crate) fn subscribe(&self) -> EventStream {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        EventStream::new(recent.clone(), self.sender.subscribe())
    }
}
