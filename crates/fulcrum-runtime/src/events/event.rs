//! One event.

use std::time::SystemTime;

use fulcrum_spawn::lifecycle::Phase;

/// One event of a domain, or of the instance itself.
#[derive(Debug, Clone)]
pub struct Event {
    /// The sequence number: 1 for the first event of a run. A gap in what a follower receives live
    /// means that it was too slow. Of a repeated event, that of the last time.
    pub seq: u64,
    /// When it happened, by the wall clock; the last time, if it is repeated.
    pub time: SystemTime,
    /// When it happened for the first time.
    pub first_time: SystemTime,
    /// How often it has happened: an event that repeats an earlier one since the domain's last
    /// transition replaces it.
    pub count: u64,
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
