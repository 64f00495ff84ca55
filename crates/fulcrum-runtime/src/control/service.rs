//! Handles the requests of the control API.

use std::collections::BTreeSet;
use std::time::Duration;

use fulcrum_config::select;
use fulcrum_logs::{Capacity, Delivery, FULCRUM_SOURCE, Follower, Hub};
use fulcrum_rpc::control::change_request::Action;
use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::progress::{
    MessageSender, message_channel, outcome, single_outcome, timeout_or_max,
};
use fulcrum_rpc::control::wait_request::Condition;
use fulcrum_rpc::control::{
    CallRequest, CallResponse, ChangeRequest, EvalRequest, EvalResponse, Event, EventsRequest,
    Instance, LogRecord, LogsRequest, MetricsRequest, MetricsResponse, ProfileRequest,
    ProfileResponse, Progress, ReloadProgress, ReloadRequest, ShutdownRequest, SignalRequest,
    StatusRequest, StatusResponse, TraceRecordsResponse, TraceRequest, TraceResponse, TraceSummary,
    TracesRequest, WaitRequest,
};
use fulcrum_rpc::{ControlError, ControlHandler, FinishedRequest, MessageStream};
use fulcrum_spawn::lifecycle::{Command, Phase};
use fulcrum_spawn::supervisor::WaitCondition;
use tokio::time::{interval, timeout};

use crate::control::call::CallService;
use crate::control::change::{LifecycleExecutor, LifecycleRequest};
use crate::control::eval::EvalService;
use crate::control::logs;
use crate::control::profile::ProfileService;
use crate::control::reload::{progress_message, stream_reload};
use crate::control::signal::SignalTargets;
use crate::control::status::{Detail, StatusReader};
use crate::control::traces::TraceReader;
use crate::control::wait::DomainWaiter;
use crate::control::waiting::with_reports;
use crate::events::event::Event as RuntimeEvent;
use crate::events::log::EventLog;
use crate::events::stream::EventStream;
use crate::reload::request::ReloadHandle;
use crate::resources::sampler::UsageSampler;
use crate::shutdown::blockers::{shutdown_progress, unkillable};
use crate::shutdown::stage::{ShutdownSignal, ShutdownStage};
use crate::state::desired::DesiredStateReceiver;

/// How often a client of a shutdown receives progress.
const SHUTDOWN_PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// The control API of a running instance.
#[derive(Clone)]
pub(crate) struct ControlService {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) status: StatusReader,
    pub(crate) usage: UsageSampler,
    pub(crate) lifecycle: LifecycleExecutor,
    pub(crate) waiter: DomainWaiter,
    pub(crate) reload: ReloadHandle,
    pub(crate) calls: CallService,
    pub(crate) evaluations: EvalService,
    pub(crate) traces: TraceReader,
    pub(crate) profiles: ProfileService,
    pub(crate) events: EventLog,
    pub(crate) hub: Hub,
    pub(crate) shutdown: ShutdownSignal,
}

impl ControlService {
    /// The domains that patterns select.
    fn select(&self, patterns: &[String]) -> Result<Vec<String>, String> {
        let desired = self.desired.current();
        select(&desired.app, patterns).map_err(|unknown| unknown.message(&desired.app))
    }

    /// The sources of log lines and events that patterns select: domains, removed ones included,
    /// and Fulcrum itself.
    fn select_sources(&self, patterns: &[String]) -> Result<BTreeSet<String>, ControlError> {
        let desired = self.desired.current();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for pattern in patterns {
            if pattern == FULCRUM_SOURCE || desired.removed.contains(pattern) {
                names.insert(pattern.clone());
            } else {
                let selected = self.select(std::slice::from_ref(pattern));
                names.extend(selected.map_err(ControlError::NotFound)?);
            }
        }
        Ok(names)
    }
}

