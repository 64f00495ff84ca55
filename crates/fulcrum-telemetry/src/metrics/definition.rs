//! Every metric: its name, type, unit, labels and meaning. What is not in [`METRICS`] is not emitted.

use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// A value that goes up and down.
    Gauge,
    /// A number that only grows while the instance runs.
    Counter,
    /// Durations, counted in buckets.
    Histogram,
    /// Labels with the constant value 1.
    Info,
}

/// The unit of a metric, which ends its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricUnit {
    /// A number of things.
    None,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

/// One metric.
#[derive(Debug, PartialEq, Eq)]
pub struct MetricDefinition {
    /// The name without unit and `_total`.
    base: &'static str,
    /// Its type.
    pub kind: MetricKind,
    /// Its unit.
    pub unit: MetricUnit,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

impl MetricDefinition {
    const fn new(
        base: &'static str,
        kind: MetricKind,
        unit: MetricUnit,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self {
            base,
            kind,
            unit,
            labels,
            help,
        }
    }

    /// The name as it is queried, without the suffixes of a histogram.
    #[must_use]
    pub fn name(&self) -> String {
        let unit = match self.unit {
            MetricUnit::None => "",
            MetricUnit::Seconds => "_seconds",
            MetricUnit::Bytes => "_bytes",
        };
        let suffix = match self.kind {
            MetricKind::Counter => "_total",
            MetricKind::Info => "_info",
            MetricKind::Gauge | MetricKind::Histogram => "",
        };
        format!("{}{unit}{suffix}", self.base)
    }

    pub(super) fn base(&self) -> &'static str {
        self.base
    }

    pub(super) fn metric_type(&self) -> MetricType {
        match self.kind {
            MetricKind::Gauge => MetricType::Gauge,
            MetricKind::Counter => MetricType::Counter,
            MetricKind::Histogram => MetricType::Histogram,
            MetricKind::Info => MetricType::Info,
        }
    }

    pub(super) fn encoded_unit(&self) -> Option<Unit> {
        match self.unit {
            MetricUnit::None => None,
            MetricUnit::Seconds => Some(Unit::Seconds),
            MetricUnit::Bytes => Some(Unit::Bytes),
        }
    }
}

const DOMAIN: &[&str] = &["domain"];

macro_rules! metrics {
    ($($name:ident = $base:literal, $kind:ident, $unit:ident, $labels:expr, $help:literal;)*) => {
        $(pub(super) static $name: MetricDefinition = MetricDefinition::new(
            $base, MetricKind::$kind, MetricUnit::$unit, $labels, $help);)*
        /// All metrics, in the order in which they are emitted.
        pub static METRICS: &[&MetricDefinition] = &[$(&$name),*];
    };
}

