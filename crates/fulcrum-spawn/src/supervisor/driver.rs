//! The task that owns one domain.

use std::collections::BTreeMap;
use std::future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::backend::{Backend, FactSender, ProcessGroup};
use super::blocker::describe_failed_jobs;
use super::gate::{DriverParams, GateChange, WaitView};
use super::messages::{DriverRequest, DriverUpdate, Mailbox, PendingRequest};
use super::snapshot::{Snapshot, Transition};
use super::step::whole_step;
use super::suspend::suspend_extension;
use super::turn::StartBarrier;
use crate::lifecycle::{
    Command, CommandRejected, Effect, Fact, Input, Machine, Phase, RestartPolicy, StopSignal,
    Timer, TransitionCause,
};
use crate::start_error::StartError;

/// Everything that wakes a driver.
enum Wake<B: Backend> {
    DriverUpdate(Box<DriverUpdate<B>>),
    PendingRequest(Box<PendingRequest>),
    /// The turn of the request that waits for it.
    Turn,
    Fact(Box<(u64, Fact)>),
    Timer(Timer),
    Gate(GateChange),
    Prepared(Result<B::LaunchPlan, StartError>),
    /// The last handle was dropped: no command can arrive.
    Abandoned,
}

pub(super) struct Driver<B: Backend> {
    pub(super) name: String,
    pub(super) machine: Machine,
    pub(super) policy: Box<dyn RestartPolicy + Send>,
    pub(super) backend: B,
    pub(super) params: watch::Sender<DriverParams>,
    pub(super) updates: mpsc::UnboundedReceiver<Box<DriverUpdate<B>>>,
    pub(super) requests: mpsc::UnboundedReceiver<Box<PendingRequest>>,
    pub(super) facts: Mailbox,
    pub(super) snapshots: watch::Sender<Snapshot>,
    pub(super) transitions: mpsc::UnboundedSender<Transition>,
    /// The moment from which timers that need no precision are counted in whole steps.
    pub(super) epoch: Instant,
    pub(super) work: Pending<B>,
}

/// What is in progress outside the machine.
pub(super) struct Pending<B: Backend> {
    pub(super) group: Option<Arc<dyn ProcessGroup>>,
    pub(super) timers: BTreeMap<Timer, Armed>,
    gate: Option<Pin<Box<dyn Future<Output = GateChange> + Send>>>,
    preparation: Option<JoinHandle<Result<B::LaunchPlan, StartError>>>,
    plan: Option<B::LaunchPlan>,
    /// What caused the end of the current generation, and whether SIGKILL was sent.
    pub(super) stop_cause: (TransitionCause, bool),
    /// The domain was removed: no further generation is started.
    removed: bool,
    /// A request that waits for its turn.
    deferred: Option<Deferred>,
    /// What the next start waits for, besides the dependencies.
    start_barrier: StartBarrier,
}

/// The execution of a step.
type Step<'a> = Pin<Box<dyn Future<Output = Result<(), CommandRejected>> + Send + 'a>>;