impl ControlService {
    /// Runs jobs once more, and reports how they end.
    fn run_jobs(&self, request: ChangeRequest) -> MessageStream<Progress> {
        let names = match self.select(&request.domains) {
            Ok(names) => names,
            Err(text) => return single_outcome(Kind::UnknownDomain, text),
        };
        let by_name = request.domains.iter().any(|name| names.contains(name));
        let names = match self
            .lifecycle
            .jobs(&self.desired.current().app, names, by_name)
        {
            Ok(names) => names,
            Err(text) => return single_outcome(Kind::Failed, text),
        };
        let lifecycle_request = LifecycleRequest {
            command: Command::Restart,
            names,
            by_name,
            no_wait: request.no_wait,
            no_deps: false,
        };
        let limit = timeout_or_max(request.timeout_ms);
        self.execute(lifecycle_request, limit, Kind::DomainFailed)
    }

    /// Executes a request; `failed` is the kind of outcome if a domain did not come to be as
    /// requested.
    fn execute(
        &self,
        request: LifecycleRequest,
        limit: Duration,
        failed: Kind,
    ) -> MessageStream<Progress> {
        if self.shutdown.stage() > ShutdownStage::Running {
            let text = "the instance is shutting down";
            return single_outcome(Kind::Failed, text);
        }
        let (sender, stream) = message_channel();
        let (lifecycle, waiter) = (self.lifecycle.clone(), self.waiter.clone());
        tokio::spawn(async move {
            let steps = sender.clone();
            // A client that is slow or gone misses steps and delays nothing.
            let on_step = move |step| drop(steps.try_send(Ok(progress_message(step))));
            let work = timeout(limit, lifecycle.execute(&request, on_step));
            let pending = || waiter.describe_causes(&request.names, condition_of(request.command));
            let last = match with_reports(work, pending, &sender).await {
                Ok(Ok(text)) => outcome(Kind::Done, text),
                Ok(Err(text)) => outcome(failed, text),
                Err(_) => outcome(Kind::TimedOut, describe_timeout(&waiter, &request)),
            };
            let _ = sender.send(Ok(last)).await;
        });
        stream
    }
}

impl ControlHandler for ControlService {
    async fn instance(&self) -> Instance {
        self.status.instance()
    }

    async fn status(&self, request: StatusRequest) -> Result<StatusResponse, ControlError> {
        let names = self
            .select(&request.domains)
            .map_err(ControlError::NotFound)?;
        self.usage.refresh().await;
        let detail = match (request.details, request.show_secrets) {
            (false, _) => Detail::None,
            (true, false) => Detail::Masked,
            (true, true) => Detail::Full,
        };
        let configs = names.iter().filter_map(|name| self.desired.domain(name));
        Ok(StatusResponse {
            instance: Some(self.status.instance()),
            domains: configs
                .map(|config| {
                    let mut domain = self.status.domain(&config, detail);
                    if request.details {
                        domain.message_types = self.calls.message_types(&config.name);
                    }
                    if request.first_starts {
                        domain.first_start = self.status.first_start(&config);
                    }
                    domain
                })
                .collect(),
        })
    }

    async fn change(
        &self,
        request: ChangeRequest,
    ) -> Result<MessageStream<Progress>, ControlError> {
        let command = match request.action() {
            Action::Start => Command::Start,
            Action::Run => return Ok(self.run_jobs(request)),
            Action::Stop => Command::Stop,
            Action::Restart => Command::Restart,
            Action::Kill => Command::Kill,
            Action::Unspecified => {
                let text = "the request has no action".to_owned();
                return Err(ControlError::Invalid(text));
            }
        };
        let names = match self.select(&request.domains) {
            Ok(names) => names,
            Err(text) => return Ok(single_outcome(Kind::UnknownDomain, text)),
        };
        let limit = timeout_or_max(request.timeout_ms);
        let request = LifecycleRequest {
            command,
            by_name: request.domains.iter().any(|name| names.contains(name)),
            names,
            no_wait: request.no_wait,
            no_deps: request.no_deps,
        };
        Ok(self.execute(request, limit, Kind::Failed))
    }

    async fn signal(
        &self,
        request: SignalRequest,
    ) -> Result<MessageStream<Progress>, ControlError> {
        let names = match self.select(&request.domains) {
            Ok(names) => names,
            Err(text) => return Ok(single_outcome(Kind::UnknownDomain, text)),
        };
        let request = SignalTargets {
            by_name: request.domains.iter().any(|name| names.contains(name)),
            names,
            signal: request.signal,
            tree: request.tree,
        };
        Ok(match self.lifecycle.send_signal(&request).await {
            Ok(text) => single_outcome(Kind::Done, text),
            Err(text) => single_outcome(Kind::Failed, text),
        })
    }

