//! Liveness of registered generations: one task each, asleep until something may be wrong.
//!
//! [`LivenessMonitor`] decides without I/O. The task brings the clock and the state of the
//! processes, and acts on the result: a log line, an event, and in the end the fact that the
//! generation is hung.

use std::collections::BTreeMap;
use std::future;
use std::time::Duration;

use fulcrum_health::{
    CheckResult, InspectionResult, LivenessMonitor, LivenessSource, LivenessTimeouts,
    MemberActivity, ProcessActivity,
};
use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_rpc::{CAPABILITY_HEARTBEAT, ConnectionActivity, Registry, StreamEnd};
use fulcrum_spawn::lifecycle::{Fact, Phase};
use fulcrum_spawn::process::{GroupSnapshot, ProcessSnapshot, SharedProcessTable};
use fulcrum_spawn::supervisor::{Supervisor, suspend_extension};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::code::Code;
use crate::events::log::EventLog;
use crate::format::format_duration;
use crate::liveness::hang_report;
use crate::liveness::keepalive::{heartbeat_config, liveness_timeouts};
use crate::log_lines::log_for_domain;
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;
use crate::state::inspect::inspector_flag;
use crate::state::process::ProcessIdentity;

/// What a liveness task reads and writes.
#[derive(Clone)]
pub(crate) struct LivenessHandles {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) supervisor: Supervisor,
    pub(crate) registry: Registry,
    pub(crate) events: EventLog,
    pub(crate) hub: Hub,
    pub(crate) processes: SharedProcessTable,
}

/// The liveness tasks, by domain.
pub(crate) struct LivenessTasks {
    handles: LivenessHandles,
    timeouts: LivenessTimeouts,
    tasks: BTreeMap<String, mpsc::UnboundedSender<LivenessEvent>>,
}

/// The stream of a registered generation.
#[derive(Debug)]
pub(crate) struct RegisteredStream {
    pub(crate) generation: u64,
    pub(crate) activity: ConnectionActivity,
    pub(crate) heartbeats: bool,
}

impl RegisteredStream {
    /// A stream with the capabilities that its registration named.
    pub(crate) fn new(
        generation: u64,
        activity: ConnectionActivity,
        capabilities: &[String],
    ) -> Self {
        let heartbeats = capabilities.iter().any(|name| name == CAPABILITY_HEARTBEAT);
        Self {
            generation,
            activity,
            heartbeats,
        }
    }
}

/// Events of a domain's streams.
enum LivenessEvent {
    Registered(RegisteredStream),
    Heartbeat(u64, Duration),
    StreamEnded(u64),
}

impl LivenessTasks {
    /// No tasks yet.
    pub(crate) fn new(handles: LivenessHandles) -> Self {
        let timeouts = liveness_timeouts(&handles.desired.current().app);
        Self {
            handles,
            timeouts,
            tasks: BTreeMap::new(),
        }
    }

    /// A managed process has registered, for the first time or again.
    pub(crate) fn on_registered(&mut self, domain: &str, stream: RegisteredStream) {
        let stream = match self.tasks.get(domain) {
            None => stream,
            Some(task) => match task.send(LivenessEvent::Registered(stream)) {
                Ok(()) => return,
                // The task of the last generation has ended.
                Err(mpsc::error::SendError(LivenessEvent::Registered(stream))) => stream,
                Err(_) => return,
            },
        };
        let (sender, events) = mpsc::unbounded_channel();
        if let Some(task) = LivenessTask::new(&self.handles, self.timeouts, domain, stream) {
            tokio::spawn(task.run(events));
            self.tasks.insert(domain.to_owned(), sender);
        }
    }

    /// A domain has sent a heartbeat with the lag of its event loop.
    pub(crate) fn on_heartbeat(&self, domain: &str, generation: u64, lag: Duration) {
        self.send(domain, LivenessEvent::Heartbeat(generation, lag));
    }

    /// The stream of a domain has ended.
    pub(crate) fn on_stream_ended(&mut self, domain: &str, generation: u64, end: StreamEnd) {
        match end {
            // The generation has exited, or another stream is registered already.
            StreamEnd::ByServer => drop(self.tasks.remove(domain)),
            StreamEnd::Replaced => {}
            StreamEnd::ByClient
            | StreamEnd::Closed
            | StreamEnd::ConnectionError
            | StreamEnd::KeepaliveTimeout
            | StreamEnd::ProtocolViolation => {
                self.send(domain, LivenessEvent::StreamEnded(generation))
            }
        }
    }

    fn send(&self, domain: &str, event: LivenessEvent) {
        if let Some(task) = self.tasks.get(domain) {
            // A task that has ended needs no events.
            let _ = task.send(event);
        }
    }
}

