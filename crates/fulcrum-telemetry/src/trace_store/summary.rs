//! A trace in short, and which traces are asked for.

use std::time::Duration;

use crate::context::TraceId;

/// One trace, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSummary {
    /// Its id.
    pub id: TraceId,
    /// The name of its first span.
    pub name: String,
    /// Who recorded that.
    pub origin: String,
    /// When it began: nanoseconds since 1970.
    pub start: u64,
    /// From its first begin to its last end, in nanoseconds.
    pub duration: u64,
    /// How many spans it has.
    pub spans: usize,
    /// How many of them ended with an error.
    pub errors: usize,
    /// All that have recorded some of it, in alphabetical order.
    pub origins: Vec<String>,
    /// A number that grows with every change of any trace.
    pub changed: u64,
}

/// Which traces are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceFilter {
    /// Those that one of these has recorded a part of; empty for all.
    pub domains: Vec<String>,
    /// Those that took at least this long.
    pub min_duration: Option<Duration>,
    /// Those with an error.
    pub errors: bool,
}

impl TraceFilter {
    pub(super) fn accepts(&self, trace: &TraceSummary) -> bool {
        let is_part = |name: &String| self.domains.contains(name);
        let of_domains = self.domains.is_empty() || trace.origins.iter().any(is_part);
        let long = self
            .min_duration
            .is_none_or(|min| Duration::from_nanos(trace.duration) >= min);
        of_domains && long && (!self.errors || trace.errors > 0)
    }
}