    async fn wait(&self, request: WaitRequest) -> Result<MessageStream<Progress>, ControlError> {
        let condition = match request.condition() {
            Condition::Running => WaitCondition::Running,
            Condition::Stopped => WaitCondition::Stopped,
            Condition::Completed => WaitCondition::Completed,
            Condition::Ready | Condition::Unspecified => WaitCondition::Ready,
        };
        let names = if request.domains.is_empty() {
            self.desired.current().selected.clone()
        } else {
            match self.select(&request.domains) {
                Ok(names) => names,
                Err(text) => return Ok(single_outcome(Kind::UnknownDomain, text)),
            }
        };
        let limit = timeout_or_max(request.timeout_ms);
        let (sender, stream) = message_channel();
        let waiter = self.waiter.clone();
        tokio::spawn(async move {
            let work = timeout(limit, waiter.wait_all(&names, condition));
            let pending = || waiter.describe_causes(&names, condition);
            let result = tokio::select! {
                result = with_reports(work, pending, &sender) => result,
                // The client is gone.
                () = sender.closed() => return,
            };
            let last = match result {
                Ok(Ok(text)) => outcome(Kind::Done, text),
                Ok(Err(text)) => outcome(Kind::DomainFailed, text),
                Err(_) => outcome(Kind::TimedOut, waiter.describe_pending(&names, condition)),
            };
            let _ = sender.send(Ok(last)).await;
        });
        Ok(stream)
    }

    async fn logs(&self, request: LogsRequest) -> Result<MessageStream<LogRecord>, ControlError> {
        let domains = match request.domains.is_empty() {
            true => None,
            false => Some(self.select_sources(&request.domains)?),
        };
        let query = logs::query(&request, domains.clone())?;
        let follower = self.hub.subscribe(query, Capacity::default());
        let marker = logs::snapshot_marker(
            &self.status.states,
            &self.desired.current(),
            self.status.info.log_run,
            follower.snapshot_seq(),
            domains,
        );
        let (sender, stream) = message_channel();
        let hub = self.hub.clone();
        tokio::spawn(async move {
            // Lines that are not in memory any more, up to the marker, are read from the store.
            hub.flushed().await;
            send_logs(follower, marker, request.follow, &sender).await;
        });
        Ok(stream)
    }

    async fn events(&self, request: EventsRequest) -> Result<MessageStream<Event>, ControlError> {
        let names = self.select_sources(&request.domains)?;
        let stream = self.events.subscribe();
        let (sender, messages) = message_channel();
        tokio::spawn(send_events(stream, names, request.follow, sender));
        Ok(messages)
    }

    async fn call(&self, request: CallRequest) -> Result<CallResponse, ControlError> {
        self.calls.call(request).await
    }

    async fn call_stream(
        &self,
        request: CallRequest,
    ) -> Result<MessageStream<CallResponse>, ControlError> {
        self.calls.call_stream(request)
    }

    async fn eval(&self, request: EvalRequest) -> Result<EvalResponse, ControlError> {
        self.evaluations.eval(request).await
    }

    async fn reload(
        &self,
        request: ReloadRequest,
    ) -> Result<MessageStream<ReloadProgress>, ControlError> {
        let limit = timeout_or_max(request.timeout_ms);
        Ok(stream_reload(self.reload.clone(), request, limit))
    }

    async fn traces(
        &self,
        request: TracesRequest,
    ) -> Result<MessageStream<TraceSummary>, ControlError> {
        self.traces.list(request)
    }

    async fn trace(&self, request: TraceRequest) -> Result<TraceResponse, ControlError> {
        self.traces.show(&request)
    }

    async fn trace_records(
        &self,
        request: TraceRequest,
    ) -> Result<TraceRecordsResponse, ControlError> {
        self.traces.records(&request)
    }

    fn observe(&self, request: &FinishedRequest<'_>) {
        self.traces.record_request(request);
    }

