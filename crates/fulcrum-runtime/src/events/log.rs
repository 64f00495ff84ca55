//! What happened to domains: kept for those who ask later, told to those who follow.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::Transition;
use tokio::sync::broadcast;

use crate::context::now;

/// As many as are kept; the oldest goes.
const CAPACITY: usize = 1000;

/// One thing that happened, and its number.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) time: SystemTime,
    pub(crate) domain: String,
    pub(crate) generation: u64,
    /// What happened, in one word that doesn't change between versions.
    pub(crate) event_kind: &'static str,
    /// The phases before and after, where it was a transition.
    pub(crate) phases: Option<(Phase, Phase)>,
    /// For people.
    pub(crate) reason: String,
}

/// The instance's journal. Clones are handles to one.
#[derive(Debug, Clone)]
pub(crate) struct EventLog {
    recent: Arc<Mutex<VecDeque<Event>>>,
    sender: broadcast::Sender<Event>,
}

impl EventLog {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self {
            recent: Arc::default(),
            sender: broadcast::Sender::new(CAPACITY),
        }
    }

    /// Enters a transition.
    pub(crate) fn record_transition(&self, transition: Transition) {
        let kind = transition.kind();
        self.push(Event {
            seq: 0,
            time: transition.time,
            domain: transition.domain,
            generation: transition.generation,
            event_kind: kind,
            phases: Some((transition.from, transition.to)),
            reason: transition.reason,
        });
    }

    /// Enters something that changed no phase, such as a stream that came back. `kind` is one
    /// word in lower case.
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
            event_kind: kind,
            phases: None,
            reason: reason.into(),
        });
    }

    fn push(&self, mut event: Event) {
        let mut kept = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        event.seq = kept.back().map_or(1, |last| last.seq + 1);
        if kept.len() == CAPACITY {
            kept.pop_front();
        }
        kept.push_back(event.clone());
        // Under the lock, so that what is read and what is followed meet without a seam.
        let _ = self.sender.send(event);
    }

    /// What is kept, and then what comes.
    pub(crate) fn subscribe(&self) -> (Vec<Event>, broadcast::Receiver<Event>) {
        let kept = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.iter().cloned().collect(), self.sender.subscribe())
    }
}