/// A request that waits for its turn.
struct Deferred {
    request: PendingRequest,
    turn: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// A running timer.
#[derive(Clone, Copy)]
pub(super) struct Armed {
    pub(super) at: Instant,
    length: Duration,
    /// The timer was extended by suspended time, which happens once.
    extended: bool,
}

impl<B: Backend> Default for Pending<B> {
    fn default() -> Self {
        Self {
            group: None,
            timers: BTreeMap::new(),
            gate: None,
            preparation: None,
            plan: None,
            stop_cause: (TransitionCause::Normal, false),
            removed: false,
            deferred: None,
            start_barrier: StartBarrier::default(),
        }
    }
}

/// The machine before a step.
pub(super) struct PreviousState {
    pub(super) phase: Phase,
    pub(super) ready: bool,
    pub(super) was_ready: bool,
}

impl<B: Backend> Driver<B> {
    pub(super) async fn run(mut self) {
        loop {
            match self.wake().await {
                Wake::DriverUpdate(update) => self.apply_update(*update).await,
                Wake::PendingRequest(request) => self.receive_request(*request).await,
                Wake::Turn => {
                    if let Some(Deferred { request, .. }) = self.work.deferred.take() {
                        self.execute_request(request).await;
                    }
                }
                Wake::Fact(message) => {
                    let (generation, fact) = *message;
                    self.fact(generation, fact).await;
                }
                Wake::Timer(timer) => {
                    if !self.extended(timer) {
                        self.work.timers.remove(&timer);
                        let _ = self.step(Input::Timer(timer)).await;
                    }
                }
                Wake::Gate(change) => self.gate_changed(change).await,
                Wake::Prepared(outcome) => {
                    self.work.preparation = None;
                    let fact = match outcome {
                        Ok(plan) => {
                            self.work.plan = Some(plan);
                            Fact::Prepared
                        }
                        Err(failure) => Fact::PrepareFailed(failure),
                    };
                    self.fact(self.machine.generation() + 1, fact).await;
                }
                Wake::Abandoned => return,
            }
            let is_over = matches!(
                self.machine.phase(),
                Phase::Stopped | Phase::Completed | Phase::Failed
            );
            if self.work.removed && is_over {
                return;
            }
        }
    }

    async fn apply_update(&mut self, update: DriverUpdate<B>) {
        match update {
            DriverUpdate::Update {
                params,
                timing,
                backend,
            } => {
                self.machine.set_timing(timing);
                self.backend = backend;
                self.params.send_replace(params);
                if self.work.gate.is_some() {
                    self.await_gate();
                }
            }
            DriverUpdate::Remove => {
                self.work.removed = true;
                self.drop_deferred();
                // Rejected only if a process cannot be killed. Then its exit is awaited.
                let _ = self.step(Input::Command(Command::Stop)).await;
            }
        }
    }

    /// Executes a request, or keeps it until its turn comes. Only a domain with a process has to
    /// wait: others have nothing that their dependents could use.
    async fn receive_request(&mut self, request: PendingRequest) {
        let superseded = self
            .work
            .deferred
            .as_ref()
            .is_some_and(|waiting| request.request.supersedes(&waiting.request.request));
        if superseded {
            self.drop_deferred();
        }
        let waits = self.machine.phase().has_process() && request.request.waits_for_turn();
        match &request.turn {
            // Whatever waits already ends this generation as well.
            Some(_) if waits && self.work.deferred.is_some() => {}
            Some(turn) if waits => {
                let turn = Box::pin(turn.has_come());
                self.work.deferred = Some(Deferred { request, turn });
            }
            _ => self.execute_request(request).await,
        }
    }

    fn drop_deferred(&mut self) {
        if let Some(waiting) = self.work.deferred.take() {
            let text = format!("{}: another request came first", self.name);
            let _ = waiting.request.accepted.send(Err(CommandRejected(text)));
        }
    }

    async fn execute_request(&mut self, request: PendingRequest) {
        let PendingRequest {
            request,
            turn,
            accepted,
        } = request;
        if let Some(turn) = turn {
            self.hold_start(turn.execute());
        }
        let outcome = self.handle_request(request).await;
        // The caller may be gone. The request takes effect all the same.
        let _ = accepted.send(outcome);
    }

    fn hold_start(&mut self, barrier: StartBarrier) {
        self.work.start_barrier.extend(barrier);
        if self.work.gate.is_some() {
            self.await_gate();
        }
    }

    /// Waits until the gate opens or cannot open; in phase failed, until it may open again.
    fn await_gate(&mut self) {
        let view = WaitView {
            snapshots: self.snapshots.subscribe(),
            params: self.params.subscribe(),
        };
        if self.machine.is_blocked() {
            self.work.gate = Some(Box::pin(async move {
                view.wait_until_job_recovered().await;
                GateChange::JobRecovered
            }));
            return;
        }
        let gate = self.params.borrow().gate.clone();
        let barrier = self.work.start_barrier.clone();
        self.work.gate = Some(Box::pin(async move {
            let open = async {
                barrier.wait_until_open().await;
                gate.wait_until_open().await;
            };
            tokio::select! {
                biased;
                () = open => GateChange::Open,
                failed = view.wait_until_job_failed() => {
                    GateChange::JobFailed(describe_failed_jobs(&failed))
                }
            }
        }));
    }

