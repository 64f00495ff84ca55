//! Events of domains' streams, turned into facts, events and log lines.

use std::net::SocketAddr;
use std::time::Duration;

use fulcrum_config::redact_command_line;
use fulcrum_logs::{FULCRUM_SOURCE, Hub, Level, with_code};
use fulcrum_rpc::{DomainEvent, HeartbeatPayload, StreamEnd};
use fulcrum_spawn::lifecycle::Fact;
use fulcrum_spawn::process::command_line;
use fulcrum_spawn::standby::StandbyPool;
use fulcrum_spawn::supervisor::Supervisor;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::code::Code;
use crate::events::log::EventLog;
use crate::liveness::task::{LivenessTasks, RegisteredStream};
use crate::log_lines::log_for_domain;
use crate::readiness::serving::ServingStatus;
use crate::readiness::started::record_registration;
use crate::standby::NodeStandby;
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::{HeapSize, SharedDomainStates};
use crate::traces::starts::StartTraces;

/// Handles the events of domains' streams.
pub(crate) struct RegistrationTask {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) supervisor: Supervisor,
    pub(crate) liveness: LivenessTasks,
    pub(crate) serving: ServingStatus,
    pub(crate) standby: StandbyPool<NodeStandby>,
    pub(crate) traces: StartTraces,
    pub(crate) events: EventLog,
    pub(crate) hub: Hub,
}

impl RegistrationTask {
    /// Runs until the registry is gone.
    pub(crate) async fn run(mut self, mut events: mpsc::UnboundedReceiver<DomainEvent>) {
        while let Some(event) = events.recv().await {
            self.handle_event(event);
        }
    }

    fn handle_event(&mut self, event: DomainEvent) {
        match event {
            DomainEvent::Registered {
                domain,
                generation,
                managed: true,
                activity,
                capabilities,
                ..
            } => {
                let stream = RegisteredStream::new(generation, activity, &capabilities);
                self.on_registered(&domain, stream);
            }
            DomainEvent::Registered {
                domain,
                pid,
                managed: false,
                ..
            } => self.on_unmanaged_registered(&domain, pid),
            DomainEvent::Disconnected {
                domain,
                generation,
                end,
                cause,
                ..
            } => self.on_disconnected(&domain, generation, end, &cause),
            DomainEvent::RegistrationRejected {
                domain,
                peer,
                pid,
                reason,
                suppressed,
                ..
            } => self.on_rejected(&domain, peer, pid, &reason, suppressed),
            DomainEvent::Heartbeat {
                domain,
                generation,
                heartbeat,
            } => self.on_heartbeat(&domain, generation, &heartbeat),
            DomainEvent::Backpressure {
                domain,
                generation,
                waiting,
            } => self.on_backpressure(&domain, generation, waiting),
        }
    }

    fn on_registered(&mut self, domain: &str, stream: RegisteredStream) {
        let generation = stream.generation;
        if let Some(state) = self.states.get(domain) {
            state.external.send_replace(None);
            state.refusal.send_replace(None);
            state.registered_generation.send_replace(generation);
            record_registration(&state);
            let now = Instant::now();
            let times = &state.start_times;
            times.send_modify(|times| times.on_registered(generation, now));
        }
        self.traces.registered(domain, generation);
        self.liveness.on_registered(domain, stream);
        self.serving
            .report_stream_fact(domain, generation, Fact::Ready);
        self.serving.set_stream_serving(domain, true);
        self.serving.update_app();
        // A domain that was restarted is being edited or has crashed, so it may be again.
        if generation > 1 {
            self.standby.prepare(domain);
        }
    }

    fn on_unmanaged_registered(&self, domain: &str, pid: Option<u32>) {
        let process = pid.map(|pid| (pid, redact_command_line(&command_line(pid))));
        let shown = process.as_ref().map_or_else(
            || "process".to_owned(),
            |(pid, command)| format!("process {pid} ({command})"),
        );
        let text = format!("unmanaged {shown} registered as {domain}");
        if let Some(state) = self.states.get(domain) {
            state.external.send_replace(process);
        }
        let text = with_code(&text, Code::Unmanaged);
        log_for_domain(&self.hub, domain, 0, Level::Warn, text);
    }

    fn on_disconnected(&mut self, domain: &str, generation: u64, end: StreamEnd, cause: &str) {
        self.liveness.on_stream_ended(domain, generation, end);
        // Those that Fulcrum did not start have no generation.
        if let Some(state) = self.states.get(domain).filter(|_| generation == 0) {
            state.external.send_replace(None);
        }
        self.serving.set_stream_serving(domain, false);
        self.serving.update_app();
        let Some(handle) = self.supervisor.domain(domain) else {
            return;
        };
        let was_ready = handle.snapshot().ready;
        let text = format!("disconnected ({cause})");
        self.serving
            .report_stream_fact(domain, generation, Fact::NotReady(text.clone()));
        if was_ready {
            log_for_domain(&self.hub, domain, generation, Level::Debug, text);
        }
    }

    fn on_rejected(
        &self,
        domain: &str,
        peer: SocketAddr,
        pid: Option<u32>,
        reason: &str,
        suppressed: u64,
    ) {
        let pid = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
        let more = match suppressed {
            0 => String::new(),
            more => format!(" ({more} more since the last report)"),
        };
        let text = format!("registration from {peer}{pid} rejected: {reason}{more}");
        let source = match self.desired.domain(domain) {
            Some(_) => domain,
            None => FULCRUM_SOURCE,
        };
        if let Some(state) = self.states.get(domain) {
            state.refusal.send_replace(Some(reason.to_owned()));
        }
        self.events.record(source, 0, "registration_refused", &text);
        let text = with_code(&text, Code::RegistrationRejected);
        log_for_domain(&self.hub, source, 0, Level::Warn, text);
    }

    fn on_heartbeat(&self, domain: &str, generation: u64, heartbeat: &HeartbeatPayload) {
        let lag = event_loop_lag(heartbeat);
        self.liveness.on_heartbeat(domain, generation, lag);
        let Some(state) = self.states.get(domain) else {
            return;
        };
        let now = Instant::now();
        state.last_heartbeat.send_replace(Some(now));
        // A response shows that the domain lives, too, and has no measurements.
        if heartbeat.seq == 0 {
            return;
        }
        state.event_loop_lag.send_replace(Some(lag));
        state.heap.send_replace(Some(HeapSize {
            used: heartbeat.heap_used_bytes,
            total: heartbeat.heap_total_bytes,
        }));
        if let Some(metrics) = &state.metrics {
            metrics.heartbeat(lag, now.into_std());
        }
    }

    fn on_backpressure(&self, domain: &str, generation: u64, waiting: usize) {
        self.serving.set_stream_serving(domain, waiting == 0);
        let fact = match waiting {
            0 => Fact::Ready,
            waiting => Fact::NotReady(format!(
                "it does not read its stream: {waiting} messages waiting"
            )),
        };
        self.serving.report_stream_fact(domain, generation, fact);
    }
}

/// The lag that a heartbeat reports; domains may report any number.
fn event_loop_lag(heartbeat: &HeartbeatPayload) -> Duration {
    let seconds = heartbeat.event_loop_lag_ms / 1000.0;
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
