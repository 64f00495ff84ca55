//! All metrics of a moment, in the order of their definitions.

use std::collections::BTreeMap;
use std::fmt::Error;
use std::sync::{Arc, MutexGuard};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::definition as m;
use super::definition::MetricDefinition;
use super::domain_recorder::{DomainCounts, DomainRecorder};
use super::family::{FamilyWriter, Sample};
use super::registry::Metrics;
use super::snapshot::{DomainFacts, Snapshot, UsageFacts};
use super::text_format::TextFormat;

/// The phases of a domain, which all have a series.
const PHASES: [&str; 10] = [
    "stopped",
    "waiting",
    "preparing",
    "starting",
    "running",
    "stopping",
    "backoff",
    "failed",
    "completed",
    "stuck",
];

/// The counts and a snapshot, to be written once.
#[derive(Debug)]
pub(super) struct Exposition {
    pub(super) metrics: Metrics,
    pub(super) snapshot: Snapshot,
    pub(super) now: Instant,
}

impl Metrics {
    /// The text of all metrics.
    #[must_use]
    pub fn encode(&self, snapshot: Snapshot, format: TextFormat, now: Instant) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Exposition {
            metrics: self.clone(),
            snapshot,
            now,
        }));
        let mut text = String::new();
        let encoded = match format {
            TextFormat::OpenMetrics => {
                prometheus_client::encoding::text::encode(&mut text, &registry)
            }
            TextFormat::Prometheus => {
                prometheus_client::encoding::prometheus_text::encode(&mut text, &registry)
            }
        };
        // Writing to a string cannot fail.
        encoded.map(|()| text).unwrap_or_default()
    }
}

impl Collector for Exposition {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut writer = FamilyWriter::new(encoder);
        let recorders = self.metrics.domains();
        let counts = lock_all(&recorders, &self.snapshot);
        self.write_instance(&mut writer)?;
        self.write_lifecycle(&mut writer, &counts)?;
        self.write_process(&mut writer, &counts)?;
        self.write_output(&mut writer)?;
        self.write_events(&mut writer, &counts)?;
        self.write_calls(&mut writer, &counts)?;
        self.write_own(&mut writer)
    }
}

/// The counts of a domain while they are written.
type Counts<'a> = BTreeMap<&'a str, MutexGuard<'a, DomainCounts>>;

/// The counts of the domains that the snapshot has: a domain without a process is in no snapshot.
fn lock_all<'a>(
    recorders: &'a BTreeMap<String, Arc<DomainRecorder>>,
    snapshot: &Snapshot,
) -> Counts<'a> {
    let names = snapshot.domains.iter().map(|domain| &domain.name);
    let known = names.filter_map(|name| recorders.get_key_value(name));
    known
        .map(|(name, recorder)| (name.as_str(), recorder.lock()))
        .collect()
}

impl Exposition {
    fn write_instance(&self, writer: &mut FamilyWriter<'_>) -> Result<(), Error> {
        let instance = &self.snapshot.instance;
        writer.info(&m::BUILD, [instance.version, instance.mode])?;
        writer.gauge(&m::READY, Some(flag(instance.ready)))
    }

    fn write_lifecycle(
        &self,
        writer: &mut FamilyWriter<'_>,
        counts: &Counts<'_>,
    ) -> Result<(), Error> {
        writer.gauges(&m::DOMAIN_UP, self.domains(|domain| Some(flag(domain.up))))?;
        writer.gauges(
            &m::DOMAIN_READY,
            self.domains(|domain| Some(flag(domain.ready))),
        )?;
        writer.gauges(
            &m::DOMAIN_WANTED,
            self.domains(|domain| Some(flag(domain.wanted))),
        )?;
        let phases = self.snapshot.domains.iter().flat_map(|domain| {
            let name = domain.name.as_str();
            PHASES.map(|phase| ([name, phase], flag(domain.phase == phase)))
        });
        writer.gauges(&m::DOMAIN_PHASE, phases.collect())?;
        writer.gauges(
            &m::DOMAIN_GENERATION,
            self.domains(|domain| Some(domain.generation)),
        )?;
        writer.gauges(
            &m::DOMAIN_START_TIME,
            self.domains(|domain| domain.started_at.map(epoch_seconds)),
        )?;
        writer.counters(&m::DOMAIN_RESTARTS, by_word(counts, |c| &c.restarts))?;
        write_exits(writer, counts)?;
        let failures = counts.iter().map(|(name, c)| ([*name], c.failures));
        writer.counters(&m::DOMAIN_FAILURES, failures.collect())?;
        write_histograms(writer, &m::DOMAIN_START_DURATION, counts, |c| &c.starts)?;
        write_histograms(writer, &m::DOMAIN_RELOAD_DURATION, counts, |c| &c.reloads)
    }

