//! One event.

use std::time::SystemTime;

use fulcrum_spawn::lifecycle::Phase;

/// One event of a domain, or of the instance itself.
#[derive(Debug, Clone)]
pub struct Event {
    /// The sequence number: 1 for the first event of a run. A gap in what a follower receives
    /// means that it was too slow.
    pub seq: u64,
    /// When it happened, by the wall clock.
    pub time: SystemTime,
    /// The domain, or `fulcrum` for the instance itself.
    pub domain: String,
    /// The generation; 0 if it concerns none.
    pub generation: u64,
    /// The kind in one word, such as `ready`, `exited` or `changed`. Kinds do not change between
    /// versions.
    pub kind: &'static str,
    /// The phases before and after, if the event is a transition.
    pub phases: Option<(Phase, Phase)>,
    /// What happened and why, for people.
    pub reason: String,
}