metrics! {
    BUILD = "fulcrum_build", Info, None, &["version", "mode"],
        "The version of Fulcrum and its mode, dev or serve.";
    READY = "fulcrum_ready", Gauge, None, &[],
        "Whether the instance is ready: every selected domain is, and no shutdown was requested.";
    DOMAIN_UP = "fulcrum_domain_up", Gauge, None, DOMAIN,
        "Whether the domain runs: its process was started and has not been asked to stop.";
    DOMAIN_READY = "fulcrum_domain_ready", Gauge, None, DOMAIN,
        "Whether the domain takes work. A job is ready once it has completed.";
    DOMAIN_WANTED = "fulcrum_domain_wanted", Gauge, None, DOMAIN,
        "Whether the domain is meant to run: 0 after fulcrum domains stop.";
    DOMAIN_PHASE = "fulcrum_domain_phase", Gauge, None, &["domain", "phase"],
        "1 for the phase that the domain is in, 0 for the others.";
    DOMAIN_GENERATION = "fulcrum_domain_generation", Gauge, None, DOMAIN,
        "The number of the current or last process of the domain.";
    DOMAIN_START_TIME = "fulcrum_domain_start_time", Gauge, Seconds, DOMAIN,
        "When the current process was started, since the epoch.";
    DOMAIN_RESTARTS = "fulcrum_domain_restarts", Counter, None, &["domain", "reason"],
        "Processes that replaced another one, by the reason: exit, hung, memory, unhealthy, start_timeout, \
         time_limit, start_failed, rejected, group, reload, request.";
    DOMAIN_EXITS = "fulcrum_domain_exits", Counter, None, &["domain", "code", "signal"],
        "Ends of processes, by exit code or signal; the other label is empty.";
    DOMAIN_FAILURES = "fulcrum_domain_failures", Counter, None, DOMAIN,
        "How often the domain failed permanently, such as by a crash loop.";
    DOMAIN_START_DURATION = "fulcrum_domain_start_duration", Histogram, Seconds, DOMAIN,
        "Time from the start of a process until the domain was ready.";
    DOMAIN_RELOAD_DURATION = "fulcrum_domain_reload_duration", Histogram, Seconds, DOMAIN,
        "Time from the first changed file until the domain was ready again.";
    DOMAIN_HEARTBEAT_AGE = "fulcrum_domain_heartbeat_age", Gauge, Seconds, DOMAIN,
        "Time since the last heartbeat.";
    DOMAIN_LOOP_LAG = "fulcrum_domain_event_loop_lag", Histogram, Seconds, DOMAIN,
        "The longest delay of a timer in the event loop of the domain, of each heartbeat.";
    DOMAIN_LOOP_LAG_MAX = "fulcrum_domain_event_loop_lag_max", Gauge, Seconds, DOMAIN,
        "The longest of these delays in the last one to two minutes.";
    DOMAIN_HEAP_USED = "fulcrum_domain_heap_used", Gauge, Bytes, DOMAIN,
        "The used part of the JavaScript heap, of the last heartbeat.";
    DOMAIN_HEAP_TOTAL = "fulcrum_domain_heap_total", Gauge, Bytes, DOMAIN,
        "The size of the JavaScript heap, of the last heartbeat.";
    DOMAIN_CPU = "fulcrum_domain_cpu", Counter, Seconds, DOMAIN,
        "CPU time of all processes of the domain.";
    DOMAIN_MEMORY = "fulcrum_domain_memory", Gauge, Bytes, DOMAIN,
        "Memory that the end of all processes of the domain would free.";
    DOMAIN_RESIDENT = "fulcrum_domain_resident_memory", Gauge, Bytes, DOMAIN,
        "Resident memory of all processes of the domain, shared pages counted for each.";
    DOMAIN_PROCESSES = "fulcrum_domain_processes", Gauge, None, DOMAIN,
        "Processes of the domain.";
    DOMAIN_THREADS = "fulcrum_domain_threads", Gauge, None, DOMAIN,
        "Threads of all processes of the domain.";
    DOMAIN_OPEN_FILES = "fulcrum_domain_open_files", Gauge, None, DOMAIN,
        "Open file descriptors of all processes of the domain.";
    DOMAIN_LOG_LINES = "fulcrum_domain_log_lines", Counter, None, &["domain", "stream"],
        "Lines of output.";
    DOMAIN_LOG_BYTES = "fulcrum_domain_log", Counter, Bytes, &["domain", "stream"],
        "Bytes of output.";
    DOMAIN_PROBES = "fulcrum_domain_probe_results", Counter, None, &["domain", "probe", "result"],
        "Results of checks, by the probe (ready, alive) and the result (success, failure).";
    DOMAIN_PROBE_UP = "fulcrum_domain_probe_success", Gauge, None, &["domain", "probe"],
        "Whether the last check of the probe succeeded.";
    DOMAIN_WATCH_EVENTS = "fulcrum_domain_watch_events", Counter, None, &["domain", "kind"],
        "Changed files that concern the domain: code, which is a reason to reload it, or asset.";
    DOMAIN_EVENTS = "fulcrum_domain_events", Counter, None, &["domain", "kind"],
        "Events of the domain, as fulcrum domains events lists them.";
    CALLS = "fulcrum_calls", Counter, None, &["caller", "domain", "type", "outcome"],
        "Calls of the domain by their caller, type and outcome.";
    CALL_DURATION = "fulcrum_call_duration", Histogram, Seconds, &["caller", "domain", "type"],
        "Time from a call until its response, waiting included.";
    CALLS_WAITING = "fulcrum_calls_waiting", Gauge, None, DOMAIN,
        "Calls that wait until the domain reads them.";
    CALLS_IN_FLIGHT = "fulcrum_calls_in_flight", Gauge, None, DOMAIN,
        "Calls that the domain has received and not responded to.";
    LOG_DROPPED = "fulcrum_log_dropped_lines", Counter, None, &["sink"],
        "Lines that a sink did not get: the store since the disk stalled, or followers (terminal, \
         export, clients) since they were too slow.";
    LOG_FOLLOWERS = "fulcrum_log_followers", Gauge, None, &[],
        "Readers of log lines, the terminal and the export among them.";
    CONFIG_RELOADS = "fulcrum_config_reloads", Counter, None, &["result"],
        "Loads of a changed configuration: applied or rejected.";
    CONNECTIONS = "fulcrum_connections", Gauge, None, &["listener"],
        "Open connections: those of domains and callers (grpc), and those of this listener (http).";
    NOTIFICATIONS = "fulcrum_notifications", Counter, None, &["result"],
        "Notifications by webhook: delivered, or given up (failed, dropped).";
    LOOP_LAG = "fulcrum_loop_lag", Histogram, Seconds, &[],
        "Delay of a timer within Fulcrum itself, measured every two seconds.";
    PROCESS_CPU = "process_cpu", Counter, Seconds, &[],
        "CPU time of Fulcrum itself.";
    PROCESS_MEMORY = "process_resident_memory", Gauge, Bytes, &[],
        "Resident memory of Fulcrum itself.";
    PROCESS_OPEN_FILES = "process_open_fds", Gauge, None, &[],
        "Open file descriptors of Fulcrum itself.";
    PROCESS_THREADS = "process_threads", Gauge, None, &[],
        "Threads of Fulcrum itself.";
    PROCESS_START_TIME = "process_start_time", Gauge, Seconds, &[],
        "When Fulcrum was started, since the epoch.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_follow_the_conventions() {
        let names: BTreeSet<String> = METRICS.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), METRICS.len());
        for metric in METRICS {
            let name = metric.name();
            assert!(
                name.starts_with("fulcrum_") || name.starts_with("process_"),
                "{name}"
            );
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{name}"
            );
            assert!(metric.help.ends_with('.'), "{name}: {}", metric.help);
            assert!(!metric.labels.contains(&"le"), "{name}");
        }
    }
}
