//! Is each registered life still there? One task a life, asleep until something may be wrong.
//!
//! [`Watch`] decides, purely; here are its clock, its looks at `/proc`, and what follows from what
//! it finds: a word, a note in the journal, and in the end the fact that the life hangs.

use std::collections::BTreeMap;
use std::future;
use std::time::Duration;

use fulcrum_health::{
    CheckResult, InspectionResult, LivenessMonitor, LivenessSource, LivenessTimeouts,
    MemberActivity, ProcessActivity,
};
use fulcrum_logs::Level;
use fulcrum_rpc::{CAPABILITY_HEARTBEAT, ConnectionActivity, StreamEnd};
use fulcrum_spawn::lifecycle::{Fact, Phase};
use fulcrum_spawn::process::GroupSnapshot;
use fulcrum_spawn::supervisor::suspend_extension;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::context::{SharedContext, now};
use crate::format::format_duration;
use crate::liveness::hang_report;
use crate::liveness::keepalive::{heartbeat_config, liveness_timeouts};

/// The lives that are watched, by domain.
pub(crate) struct LivenessTasks {
    house: SharedContext,
    limits: LivenessTimeouts,
    tasks: BTreeMap<String, mpsc::UnboundedSender<LivenessEvent>>,
}

/// A stream as it was registered.
#[derive(Debug)]
pub(crate) struct RegisteredStream {
    pub(crate) generation: u64,
    pub(crate) activity: ConnectionActivity,
    pub(crate) heartbeats: bool,
}

impl RegisteredStream {
    /// From what the registration says.
    pub(crate) fn new(
        generation: u64,
        activity: ConnectionActivity,
        capabilities: &[String],
    ) -> Self {
        let heartbeats = capabilities.iter().any(|one| one == CAPABILITY_HEARTBEAT);
        Self {
            generation,
            activity,
            heartbeats,
        }
    }
}

/// What a life's task hears.
enum LivenessEvent {
    Registered(RegisteredStream),
    Heartbeat(u64, Duration),
    StreamEnded(u64),
}

impl LivenessTasks {
    /// Nobody is watched yet.
    pub(crate) fn new(house: SharedContext) -> Self {
        let limits = liveness_timeouts(&house.agenda().app);
        Self {
            house,
            limits,
            tasks: BTreeMap::new(),
        }
    }

    /// A process of ours has registered, for the first time or again.
    pub(crate) fn registered(&mut self, domain: &str, stream: RegisteredStream) {
        let stream = match self.tasks.get(domain) {
            None => stream,
            Some(task) => match task.send(LivenessEvent::Registered(stream)) {
                Ok(()) => return,
                // The last life's task is over.
                Err(mpsc::error::SendError(LivenessEvent::Registered(stream))) => stream,
                Err(_) => return,
            },
        };
        let (sender, news) = mpsc::unbounded_channel();
        if let Some(life) = LivenessTask::begin(&self.house, self.limits, domain, stream) {
            tokio::spawn(life.run(news));
            self.tasks.insert(domain.to_owned(), sender);
        }
    }

    /// It has sent a heartbeat, with the lag of its event loop.
    pub(crate) fn beat(&self, domain: &str, generation: u64, lag: Duration) {
        self.tell(domain, LivenessEvent::Heartbeat(generation, lag));
    }

    /// Its stream has ended.
    pub(crate) fn ended(&mut self, domain: &str, generation: u64, end: StreamEnd) {
        match end {
            // The life is over, or another stream is there already.
            StreamEnd::ByServer => drop(self.tasks.remove(domain)),
            StreamEnd::Replaced => {}
            StreamEnd::ByClient
            | StreamEnd::Closed
            | StreamEnd::ConnectionError
            | StreamEnd::KeepaliveTimeout
            | StreamEnd::ProtocolViolation => {
                self.tell(domain, LivenessEvent::StreamEnded(generation))
            }
        }
    }

    fn tell(&self, domain: &str, news: LivenessEvent) {
        if let Some(task) = self.tasks.get(domain) {
            // A task that is over has nothing to watch any more.
            let _ = task.send(news);
        }
    }
}