    async fn gate_changed(&mut self, change: GateChange) {
        self.work.gate = None;
        let fact = match change {
            GateChange::Open => Fact::DependenciesReady,
            GateChange::JobFailed(reason) => Fact::DependencyFailed(reason),
            GateChange::JobRecovered => Fact::DependencyRecovered,
        };
        self.fact(self.machine.generation() + 1, fact).await;
        if self.machine.is_blocked() {
            self.await_gate();
        }
    }

    async fn handle_request(&mut self, request: DriverRequest) -> Result<(), CommandRejected> {
        let ends = matches!(
            request,
            DriverRequest::Command(Command::Stop | Command::Kill)
        );
        if self.work.removed && !ends {
            return Err(CommandRejected(format!(
                "{} was removed from the configuration and is being stopped",
                self.name
            )));
        }
        self.step(match request {
            DriverRequest::Command(command) => Input::Command(command),
            DriverRequest::Reload(why) => Input::Reload(why),
            DriverRequest::Fact(generation, fact) => Input::Fact { generation, fact },
            DriverRequest::HoldStart(barrier) => {
                self.hold_start(barrier);
                return Ok(());
            }
            DriverRequest::CancelTurn => return Ok(()),
            DriverRequest::Signal(signal, to_all) => return self.send(signal, to_all),
        })
        .await
    }

    fn send(&self, signal: Signal, to_all: bool) -> Result<(), CommandRejected> {
        let Some(group) = &self.work.group else {
            let phase = self.machine.phase();
            return Err(CommandRejected(format!("it has no process ({phase})")));
        };
        group.send(signal, to_all);
        Ok(())
    }

    async fn wake(&mut self) -> Wake<B> {
        let due = self
            .work
            .timers
            .iter()
            .min_by_key(|(_, armed)| armed.at)
            .map(|(timer, armed)| (*timer, armed.at));
        let expiry = async {
            match due {
                Some((timer, at)) => {
                    sleep_until(at).await;
                    timer
                }
                None => future::pending().await,
            }
        };
        let gate = async {
            match &mut self.work.gate {
                Some(gate) => gate.await,
                None => future::pending().await,
            }
        };
        let turn = async {
            match &mut self.work.deferred {
                Some(waiting) => waiting.turn.as_mut().await,
                None => future::pending().await,
            }
        };
        let prepared = async {
            match &mut self.work.preparation {
                Some(task) => task.await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            // Facts first: what has happened must be known before anything is decided.
            biased;
            Some(message) = self.facts.1.recv() => Wake::Fact(message),
            // Updates before requests, since a request may refer to an update.
            Some(update) = self.updates.recv() => Wake::DriverUpdate(update),
            request = self.requests.recv() => request.map_or(Wake::Abandoned, Wake::PendingRequest),
            () = turn => Wake::Turn,
            change = gate => Wake::Gate(change),
            outcome = prepared => Wake::Prepared(outcome.unwrap_or_else(|error| {
                Err(StartError::permanent(format!("preparation failed: {error}")))
            })),
            timer = expiry => Wake::Timer(timer),
        }
    }

    /// Whether an expired timer is extended, because Fulcrum itself did not run. Only timers that
    /// measure the domain's time are.
    fn extended(&mut self, timer: Timer) -> bool {
        let is_domain_time = match timer {
            Timer::StartTimeout
            | Timer::TimeLimit
            | Timer::StopRest
            | Timer::StopGrace
            | Timer::KillWait => true,
            Timer::Stable | Timer::Backoff => false,
        };
        let now = Instant::now();
        let Some(armed) = self.work.timers.get_mut(&timer) else {
            return false;
        };
        if !is_domain_time || armed.extended {
            return false;
        }
        let Some(more) = suspend_extension(armed.at.into_std(), now.into_std(), armed.length)
        else {
            return false;
        };
        tracing::debug!(
            domain = %self.name,
            "suspended for {:?}; timer {timer:?} extended by {more:?}",
            now - armed.at
        );
        armed.at = now + more;
        armed.extended = true;
        true
    }

    async fn fact(&mut self, generation: u64, fact: Fact) {
        if generation == self.machine.generation() && fact == Fact::GroupEmpty {
            self.work.group = None;
        }
        // Facts are never rejected, only commands are.
        let _ = self.step(Input::Fact { generation, fact }).await;
    }

    /// One step of the machine and its effects. In memory of its own, which exists during the step:
    /// what a start needs is twenty times as large as a driver that waits.
    fn step(&mut self, input: Input) -> Step<'_> {
        Box::pin(self.execute_step(input))
    }