    fn write_process(
        &self,
        writer: &mut FamilyWriter<'_>,
        counts: &Counts<'_>,
    ) -> Result<(), Error> {
        let age = |domain: &DomainFacts| domain.heartbeat_age.map(|age| age.as_secs_f64());
        writer.gauges(&m::DOMAIN_HEARTBEAT_AGE, self.domains(age))?;
        write_histograms(writer, &m::DOMAIN_LOOP_LAG, counts, |c| &c.loop_lag)?;
        let lags = counts.iter().map(|(name, c)| {
            let mut max = c.max_loop_lag;
            ([*name], max.value(self.now).as_secs_f64())
        });
        writer.gauges(&m::DOMAIN_LOOP_LAG_MAX, lags.collect())?;
        writer.gauges(&m::DOMAIN_HEAP_USED, self.domains(|d| d.heap_used))?;
        writer.gauges(&m::DOMAIN_HEAP_TOTAL, self.domains(|d| d.heap_total))?;
        let cpu = |domain: &DomainFacts| Some(domain.cpu_time.as_secs_f64());
        writer.counters(&m::DOMAIN_CPU, self.domains(cpu))?;
        writer.gauges(&m::DOMAIN_MEMORY, self.usage(|usage| usage.memory_bytes))?;
        writer.gauges(
            &m::DOMAIN_RESIDENT,
            self.usage(|usage| usage.resident_bytes),
        )?;
        writer.gauges(&m::DOMAIN_PROCESSES, self.usage(|usage| usage.processes))?;
        writer.gauges(&m::DOMAIN_THREADS, self.usage(|usage| usage.threads))?;
        writer.gauges(&m::DOMAIN_OPEN_FILES, self.usage(|usage| usage.open_files))
    }

    fn write_output(&self, writer: &mut FamilyWriter<'_>) -> Result<(), Error> {
        let output = |value: fn(super::snapshot::OutputFacts) -> u64| {
            let domains = self.snapshot.domains.iter();
            domains.flat_map(move |domain| {
                let streams = domain.output.iter();
                streams.map(move |(stream, facts)| ([domain.name.as_str(), *stream], value(*facts)))
            })
        };
        writer.counters(&m::DOMAIN_LOG_LINES, output(|facts| facts.lines).collect())?;
        writer.counters(&m::DOMAIN_LOG_BYTES, output(|facts| facts.bytes).collect())
    }

    fn write_events(
        &self,
        writer: &mut FamilyWriter<'_>,
        counts: &Counts<'_>,
    ) -> Result<(), Error> {
        let probes = counts.iter().flat_map(|(name, c)| {
            let probes = c.probes.iter();
            probes.map(|((probe, success), count)| {
                let result = if *success { "success" } else { "failure" };
                ([*name, *probe, result], *count)
            })
        });
        writer.counters(&m::DOMAIN_PROBES, probes.collect())?;
        let last = self.snapshot.domains.iter().flat_map(|domain| {
            let probes = domain.probes.iter();
            probes.map(|(probe, success)| ([domain.name.as_str(), *probe], flag(*success)))
        });
        writer.gauges(&m::DOMAIN_PROBE_UP, last.collect())?;
        writer.counters(
            &m::DOMAIN_WATCH_EVENTS,
            by_word(counts, |c| &c.watch_events),
        )?;
        writer.counters(&m::DOMAIN_EVENTS, by_word(counts, |c| &c.events))
    }

    fn write_calls(&self, writer: &mut FamilyWriter<'_>, counts: &Counts<'_>) -> Result<(), Error> {
        let all: Vec<_> = counts
            .iter()
            .map(|(name, c)| (*name, c.calls.sorted()))
            .collect();
        let series = || {
            let domains = all.iter();
            domains.flat_map(|(domain, calls)| calls.iter().map(move |call| (*domain, call)))
        };
        let outcomes = series().flat_map(|(domain, (caller, type_, series))| {
            let outcomes = series.outcomes();
            outcomes.map(|(outcome, count)| ([*caller, domain, *type_, outcome.as_str()], count))
        });
        writer.counters(&m::CALLS, outcomes.collect())?;
        let durations = series().map(|(domain, (caller, type_, series))| {
            let histogram: &dyn EncodeMetric = &series.durations;
            ([*caller, domain, *type_], histogram)
        });
        writer.histograms(&m::CALL_DURATION, durations.collect())?;
        writer.gauges(&m::CALLS_WAITING, self.domains(|d| Some(d.calls_waiting)))?;
        writer.gauges(
            &m::CALLS_IN_FLIGHT,
            self.domains(|d| Some(d.calls_in_flight)),
        )
    }