/// The task of one domain's current life.
struct LivenessTask {
    house: SharedContext,
    limits: LivenessTimeouts,
    domain: String,
    stream: RegisteredStream,
    watch: LivenessMonitor,
    look: Option<JoinHandle<Option<GroupSnapshot>>>,
    /// Node was started for a debugger, so that silence says nothing.
    debugger_attached: bool,
}

enum Wake {
    LivenessEvent(Option<LivenessEvent>),
    Looked(Option<GroupSnapshot>),
    /// A check is due; Fulcrum itself did not run for so long past the deadline.
    Due(Duration),
}

impl LivenessTask {
    fn begin(
        house: &SharedContext,
        limits: LivenessTimeouts,
        domain: &str,
        stream: RegisteredStream,
    ) -> Option<Self> {
        let watch = watch(house, limits, domain, &stream)?;
        let mut life = Self {
            house: SharedContext::clone(house),
            limits,
            domain: domain.to_owned(),
            stream,
            watch,
            look: None,
            debugger_attached: false,
        };
        life.detect_debugger();
        Some(life)
    }

    /// Runs until the life is over, or was found hung.
    async fn run(mut self, mut news: mpsc::UnboundedReceiver<LivenessEvent>) {
        loop {
            match self.wake(&mut news).await {
                Wake::LivenessEvent(None) => return,
                Wake::LivenessEvent(Some(heard)) => self.handle_event(heard),
                // The process is gone, which is told elsewhere.
                Wake::Looked(None) => return,
                Wake::Looked(Some(look)) => {
                    self.look = None;
                    let heard = Some(self.stream.activity.last_read_at().into_std());
                    let finding = self.watch.on_inspected(activity(&look), clock(), heard);
                    if self.on_inspection(finding, look).await {
                        return;
                    }
                }
                Wake::Due(suspended) => self.check(suspended),
            }
        }
    }

    async fn wake(&mut self, news: &mut mpsc::UnboundedReceiver<LivenessEvent>) -> Wake {
        let deadline = match self.debugger_attached {
            true => None,
            false => self.watch.deadline(clock()),
        };
        let due = async {
            match deadline {
                Some(at) => {
                    sleep_until(Instant::from_std(at)).await;
                    suspend_extension(at, clock(), Duration::MAX).unwrap_or_default()
                }
                None => future::pending().await,
            }
        };
        let looked = async {
            match &mut self.look {
                Some(look) => look.await.ok().flatten(),
                None => future::pending().await,
            }
        };
        tokio::select! {
            // Signs of life first: nobody is condemned who has spoken up.
            biased;
            heard = news.recv() => Wake::LivenessEvent(heard),
            look = looked => Wake::Looked(look),
            suspended = due => Wake::Due(suspended),
        }
    }

    fn handle_event(&mut self, news: LivenessEvent) {
        let now = clock();
        match news {
            LivenessEvent::Heartbeat(generation, lag) if generation == self.watch.generation() => {
                self.watch.beat(now, Some(lag));
            }
            LivenessEvent::StreamEnded(generation) if generation == self.watch.generation() => {
                self.watch.on_stream_lost(now)
            }
            LivenessEvent::Heartbeat(..) | LivenessEvent::StreamEnded(_) => {}
            LivenessEvent::Registered(stream) => self.on_reregistered(stream),
        }
    }

    /// A stream of the same process, after the last one was lost, or of the next life.
    fn on_reregistered(&mut self, stream: RegisteredStream) {
        let away = self.watch.disconnected_for(clock());
        let same = stream.generation == self.watch.generation();
        if let (Some(away), true) = (away, same) {
            let text = format!("its stream is back after {}", format_duration(away));
            self.note("reconnected", text.clone());
            self.say(Level::Debug, text);
        }
        self.look = None;
        if let Some(watch) = watch(&self.house, self.limits, &self.domain, &stream) {
            self.watch = watch;
        }
        self.stream = stream;
        if !same {
            self.detect_debugger();
        }
    }

    fn check(&mut self, suspended: Duration) {
        let heard = Some(self.stream.activity.last_read_at().into_std());
        let check = self.watch.check(clock(), heard, suspended);
        let CheckResult::Inspect { late } = check else {
            return;
        };
        if let Some(late) = late {
            self.note("late", late.clone());
            self.say(Level::Warn, late);
        }
        let leader = self.leader();
        // It reads /proc, which may block.
        self.look = Some(tokio::task::spawn_blocking(move || {
            leader.map(GroupSnapshot::at)
        }));
    }

