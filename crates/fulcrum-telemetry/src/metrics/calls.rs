//! Calls of one domain, counted by caller, type and outcome.
//!
//! Both the caller and the type come from outside, so their number is bounded: beyond it, calls are
//! counted under [`OTHER`].

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use prometheus_client::metrics::exemplar::HistogramWithExemplars;

use crate::context::TraceId;

/// The label of what has no series of its own.
pub(super) const OTHER: &str = "other";

/// The most pairs of a caller and a type of one domain.
const MAX_SERIES: usize = 200;

/// The longest type that is a label, in bytes.
const MAX_TYPE: usize = 100;

/// The upper bounds of the buckets, in seconds.
const BUCKETS: [f64; 15] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// An exemplar stays for this long, whatever follows: nobody reads metrics more often.
const EXEMPLAR_AGE: Duration = Duration::from_secs(1);

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// The domain responded.
    Ok,
    /// The domain responded that it failed.
    Error,
    /// The domain is not connected, or its stream ended before it responded.
    Unavailable,
    /// The domain did not respond in time.
    Timeout,
    /// Too much waits for the domain.
    Overloaded,
    /// The request or its response exceeds the size limit.
    TooLarge,
    /// The request itself is invalid.
    Invalid,
    /// The caller gave up.
    Cancelled,
}

impl CallOutcome {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Error,
        Self::Unavailable,
        Self::Timeout,
        Self::Overloaded,
        Self::TooLarge,
        Self::Invalid,
        Self::Cancelled,
    ];

    /// The label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Overloaded => "overloaded",
            Self::TooLarge => "too_large",
            Self::Invalid => "invalid",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A call that has ended.
#[derive(Debug, Clone, Copy)]
pub struct CallFacts<'a> {
    /// Who called: a domain's name, or a word for a caller that is none.
    pub caller: &'a str,
    /// The type of the message.
    pub type_: &'a str,
    /// How it ended.
    pub outcome: CallOutcome,
    /// The time from the call to its end.
    pub duration: Duration,
    /// The trace that it is part of, if that is recorded.
    pub trace_id: Option<TraceId>,
}

/// The label of an exemplar.
pub(super) type TraceLabel = [(&'static str, String); 1];

/// The calls of one caller with one type.
#[derive(Debug)]
pub(super) struct CallSeries {
    outcomes: [u64; CallOutcome::ALL.len()],
    pub(super) durations: HistogramWithExemplars<TraceLabel>,
    /// When each bucket had its last exemplar.
    exemplars: [Option<SystemTime>; BUCKETS.len() + 1],
}

impl CallSeries {
    fn new() -> Self {
        Self {
            outcomes: [0; CallOutcome::ALL.len()],
            durations: HistogramWithExemplars::new(BUCKETS.into_iter()),
            exemplars: [None; BUCKETS.len() + 1],
        }
    }

    fn record(&mut self, call: &CallFacts<'_>, now: SystemTime) {
        self.outcomes[call.outcome as usize] += 1;
        let seconds = call.duration.as_secs_f64();
        let trace = call.trace_id.filter(|_| self.exemplar_is_due(seconds, now));
        let trace = trace.map(|id| [("trace_id", id.to_string())]);
        let now = trace.is_some().then_some(now);
        self.durations.observe(seconds, trace, now);
    }

    /// Whether the bucket of this duration is to have another exemplar; if so, it has.
    fn exemplar_is_due(&mut self, seconds: f64, now: SystemTime) -> bool {
        let bucket = BUCKETS.partition_point(|bound| *bound < seconds);
        let last = &mut self.exemplars[bucket];
        // A clock that was set back counts as due.
        let age = last.map(|last| now.duration_since(last).unwrap_or(Duration::MAX));
        let is_due = age.is_none_or(|age| age >= EXEMPLAR_AGE);
        if is_due {
            *last = Some(now);
        }
        is_due
    }

    /// The outcomes that have happened.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = (CallOutcome, u64)> + '_ {
        let all = CallOutcome::ALL.into_iter().zip(self.outcomes);
        all.filter(|(_, count)| *count > 0)
    }
}

/// The calls of one domain.
#[derive(Debug, Default)]
pub(super) struct CallCounts {
    callers: HashMap<String, HashMap<String, CallSeries>>,
    series: usize,
}

impl CallCounts {
    pub(super) fn record(&mut self, call: &CallFacts<'_>, now: SystemTime) {
        let known = self.callers.get_mut(call.caller);
        if let Some(series) = known.and_then(|types| types.get_mut(call.type_)) {
            return series.record(call, now);
        }
        let (caller, type_) = match self.series < MAX_SERIES && call.type_.len() <= MAX_TYPE {
            true => (call.caller, call.type_),
            false => (OTHER, OTHER),
        };
        let types = self.callers.entry(caller.to_owned()).or_default();
        let series = types.entry(type_.to_owned()).or_insert_with(|| {
            self.series += 1;
            CallSeries::new()
        });
        series.record(call, now);
    }

    /// All series, in the order of caller and type.
    pub(super) fn sorted(&self) -> Vec<(&str, &str, &CallSeries)> {
        let mut all: Vec<_> = self
            .callers
            .iter()
            .flat_map(|(caller, types)| {
                let types = types.iter();
                types.map(move |(type_, series)| (caller.as_str(), type_.as_str(), series))
            })
            .collect();
        all.sort_unstable_by_key(|(caller, type_, _)| (*caller, *type_));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(caller: &'a str, type_: &'a str, outcome: CallOutcome) -> CallFacts<'a> {
        CallFacts {
            caller,
            type_,
            outcome,
            duration: Duration::from_millis(2),
            trace_id: None,
        }
    }

    #[test]
    fn each_bucket_has_an_exemplar_of_its_own_at_most_once_a_second() {
        let mut series = CallSeries::new();
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        assert!(series.exemplar_is_due(0.002, at(0)));
        assert!(!series.exemplar_is_due(0.002, at(999)));
        assert!(
            series.exemplar_is_due(60.0, at(999)),
            "a slow one has its own"
        );
        assert!(series.exemplar_is_due(0.002, at(1000)));
        assert!(
            series.exemplar_is_due(0.002, at(10)),
            "the clock was set back"
        );
    }

    #[test]
    fn made_up_types_share_one_series() {
        let mut calls = CallCounts::default();
        let now = SystemTime::UNIX_EPOCH;
        for n in 0..10 * MAX_SERIES {
            let type_ = format!("made_up_{n}");
            calls.record(&call("web", &type_, CallOutcome::Unavailable), now);
        }
        let long = "x".repeat(MAX_TYPE + 1);
        calls.record(&call("web", &long, CallOutcome::Ok), now);
        calls.record(&call("web", "made_up_0", CallOutcome::Ok), now);
        let all = calls.sorted();
        assert_eq!(all.len(), MAX_SERIES + 1);
        let total = all.iter().flat_map(|(_, _, series)| series.outcomes());
        let total: u64 = total.map(|(_, count)| count).sum();
        assert_eq!(total, 10 * MAX_SERIES as u64 + 2, "no call is lost");
        let other = all.iter().find(|(caller, ..)| *caller == OTHER);
        let other: Vec<_> = other.expect("a shared series").2.outcomes().collect();
        let shared = 9 * MAX_SERIES as u64;
        assert_eq!(
            other,
            [(CallOutcome::Ok, 1), (CallOutcome::Unavailable, shared)]
        );
    }
}
