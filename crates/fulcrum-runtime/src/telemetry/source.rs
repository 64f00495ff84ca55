//! Reads the health of an instance, and the values of its metrics.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use fulcrum_config::{Domain, Mode};
use fulcrum_health::ProcessUsage;
use fulcrum_logs::{Hub, PumpCounters};
use fulcrum_rpc::Registry;
use fulcrum_spawn::lifecycle::{Goal, Phase};
use fulcrum_spawn::supervisor::{Snapshot as DomainSnapshot, Supervisor};
use fulcrum_telemetry::http::{DomainHealth, Health, HealthSource};
use fulcrum_telemetry::metrics::{
    DomainFacts, InstanceFacts, MetricSource, OutputFacts, ProcessFacts, Snapshot, UsageFacts,
};
use tokio::time::{Instant, timeout};

use crate::clock;
use crate::control::info::InstanceInfo;
use crate::control::status::{Detail, StatusReader};
use crate::resources::sampler::UsageSampler;
use crate::shutdown::stage::{ShutdownSignal, ShutdownStage};
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::{DomainState, SharedDomainStates};

/// How long a scrape waits for fresh samples; then it has the last ones.
const SAMPLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads an instance for other programs.
pub(crate) struct TelemetrySource {
    pub(crate) info: InstanceInfo,
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) supervisor: Supervisor,
    pub(crate) registry: Registry,
    pub(crate) status: StatusReader,
    pub(crate) usage: UsageSampler,
    pub(crate) hub: Hub,
    pub(crate) shutdown: ShutdownSignal,
    /// The open connections of the HTTP listener.
    pub(crate) http_connections: Arc<AtomicU64>,
}

impl HealthSource for TelemetrySource {
    fn health(&self) -> Health {
        let desired = self.desired.current();
        let domains = desired.app.domains.iter();
        let domains = domains.filter(|domain| domain.has_process());
        Health {
            version: env!("CARGO_PKG_VERSION"),
            shutting_down: self.shutdown.stage() != ShutdownStage::Running,
            domains: domains
                .map(|domain| self.domain_health(domain, &desired.selected))
                .collect(),
        }
    }
}

impl MetricSource for TelemetrySource {
    fn snapshot(&self) -> Pin<Box<dyn Future<Output = Snapshot> + Send + '_>> {
        Box::pin(async {
            // Without fresh samples, the other values are as good.
            let _ = timeout(SAMPLE_TIMEOUT, self.usage.refresh()).await;
            let desired = self.desired.current();
            let domains = desired.app.domains.iter();
            let domains = domains.filter(|domain| domain.has_process());
            Snapshot {
                instance: self.instance_facts(),
                domains: domains.map(|domain| self.domain_facts(domain)).collect(),
            }
        })
    }
}

impl TelemetrySource {
    fn domain_health(&self, domain: &Domain, selected: &[String]) -> DomainHealth {
        let snapshot = self.snapshot_of(&domain.name);
        DomainHealth {
            domain: domain.name.clone(),
            ready: snapshot.as_ref().is_some_and(is_ready),
            required: selected.contains(&domain.name),
            phase: snapshot.map_or(Phase::Stopped, |now| now.phase).as_str(),
            reason: self.status.domain(domain, Detail::None).reason,
        }
    }

    fn snapshot_of(&self, domain: &str) -> Option<DomainSnapshot> {
        Some(self.supervisor.domain(domain)?.snapshot())
    }

    fn instance_facts(&self) -> InstanceFacts {
        let process = ProcessUsage::of_this_process();
        let dropped = self.hub.dropped_lines();
        InstanceFacts {
            version: env!("CARGO_PKG_VERSION"),
            mode: match self.info.mode {
                Mode::Dev => "dev",
                Mode::Serve => "serve",
            },
            ready: self.health().is_ready(),
            started_at: Some(self.info.started_at),
            process: process.map(|process| ProcessFacts {
                cpu_time: process.cpu_time,
                resident_bytes: process.resident_bytes,
                open_files: process.open_files,
                threads: process.threads,
            }),
            connections: vec![
                ("grpc", self.registry.connections() as u64),
                ("http", self.http_connections.load(Ordering::Relaxed)),
            ],
            dropped_lines: vec![("follower", dropped.followers), ("store", dropped.store)],
            log_followers: self.hub.followers() as u64,
        }
    }

    fn domain_facts(&self, domain: &Domain) -> DomainFacts {
        let name = &domain.name;
        let mut facts = DomainFacts {
            name: name.clone(),
            phase: Phase::Stopped.as_str(),
            ..DomainFacts::default()
        };
        let snapshot = self.snapshot_of(name);
        if let Some(snapshot) = &snapshot {
            fill_lifecycle(&mut facts, snapshot);
        }
        if let Some(state) = self.states.get(name) {
            let has_process = snapshot.is_some_and(|now| now.pid.is_some());
            fill_state(&mut facts, &state, has_process);
        }
        let calls = self.registry.pending_calls(name);
        facts.calls_waiting = calls.waiting as u64;
        facts.calls_in_flight = calls.in_flight as u64;
        facts
    }
}

/// A job is ready once it has completed.
fn is_ready(snapshot: &DomainSnapshot) -> bool {
    snapshot.ready || snapshot.phase == Phase::Completed
}

fn fill_lifecycle(facts: &mut DomainFacts, snapshot: &DomainSnapshot) {
    facts.phase = snapshot.phase.as_str();
    facts.up = matches!(snapshot.phase, Phase::Starting | Phase::Running);
    facts.ready = is_ready(snapshot);
    facts.wanted = snapshot.goal == Goal::Up;
    facts.generation = snapshot.generation;
    let spawned = snapshot.spawned_at.filter(|_| snapshot.pid.is_some());
    facts.started_at = spawned.and_then(wall_clock_of);
}

/// When something happened, by the wall clock.
fn wall_clock_of(at: Instant) -> Option<SystemTime> {
    clock::now().checked_sub(at.elapsed())
}

fn fill_state(facts: &mut DomainFacts, state: &DomainState, has_process: bool) {
    facts.cpu_time = *state.cpu_time.borrow();
    facts.output = vec![
        ("stdout", output_facts(&state.output.stdout)),
        ("stderr", output_facts(&state.output.stderr)),
    ];
    if !has_process {
        return;
    }
    facts.heartbeat_age = state.last_heartbeat.borrow().map(|at| at.elapsed());
    let heap = *state.heap.borrow();
    let reported = |bytes: u64| (bytes > 0).then_some(bytes);
    facts.heap_used = heap.and_then(|heap| reported(heap.used));
    facts.heap_total = heap.and_then(|heap| reported(heap.total));
    let usage = *state.usage.borrow();
    facts.usage = (usage.processes > 0).then_some(UsageFacts {
        memory_bytes: usage.memory_bytes,
        resident_bytes: usage.resident_bytes,
        open_files: usage.open_files,
        threads: usage.threads,
        processes: usage.processes as u64,
    });
    let probes = state.probe_status.borrow();
    facts.probes = [
        ("ready", probes.has_succeeded, probes.ready.is_some()),
        ("alive", false, probes.alive.is_some()),
    ]
    .into_iter()
    .filter(|(_, succeeded, failed)| *succeeded || *failed)
    .map(|(probe, _, failed)| (probe, !failed))
    .collect();
}

fn output_facts(counters: &PumpCounters) -> OutputFacts {
    OutputFacts {
        lines: counters.lines(),
        bytes: counters.bytes(),
    }
}
