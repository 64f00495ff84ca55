//! What happened to domains: kept for those who ask later, told to those who follow.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use fulcrum_spawn::supervisor::Transition;
use tokio::sync::broadcast;

/// As many as are kept; the oldest goes.
const KEPT: usize = 1000;

/// One transition and its number.
#[derive(Debug, Clone)]
pub(crate) struct Numbered {
    pub(crate) seq: u64,
    pub(crate) transition: Transition,
}

/// The instance's journal. Clones are handles to one.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    kept: Arc<Mutex<VecDeque<Numbered>>>,
    told: broadcast::Sender<Numbered>,
}

impl Journal {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self {
            kept: Arc::default(),
            told: broadcast::Sender::new(KEPT),
        }
    }

    /// Enters a transition.
    pub(crate) fn enter(&self, transition: Transition) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let seq = kept.back().map_or(1, |last| last.seq + 1);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        let numbered = Numbered { seq, transition };
        kept.push_back(numbered.clone());
        // Under the lock, so that what is read and what is followed meet without a seam.
        let _ = self.told.send(numbered);
    }

    /// What is kept, and then what comes.
    pub(crate) fn follow(&self) -> (Vec<Numbered>, broadcast::Receiver<Numbered>) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.iter().cloned().collect(), self.told.subscribe())
    }
}