/// The task of one domain's current generation.
struct LivenessTask {
    handles: LivenessHandles,
    timeouts: LivenessTimeouts,
    domain: String,
    stream: RegisteredStream,
    monitor: LivenessMonitor,
    inspection: Option<JoinHandle<Option<GroupSnapshot>>>,
    /// Node was started with an inspector flag: a paused process is not hung.
    debugger_attached: bool,
}

enum Wake {
    Event(Option<LivenessEvent>),
    Inspected(Option<GroupSnapshot>),
    /// A check is due. Fulcrum itself did not run for this long past the deadline.
    Deadline(Duration),
}

impl LivenessTask {
    fn new(
        handles: &LivenessHandles,
        timeouts: LivenessTimeouts,
        domain: &str,
        stream: RegisteredStream,
    ) -> Option<Self> {
        let monitor = monitor(&handles.desired, timeouts, domain, &stream)?;
        let mut task = Self {
            handles: handles.clone(),
            timeouts,
            domain: domain.to_owned(),
            stream,
            monitor,
            inspection: None,
            debugger_attached: false,
        };
        task.detect_debugger();
        Some(task)
    }

    /// Runs until the generation has exited, or was found hung.
    async fn run(mut self, mut events: mpsc::UnboundedReceiver<LivenessEvent>) {
        loop {
            match self.wake(&mut events).await {
                Wake::Event(None) => return,
                Wake::Event(Some(event)) => self.handle_event(event),
                // The process is gone; its process task reports the exit.
                Wake::Inspected(None) => return,
                Wake::Inspected(Some(group)) => {
                    self.inspection = None;
                    let last_read = Some(self.stream.activity.last_read_at().into_std());
                    let result = self
                        .monitor
                        .on_inspected(activity(&group), clock(), last_read);
                    if self.on_inspection(result, group).await {
                        return;
                    }
                }
                Wake::Deadline(suspended) => self.check(suspended),
            }
        }
    }

    async fn wake(&mut self, events: &mut mpsc::UnboundedReceiver<LivenessEvent>) -> Wake {
        let deadline = match self.debugger_attached {
            true => None,
            false => self.monitor.deadline(clock()),
        };
        let deadline = async {
            match deadline {
                Some(at) => {
                    sleep_until(Instant::from_std(at)).await;
                    suspend_extension(at, clock(), Duration::MAX).unwrap_or_default()
                }
                None => future::pending().await,
            }
        };
        let inspected = async {
            match &mut self.inspection {
                Some(inspection) => inspection.await.ok().flatten(),
                None => future::pending().await,
            }
        };
        tokio::select! {
            // Events first: a domain that has sent a heartbeat is not declared hung.
            biased;
            event = events.recv() => Wake::Event(event),
            group = inspected => Wake::Inspected(group),
            suspended = deadline => Wake::Deadline(suspended),
        }
    }

    fn handle_event(&mut self, event: LivenessEvent) {
        let now = clock();
        match event {
            LivenessEvent::Heartbeat(generation, lag)
                if generation == self.monitor.generation() =>
            {
                self.monitor.beat(now, Some(lag));
            }
            LivenessEvent::StreamEnded(generation) if generation == self.monitor.generation() => {
                self.monitor.on_stream_lost(now)
            }
            LivenessEvent::Heartbeat(..) | LivenessEvent::StreamEnded(_) => {}
            LivenessEvent::Registered(stream) => self.on_reregistered(stream),
        }
    }

    /// A new stream of the same process, after the last one was lost, or of the next generation.
    fn on_reregistered(&mut self, stream: RegisteredStream) {
        let away = self.monitor.disconnected_for(clock());
        let same = stream.generation == self.monitor.generation();
        if let (Some(away), true) = (away, same) {
            let text = format!("reconnected after {}", format_duration(away));
            self.record("reconnected", text.clone());
            self.log(Level::Debug, text);
        }
        self.inspection = None;
        if let Some(monitor) = monitor(&self.handles.desired, self.timeouts, &self.domain, &stream)
        {
            self.monitor = monitor;
        }
        self.stream = stream;
        if !same {
            self.detect_debugger();
        }
    }

    fn check(&mut self, suspended: Duration) {
        let last_read = Some(self.stream.activity.last_read_at().into_std());
        let check = self.monitor.check(clock(), last_read, suspended);
        let CheckResult::Inspect { late } = check else {
            return;
        };
        if let Some(late) = late {
            self.record("late", late.clone());
            self.log(Level::Warn, with_code(&late, Code::LateHeartbeat));
        }
        let leader = self.leader();
        let processes = self.handles.processes.clone();
        // Reads /proc, which may block.
        self.inspection = Some(tokio::task::spawn_blocking(move || {
            leader.map(|leader| GroupSnapshot::at(leader, &processes))
        }));
    }