    /// The instance's own work.
    fn write_own(&self, writer: &mut FamilyWriter<'_>) -> Result<(), Error> {
        let instance = &self.snapshot.instance;
        let own = self.metrics.instance();
        let dropped = instance.dropped_lines.iter();
        let dropped = dropped.map(|(sink, lines)| ([*sink], *lines));
        writer.counters(&m::LOG_DROPPED, dropped.collect())?;
        writer.gauge(&m::LOG_FOLLOWERS, Some(instance.log_followers))?;
        let results = |counts: &BTreeMap<&'static str, u64>| -> Vec<Sample<'static, 1, u64>> {
            counts.iter().map(|(result, n)| ([*result], *n)).collect()
        };
        writer.counters(&m::CONFIG_RELOADS, results(&own.config_reloads))?;
        let connections = instance.connections.iter();
        let connections = connections.map(|(listener, open)| ([*listener], *open));
        writer.gauges(&m::CONNECTIONS, connections.collect())?;
        writer.counters(&m::NOTIFICATIONS, results(&own.notifications))?;
        let lag: &dyn EncodeMetric = &own.loop_lag;
        writer.histograms(&m::LOOP_LAG, vec![([], lag)])?;
        let process = instance.process;
        let cpu = process.map(|process| process.cpu_time.as_secs_f64());
        writer.counter(&m::PROCESS_CPU, cpu)?;
        writer.gauge(&m::PROCESS_MEMORY, process.map(|own| own.resident_bytes))?;
        writer.gauge(&m::PROCESS_OPEN_FILES, process.map(|own| own.open_files))?;
        writer.gauge(&m::PROCESS_THREADS, process.map(|own| own.threads))?;
        let started = instance.started_at.map(epoch_seconds);
        writer.gauge(&m::PROCESS_START_TIME, started)
    }

    /// A value of each domain that has one.
    fn domains<V>(&self, value: impl Fn(&DomainFacts) -> Option<V>) -> Vec<Sample<'_, 1, V>> {
        let domains = self.snapshot.domains.iter();
        domains
            .filter_map(|domain| Some(([domain.name.as_str()], value(domain)?)))
            .collect()
    }

    fn usage(&self, value: impl Fn(UsageFacts) -> u64) -> Vec<Sample<'_, 1, u64>> {
        self.domains(|domain| domain.usage.map(&value))
    }
}

fn write_histograms(
    writer: &mut FamilyWriter<'_>,
    metric: &'static MetricDefinition,
    counts: &Counts<'_>,
    histogram: impl Fn(&DomainCounts) -> &Histogram,
) -> Result<(), Error> {
    let samples = counts.iter().map(|(name, counts)| {
        let histogram: &dyn EncodeMetric = histogram(counts);
        ([*name], histogram)
    });
    writer.histograms(metric, samples.collect())
}

fn write_exits(writer: &mut FamilyWriter<'_>, counts: &Counts<'_>) -> Result<(), Error> {
    let exits = counts.iter().flat_map(|(name, counts)| {
        let exits = counts.exits.iter();
        exits.map(|(exit, count)| {
            let code = exit.code.map_or_else(String::new, |code| code.to_string());
            (*name, code, exit.signal.unwrap_or_default(), *count)
        })
    });
    let exits: Vec<_> = exits.collect();
    let samples = exits
        .iter()
        .map(|(name, code, signal, count)| ([*name, code, *signal], *count));
    writer.counters(&m::DOMAIN_EXITS, samples.collect())
}

/// Counts of each domain by a word.
fn by_word<'a>(
    counts: &'a Counts<'_>,
    words: impl Fn(&'a DomainCounts) -> &'a BTreeMap<&'static str, u64>,
) -> Vec<Sample<'a, 2, u64>> {
    let mut samples = Vec::new();
    for (name, counts) in counts {
        let words = words(counts).iter();
        samples.extend(words.map(|(word, count)| ([*name, *word], *count)));
    }
    samples
}

fn flag(is: bool) -> u64 {
    u64::from(is)
}

fn epoch_seconds(time: SystemTime) -> f64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}
