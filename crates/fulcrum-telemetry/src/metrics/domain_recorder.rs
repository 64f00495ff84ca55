//! What is counted of one domain as it happens, since it could not be read later.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use prometheus_client::metrics::histogram::Histogram;

use super::calls::{CallCounts, CallFacts};
use super::window_max::WindowMax;

/// The upper bounds of the buckets for delays of an event loop, in seconds.
pub(super) const LAG_BUCKETS: [f64; 12] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The upper bounds of the buckets for starts and reloads, in seconds.
const START_BUCKETS: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// How the process of a domain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExitFacts {
    /// The exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The name of the signal that ended it.
    pub signal: Option<&'static str>,
}

/// Counts what happens to one domain. The name is that of the domain, or its successor of the same
/// name.
#[derive(Debug)]
pub struct DomainRecorder(Mutex<DomainCounts>);

#[derive(Debug)]
pub(super) struct DomainCounts {
    pub(super) loop_lag: Histogram,
    pub(super) max_loop_lag: WindowMax,
    pub(super) starts: Histogram,
    pub(super) reloads: Histogram,
    pub(super) restarts: BTreeMap<&'static str, u64>,
    pub(super) exits: BTreeMap<ExitFacts, u64>,
    pub(super) failures: u64,
    pub(super) probes: BTreeMap<(&'static str, bool), u64>,
    pub(super) watch_events: BTreeMap<&'static str, u64>,
    pub(super) events: BTreeMap<&'static str, u64>,
    pub(super) calls: CallCounts,
}

impl Default for DomainRecorder {
    fn default() -> Self {
        Self(Mutex::new(DomainCounts {
            loop_lag: Histogram::new(LAG_BUCKETS),
            max_loop_lag: WindowMax::default(),
            starts: Histogram::new(START_BUCKETS),
            reloads: Histogram::new(START_BUCKETS),
            restarts: BTreeMap::new(),
            exits: BTreeMap::new(),
            failures: 0,
            probes: BTreeMap::new(),
            watch_events: BTreeMap::new(),
            events: BTreeMap::new(),
            calls: CallCounts::default(),
        }))
    }
}

impl DomainRecorder {
    /// A heartbeat came, with the longest delay in the domain's event loop since the last one.
    pub fn heartbeat(&self, lag: Duration, now: Instant) {
        let mut counts = self.lock();
        counts.loop_lag.observe(lag.as_secs_f64());
        counts.max_loop_lag.record(lag, now);
    }

    /// The domain became ready after this time.
    pub fn started(&self, after: Duration) {
        self.lock().starts.observe(after.as_secs_f64());
    }

    /// A reload was complete after this time.
    pub fn reloaded(&self, after: Duration) {
        self.lock().reloads.observe(after.as_secs_f64());
    }

    /// A process is started in place of one that ended for this reason.
    pub fn restarted(&self, reason: &'static str) {
        *self.lock().restarts.entry(reason).or_default() += 1;
    }

    /// A process ended.
    pub fn exited(&self, exit: ExitFacts) {
        *self.lock().exits.entry(exit).or_default() += 1;
    }

    /// The domain failed permanently.
    pub fn failed(&self) {
        self.lock().failures += 1;
    }

    /// The check of a probe was made.
    pub fn probed(&self, probe: &'static str, success: bool) {
        *self.lock().probes.entry((probe, success)).or_default() += 1;
    }

    /// Files of one kind changed.
    pub fn files_changed(&self, kind: &'static str, count: u64) {
        *self.lock().watch_events.entry(kind).or_default() += count;
    }

    /// An event of a kind was recorded.
    pub fn event(&self, kind: &'static str) {
        *self.lock().events.entry(kind).or_default() += 1;
    }

    /// A call of the domain ended.
    pub fn called(&self, call: &CallFacts<'_>, now: SystemTime) {
        self.lock().calls.record(call, now);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, DomainCounts> {
        // The counts are consistent after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