    async fn execute_step(&mut self, input: Input) -> Result<(), CommandRejected> {
        let before = PreviousState {
            phase: self.machine.phase(),
            ready: self.machine.ready(),
            was_ready: self.machine.was_ready(),
        };
        let cause = TransitionCause::from_input(&input);
        let effects = self
            .machine
            .step(input, self.policy.as_mut(), Instant::now().into_std())?;
        if before.phase != Phase::Stopping && self.machine.phase() == Phase::Stopping {
            self.work.stop_cause = (cause, false);
        }
        let mut spawn_failure = None;
        for effect in effects {
            if let Err(failure) = self.execute_effect(effect).await {
                spawn_failure = Some(failure);
            }
        }
        self.publish(before, cause);
        if let Some(failure) = spawn_failure {
            // Before the next wake-up: a stop would wait for a group that does not exist.
            let generation = self.machine.generation();
            let fact = Fact::SpawnFailed(failure);
            self.step(Input::Fact { generation, fact }).await?;
        }
        Ok(())
    }

    /// Only a spawn can fail.
    async fn execute_effect(&mut self, effect: Effect) -> Result<(), StartError> {
        match effect {
            Effect::AwaitDependencies => {
                self.await_gate();
            }
            Effect::Prepare => {
                let work = self.backend.prepare(self.machine.generation() + 1);
                self.work.preparation = Some(tokio::spawn(work));
            }
            Effect::CancelStart => {
                self.work.gate = None;
                self.work.plan = None;
                if let Some(task) = self.work.preparation.take() {
                    task.abort();
                    // What the task holds, such as the process group of an installer, is released
                    // before anything new starts.
                    let _ = task.await;
                }
            }
            Effect::Spawn { generation } => return self.spawn(generation).await,
            Effect::Signal(signal) => {
                self.work.stop_cause.1 |= signal == StopSignal::Kill;
                if let Some(group) = &self.work.group {
                    group.signal(signal);
                }
            }
            Effect::Arm(timer, after) => {
                let at = Instant::now() + after;
                let armed = Armed {
                    at: match timer {
                        Timer::Stable => whole_step(self.epoch, at),
                        _ => at,
                    },
                    length: after,
                    extended: false,
                };
                self.work.timers.insert(timer, armed);
            }
            Effect::Disarm(timer) => {
                self.work.timers.remove(&timer);
            }
        }
        Ok(())
    }

    async fn spawn(&mut self, generation: u64) -> Result<(), StartError> {
        let facts = FactSender::new(generation, self.facts.0.clone());
        self.work.start_barrier = StartBarrier::default();
        let plan = self.work.plan.take();
        let plan = plan
            .ok_or_else(|| StartError::permanent("internal error: spawn without a launch plan"))?;
        self.snapshots
            .send_modify(|snapshot| snapshot.spawned_at = Some(Instant::now()));
        self.work.group = Some(self.backend.spawn(plan, facts).await?);
        Ok(())
    }
}