    async fn profile(&self, request: ProfileRequest) -> Result<ProfileResponse, ControlError> {
        self.profiles.profile(request).await
    }

    async fn metrics(&self, request: MetricsRequest) -> Result<MetricsResponse, ControlError> {
        self.traces.metrics(&request)
    }

    async fn shutdown(
        &self,
        request: ShutdownRequest,
    ) -> Result<MessageStream<Progress>, ControlError> {
        self.shutdown.request(match request.force {
            true => ShutdownStage::Killing,
            false => ShutdownStage::Stopping,
        });
        let (sender, stream) = message_channel();
        let (shutdown, supervisor) = (self.shutdown.clone(), self.waiter.supervisor.clone());
        tokio::spawn(async move {
            let mut ticks = interval(SHUTDOWN_PROGRESS_INTERVAL);
            ticks.tick().await;
            loop {
                tokio::select! {
                    () = shutdown.wait_for(ShutdownStage::Done) => break,
                    _ = ticks.tick() => {}
                }
                let progress = Progress {
                    message: shutdown_progress(&supervisor),
                    ..Progress::default()
                };
                if sender.send(Ok(progress)).await.is_err() {
                    return;
                }
            }
            let alive = unkillable(&supervisor);
            let last = match alive.is_empty() {
                true => outcome(Kind::Done, "stopped"),
                false => outcome(
                    Kind::Failed,
                    format!("still alive after SIGKILL: {}", alive.join(", ")),
                ),
            };
            let _ = sender.send(Ok(last)).await;
        });
        Ok(stream)
    }
}

/// What a request waits for.
fn condition_of(command: Command) -> WaitCondition {
    match command {
        Command::Start | Command::Restart => WaitCondition::Ready,
        Command::Stop | Command::Kill => WaitCondition::Stopped,
    }
}

/// What a request still waits for at its time limit.
fn describe_timeout(waiter: &DomainWaiter, request: &LifecycleRequest) -> String {
    let condition = condition_of(request.command);
    let pending = waiter.describe_pending(&request.names, condition);
    format!("time limit reached; the request continues: {pending}")
}

/// Sends the lines in memory, the marker, and, if the client follows, the lines that come.
async fn send_logs(
    mut follower: Follower,
    marker: LogRecord,
    follow: bool,
    sender: &MessageSender<LogRecord>,
) {
    let backlog: Vec<LogRecord> = follower
        .backlog()
        .map(Delivery::Line)
        .map(logs::log_record)
        .collect();
    for record in backlog.into_iter().chain([marker]) {
        if sender.send(Ok(record)).await.is_err() {
            return;
        }
    }
    if !follow {
        return;
    }
    loop {
        let delivery = tokio::select! {
            delivery = follower.next() => delivery,
            () = sender.closed() => return,
        };
        let Some(delivery) = delivery else { return };
        if sender.send(Ok(logs::log_record(delivery))).await.is_err() {
            return;
        }
    }
}

/// Sends the events in memory, and, if the client follows, those that come. No names are all.
async fn send_events(
    mut events: EventStream,
    names: BTreeSet<String>,
    follow: bool,
    sender: MessageSender<Event>,
) {
    let is_selected = |event: &RuntimeEvent| names.is_empty() || names.contains(&event.domain);
    let recent: Vec<RuntimeEvent> = events.recent().filter(is_selected).collect();
    for event in recent {
        if sender.send(Ok(event_message(event))).await.is_err() {
            return;
        }
    }
    if !follow {
        return;
    }
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = sender.closed() => return,
        };
        let Some(event) = event else { return };
        if is_selected(&event) && sender.send(Ok(event_message(event))).await.is_err() {
            return;
        }
    }
}

fn event_message(event: RuntimeEvent) -> Event {
    let phase = |phase: Option<Phase>| phase.map_or_else(String::new, |phase| phase.to_string());
    Event {
        seq: event.seq,
        time: Some(event.time.into()),
        domain: event.domain,
        from: phase(event.phases.map(|(from, _)| from)),
        to: phase(event.phases.map(|(_, to)| to)),
        generation: event.generation,
        reason: event.reason,
        kind: event.kind.to_owned(),
        count: event.count,
        first_time: Some(event.first_time.into()),
    }
}