    /// Does what follows from a look; true where this life needs no watching any more.
    async fn on_inspection(&mut self, finding: InspectionResult, look: GroupSnapshot) -> bool {
        match finding {
            InspectionResult::None => {}
            InspectionResult::Traced(tracer) => self.say(
                Level::Info,
                format!("process {tracer} traces it: its silence is not judged meanwhile"),
            ),
            InspectionResult::Untraced => self.say(Level::Info, "no longer traced".to_owned()),
            InspectionResult::CpuStarved(time) => self.say(
                Level::Debug,
                format!("it had no CPU for {} of its silence", format_duration(time)),
            ),
            InspectionResult::Hung { reason, baseline } => match self.phase() {
                Some(Phase::Running) => {
                    self.declare_hung(reason, &baseline, look).await;
                    return true;
                }
                // Not yet this task's affair, or no longer.
                Some(Phase::Starting) => self.watch.restart(clock()),
                _ => return true,
            },
            InspectionResult::Exited => return true,
        }
        false
    }

    async fn declare_hung(&self, why: String, baseline: &ProcessActivity, look: GroupSnapshot) {
        self.note("unresponsive", why.clone());
        let case = hang_report::HangContext {
            domain: &self.domain,
            generation: self.watch.generation(),
            cpu_time: activity(&look).cpu_time_since(baseline),
            silence: look.at.saturating_duration_since(baseline.at),
            look,
        };
        let found = hang_report::collect(&self.house, &case).await;
        if !found.is_empty() {
            self.note("evidence", found.join("; "));
            found
                .into_iter()
                .for_each(|line| self.say(Level::Warn, line));
        }
        if let Some(handle) = self.house.supervisor.domain(&self.domain) {
            handle.report(self.watch.generation(), Fact::Hung(why));
        }
    }

    /// The phase, if this life is still the current one.
    fn phase(&self) -> Option<Phase> {
        let snapshot = self.house.supervisor.domain(&self.domain)?.snapshot();
        (snapshot.generation == self.watch.generation()).then_some(snapshot.phase)
    }

    fn leader(&self) -> Option<u32> {
        let badge = self.house.desks.get(&self.domain)?.running()?;
        badge
            .pid
            .filter(|_| badge.generation == self.watch.generation())
    }

    /// A Node that was started for a debugger stands still for as long as somebody reads code.
    fn detect_debugger(&mut self) {
        let badge = self
            .house
            .desks
            .get(&self.domain)
            .and_then(|desk| desk.running());
        let flag = badge.and_then(|badge| hang_report::inspector_flag(&badge.spec));
        self.debugger_attached = flag.is_some();
        if let Some(flag) = flag {
            self.say(
                Level::Info,
                format!("it was started with {flag}: its silence is not judged"),
            );
        }
    }

    fn note(&self, kind: &'static str, text: String) {
        let journal = &self.house.journal;
        journal.record(&self.domain, self.watch.generation(), kind, text);
    }

    fn say(&self, level: Level, text: String) {
        let generation = self.watch.generation();
        self.house
            .hub
            .publish_event(&self.domain, generation, level, text, now());
    }
}

fn watch(
    house: &SharedContext,
    limits: LivenessTimeouts,
    domain: &str,
    stream: &RegisteredStream,
) -> Option<LivenessMonitor> {
    let heartbeat = heartbeat_config(&house.domain(domain)?.process.heartbeat);
    let (sign, config) = if stream.heartbeats {
        (LivenessSource::Heartbeats, heartbeat)
    } else {
        (LivenessSource::Traffic, limits.for_traffic(heartbeat))
    };
    let redial = LivenessTimeouts::reconnect_timeout(heartbeat);
    Some(LivenessMonitor::new(
        stream.generation,
        sign,
        config,
        redial,
        clock(),
    ))
}

/// The values of a snapshot that the monitor compares.
fn activity(snapshot: &GroupSnapshot) -> ProcessActivity {
    let member = |process: &fulcrum_spawn::process::ProcessSnapshot| MemberActivity {
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