    /// Acts on the result of an inspection. Returns true if this generation needs no more checks.
    async fn on_inspection(&mut self, result: InspectionResult, group: GroupSnapshot) -> bool {
        match result {
            InspectionResult::None => {}
            InspectionResult::Traced(tracer) => self.log(
                Level::Info,
                format!("debugger attached (pid {tracer}); liveness checks paused"),
            ),
            InspectionResult::Untraced => self.log(
                Level::Info,
                "debugger detached; liveness checks resumed".to_owned(),
            ),
            InspectionResult::CpuStarved(time) => self.log(
                Level::Debug,
                format!(
                    "had no CPU time for {} of its silence",
                    format_duration(time)
                ),
            ),
            // Its JavaScript stands still for a profile.
            InspectionResult::Hung { .. } if self.is_profiled() => self.monitor.restart(clock()),
            InspectionResult::Hung { reason, baseline } => match self.phase() {
                Some(Phase::Running) => {
                    self.declare_hung(reason, &baseline, group).await;
                    return true;
                }
                // Its start timeout applies.
                Some(Phase::Starting) => self.monitor.restart(clock()),
                _ => return true,
            },
            InspectionResult::Exited => return true,
        }
        false
    }

    async fn declare_hung(&self, reason: String, baseline: &ProcessActivity, now: GroupSnapshot) {
        self.record("unresponsive", reason.clone());
        let report = hang_report::collect(&hang_report::HangContext {
            hub: &self.handles.hub,
            app: &self.handles.desired.current().app.root,
            domain: &self.domain,
            generation: self.monitor.generation(),
            cpu_time: activity(&now).cpu_time_since(baseline),
            silence: now.at.saturating_duration_since(baseline.at),
            now,
        })
        .await;
        if !report.is_empty() {
            self.record("evidence", report.join("; "));
            for line in report {
                self.log(Level::Warn, with_code(&line, Code::LateHeartbeat));
            }
        }
        if let Some(handle) = self.handles.supervisor.domain(&self.domain) {
            // Otherwise the stop would wait for the responses of a process that sends none.
            let generation = self.monitor.generation();
            self.handles
                .registry
                .abandon_calls(&self.domain, generation, &reason);
            handle.report(self.monitor.generation(), Fact::Hung(reason));
        }
    }

    /// The phase of the domain, if this generation is still the current one.
    fn phase(&self) -> Option<Phase> {
        let snapshot = self.handles.supervisor.domain(&self.domain)?.snapshot();
        (snapshot.generation == self.monitor.generation()).then_some(snapshot.phase)
    }

    fn process(&self) -> Option<ProcessIdentity> {
        self.handles.states.get(&self.domain)?.running()
    }

    fn is_profiled(&self) -> bool {
        let state = self.handles.states.get(&self.domain);
        state.is_some_and(|state| *state.profiles.borrow() > 0)
    }

    fn leader(&self) -> Option<u32> {
        let process = self.process()?;
        process
            .pid
            .filter(|_| process.generation == self.monitor.generation())
    }

    /// A Node process with an inspector flag is paused for as long as a debugger holds it.
    fn detect_debugger(&mut self) {
        let process = self.process();
        let flag = process.and_then(|process| inspector_flag(&process.spec));
        self.debugger_attached = flag.is_some();
        if let Some(flag) = flag {
            self.log(
                Level::Info,
                format!("started with {flag}; liveness checks paused"),
            );
        }
    }

    fn record(&self, kind: &'static str, text: String) {
        let events = &self.handles.events;
        events.record(&self.domain, self.monitor.generation(), kind, text);
    }

    fn log(&self, level: Level, text: String) {
        let (hub, generation) = (&self.handles.hub, self.monitor.generation());
        log_for_domain(hub, &self.domain, generation, level, text);
    }
}

fn monitor(
    desired: &DesiredStateReceiver,
    timeouts: LivenessTimeouts,
    domain: &str,
    stream: &RegisteredStream,
) -> Option<LivenessMonitor> {
    let heartbeat = heartbeat_config(&desired.domain(domain)?.process.heartbeat);
    let (source, config) = if stream.heartbeats {
        (LivenessSource::Heartbeats, heartbeat)
    } else {
        (LivenessSource::Traffic, timeouts.for_traffic(heartbeat))
    };
    let reconnect_timeout = LivenessTimeouts::reconnect_timeout(heartbeat);
    Some(LivenessMonitor::new(
        stream.generation,
        source,
        config,
        reconnect_timeout,
        clock(),
    ))
}

/// The values of a snapshot that the monitor compares.
fn activity(snapshot: &GroupSnapshot) -> ProcessActivity {
    let member = |process: &ProcessSnapshot| MemberActivity {
        pid: process.pid,
        tracer: process.tracer,
        cpu_time: process.cpu_time,
        run_delay: process.run_delay,
    };
    ProcessActivity {
        at: snapshot.at,
        members: snapshot.members.iter().map(member).collect(),
    }
}

fn clock() -> std::time::Instant {
    Instant::now().into_std()
}
