//! The machine: the transition table as one exhaustive match per phase.

use std::time::{Duration, Instant};

use super::cause::StopCause;
use super::policy::{GenerationEnd, RestartPolicy, Verdict};
use super::types::{
    Command, CommandRejected, Effect, Fact, Failure, Goal, HUNG_GRACE, Input, Phase, StopSignal,
    Timer, Timing,
};
use crate::exit::ExitReport;

/// The lifecycle of one domain.
#[derive(Debug, Clone)]
pub struct Machine {
    pub(super) timing: Timing,
    pub(super) phase: Phase,
    goal: Goal,
    pub(super) generation: u64,
    ready: bool,
    pub(super) was_ready: bool,
    pub(super) was_running: bool,
    restarts: u32,
    pub(super) cause: StopCause,
    pub(super) killed: bool,
    /// Phase failed is due to a dependency, which is still awaited.
    pub(super) blocked: bool,
    pub(super) exit: Option<ExitReport>,
    armed: Vec<Timer>,
    reason: String,
}

impl Machine {
    /// A domain that has never been started.
    #[must_use]
    pub fn new(timing: Timing) -> Self {
        Self {
            timing,
            phase: Phase::Stopped,
            goal: Goal::Down,
            generation: 0,
            ready: false,
            was_ready: false,
            was_running: false,
            restarts: 0,
            cause: StopCause::Operator,
            killed: false,
            blocked: false,
            exit: None,
            armed: Vec::new(),
            reason: "not started yet".to_owned(),
        }
    }

    /// A domain with generations up to this number under an earlier configuration.
    #[must_use]
    pub fn resume_from(generation: u64, timing: Timing) -> Self {
        Self {
            generation,
            ..Self::new(timing)
        }
    }

    /// Changes the lengths of the timers. Running timers keep theirs.
    pub fn set_timing(&mut self, timing: Timing) {
        self.timing = timing;
    }

    /// The actual state.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The requested state.
    #[must_use]
    pub fn goal(&self) -> Goal {
        self.goal
    }

    /// The number of the current generation, or of the last one; 0 before the first.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether the domain may take work now.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.ready
    }

    /// Whether the current or last generation was ever ready.
    #[must_use]
    pub fn was_ready(&self) -> bool {
        self.was_ready
    }

    /// Automatic restarts since an operator last started the domain.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Whether the domain failed because of a dependency that had to complete. It waits again once
    /// that is tried again.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Why the domain is in this phase.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// How the leader of the current or last generation exited, if it has.
    #[must_use]
    pub fn exit(&self) -> Option<ExitReport> {
        self.exit
    }

    /// The running timers.
    #[must_use]
    pub fn armed(&self) -> &[Timer] {
        &self.armed
    }

    /// Applies one input and returns the effects to execute, in order.
    ///
    /// # Errors
    /// The command is not possible in this phase; the text gives the reason, and nothing has
    /// changed.
    pub fn step(
        &mut self,
        input: Input,
        policy: &mut dyn RestartPolicy,
        now: Instant,
    ) -> Result<Vec<Effect>, CommandRejected> {
        let mut effects = Vec::new();
        match input {
            Input::Command(command) => self.command(command, policy, &mut effects)?,
            Input::Fact { generation, fact } => {
                let expected = match fact {
                    Fact::DependenciesReady
                    | Fact::DependencyFailed(_)
                    | Fact::DependencyRecovered
                    | Fact::Prepared
                    | Fact::PrepareFailed(_) => self.generation + 1,
                    _ => self.generation,
                };
                if generation == expected {
                    self.fact(fact, policy, now, &mut effects);
                }
            }
            // The timer was disarmed while its expiry was queued.
            Input::Timer(timer) => {
                if let Some(at) = self.armed.iter().position(|armed| *armed == timer) {
                    self.armed.remove(at);
                    self.timer(timer, policy, &mut effects);
                }
            }
            Input::Reload(reason) => self.reload(&reason, policy, &mut effects),
        }
        Ok(effects)
    }

    fn command(
        &mut self,
        command: Command,
        policy: &mut dyn RestartPolicy,
        effects: &mut Vec<Effect>,
    ) -> Result<(), CommandRejected> {
        match (self.phase, command) {
            (Phase::Stuck, _) => {
                return Err(CommandRejected(format!(
                    "a process of generation {} is still running after SIGKILL: {}",
                    self.generation, self.reason
                )));
            }
            (Phase::Stopped | Phase::Failed, Command::Start | Command::Restart)
            | (Phase::Completed, Command::Restart) => {
                self.goal = Goal::Up;
                self.restarts = 0;
                policy.reset();
                self.start_sequence("start requested", effects);
            }
            (Phase::Stopped | Phase::Completed | Phase::Failed, Command::Stop | Command::Kill) => {
                self.goal = Goal::Down;
                self.cancel_start(effects);
                if self.phase != Phase::Stopped {
                    self.enter(Phase::Stopped, "stop requested", effects);
                }
            }
            // The domain is in the requested state, or already on its way there.
            (Phase::Waiting | Phase::Preparing, Command::Start | Command::Restart)
            | (Phase::Starting | Phase::Running | Phase::Completed, Command::Start) => {
                self.goal = Goal::Up;
            }
            (Phase::Waiting | Phase::Preparing | Phase::Backoff, Command::Stop | Command::Kill) => {
                self.goal = Goal::Down;
                self.cancel_start(effects);
                self.enter(Phase::Stopped, "stop requested", effects);
            }
            (Phase::Backoff, Command::Start | Command::Restart) => {
                self.goal = Goal::Up;
                self.start_sequence("start requested", effects);
            }
            (Phase::Starting | Phase::Running, Command::Stop) => {
                self.goal = Goal::Down;
                self.terminate(StopCause::Operator, "stop requested", effects);
            }
            (Phase::Starting | Phase::Running, Command::Restart) => {
                self.goal = Goal::Up;
                policy.reset();
                self.restarts = 0;
                self.terminate(StopCause::Operator, "restart requested", effects);
            }
            (Phase::Starting | Phase::Running, Command::Kill) => {
                self.goal = Goal::Down;
                self.begin_stop(StopCause::Operator, "kill requested", effects);
                self.kill(effects);
            }
            (Phase::Stopping, Command::Kill) => {
                self.goal = Goal::Down;
                self.kill(effects);
            }
            (Phase::Stopping, Command::Stop) => self.goal = Goal::Down,
            (Phase::Stopping, Command::Start | Command::Restart) => {
                self.goal = Goal::Up;
                self.cause = StopCause::Operator;
            }
        }
        Ok(())
    }

    fn reload(&mut self, reason: &str, policy: &mut dyn RestartPolicy, effects: &mut Vec<Effect>) {
        if self.goal == Goal::Down {
            return;
        }
        policy.reset();
        self.restarts = 0;
        match self.phase {
            // Nothing was read yet.
            Phase::Waiting => reason.clone_into(&mut self.reason),
            Phase::Preparing => {
                self.cancel_start(effects);
                self.start_sequence(reason, effects);
            }
            Phase::Stopped | Phase::Backoff | Phase::Completed | Phase::Failed => {
                self.start_sequence(reason, effects);
            }
            Phase::Starting | Phase::Running => {
                self.terminate(StopCause::Reload(reason.to_owned()), reason, effects);
            }
            Phase::Stopping => self.cause = StopCause::Reload(reason.to_owned()),
            // The goal is down in this phase.
            Phase::Stuck => {}
        }
    }

    fn fact(
        &mut self,
        fact: Fact,
        policy: &mut dyn RestartPolicy,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) {
        match (self.phase, fact) {
            (Phase::Waiting, Fact::DependenciesReady) => {
                self.enter(Phase::Preparing, "dependencies ready", effects);
                effects.push(Effect::Prepare);
            }
            (Phase::Failed, Fact::DependencyRecovered) if self.blocked => {
                self.start_sequence("a dependency is tried again", effects);
            }
            (Phase::Waiting, Fact::DependencyFailed(reason)) => {
                self.enter(Phase::Failed, &reason, effects);
                self.blocked = true;
            }
            (Phase::Preparing, Fact::Prepared) => self.spawn(effects),
            (Phase::Preparing, Fact::PrepareFailed(failure))
            | (Phase::Starting, Fact::SpawnFailed(failure)) => {
                self.disarm(Timer::StartTimeout, effects);
                self.cause = StopCause::Failure(Failure::StartFailed(failure));
                self.settle(policy, now, effects);
            }
            (Phase::Starting, Fact::Started) => {
                self.run("started", policy, effects);
            }
            (Phase::Starting, Fact::Ready) => {
                self.ready = true;
                self.was_ready = true;
                self.run("ready", policy, effects);
            }
            (Phase::Running, Fact::Ready) => {
                self.ready = true;
                self.was_ready = true;
                "ready".clone_into(&mut self.reason);
            }
            (Phase::Running, Fact::NotReady(reason)) => {
                self.ready = false;
                self.reason = reason;
            }
            (Phase::Stopping | Phase::Stuck, Fact::Exited(report)) => {
                self.exit = Some(report);
                self.hasten_rest(effects);
            }
            (Phase::Stopping, Fact::StopTargetExited) => self.terminate_rest(effects),
            (Phase::Stopping, Fact::GroupEmpty) => self.settle(policy, now, effects),
            (Phase::Stuck, Fact::GroupEmpty) => {
                self.enter(Phase::Failed, "the stuck process has exited", effects);
            }
            (phase, fact) => self.ending_fact(phase, fact, policy, effects),
        }
    }

    /// Facts that end the current generation.
    fn ending_fact(
        &mut self,
        phase: Phase,
        fact: Fact,
        policy: &mut dyn RestartPolicy,
        effects: &mut Vec<Effect>,
    ) {
        match (phase, fact) {
            (Phase::Running, Fact::Unhealthy(reason)) => {
                let failure = Failure::Unhealthy(reason.clone());
                self.terminate(StopCause::Failure(failure), &reason, effects);
            }
            (Phase::Running, Fact::Hung(reason)) => {
                let failure = Failure::Unhealthy(reason.clone());
                let grace = self.timing.stop_grace.min(HUNG_GRACE);
                self.terminate_within(grace, StopCause::Failure(failure), &reason, effects);
            }
            (Phase::Starting | Phase::Running, Fact::GroupRestart(reason)) => {
                self.terminate(StopCause::Operator, &reason, effects);
            }
            (Phase::Starting | Phase::Running, Fact::Rejected(failure)) => {
                let reason = failure.message.clone();
                self.terminate(
                    StopCause::Failure(Failure::Rejected(failure)),
                    &reason,
                    effects,
                );
            }
            (Phase::Starting | Phase::Running, Fact::Exited(report)) => {
                self.exit = Some(report);
                let reason = self.end(Failure::Exited).describe_with(policy, self.timing);
                self.begin_stop(StopCause::Failure(Failure::Exited), &reason, effects);
                effects.push(Effect::Signal(StopSignal::TerminateRest));
                self.arm(Timer::StopGrace, self.timing.stop_grace, effects);
            }
            // A fact about a generation or a preparation that this phase has already left.
            (
                Phase::Stopped
                | Phase::Waiting
                | Phase::Preparing
                | Phase::Starting
                | Phase::Running
                | Phase::Stopping
                | Phase::Backoff
                | Phase::Completed
                | Phase::Failed
                | Phase::Stuck,
                Fact::DependenciesReady
                | Fact::DependencyFailed(_)
                | Fact::DependencyRecovered
                | Fact::Prepared
                | Fact::PrepareFailed(_)
                | Fact::SpawnFailed(_)
                | Fact::Started
                | Fact::Ready
                | Fact::NotReady(_)
                | Fact::Unhealthy(_)
                | Fact::Hung(_)
                | Fact::Rejected(_)
                | Fact::GroupRestart(_)
                | Fact::StopTargetExited
                | Fact::Exited(_)
                | Fact::GroupEmpty,
            ) => {}
        }
    }

    fn timer(&mut self, timer: Timer, policy: &mut dyn RestartPolicy, effects: &mut Vec<Effect>) {
        match timer {
            Timer::StartTimeout => {
                let reason = self
                    .end(Failure::StartTimeout)
                    .describe_with(policy, self.timing);
                self.terminate(StopCause::Failure(Failure::StartTimeout), &reason, effects);
            }
            Timer::Stable => {
                policy.on_stable();
                self.restarts = 0;
            }
            Timer::TimeLimit => {
                let reason = self
                    .end(Failure::TimeLimit)
                    .describe_with(policy, self.timing);
                self.terminate(StopCause::Failure(Failure::TimeLimit), &reason, effects);
            }
            Timer::StopRest => self.terminate_rest(effects),
            Timer::StopGrace => self.kill(effects),
            Timer::KillWait => {
                self.goal = Goal::Down;
                self.enter(Phase::Stuck, "still running after SIGKILL", effects);
            }
            Timer::Backoff => {
                self.restarts += 1;
                self.start_sequence("backoff expired", effects);
            }
        }
    }

    /// The only place that decides what follows the end of a generation.
    fn settle(&mut self, policy: &mut dyn RestartPolicy, now: Instant, effects: &mut Vec<Effect>) {
        if self.goal == Goal::Down {
            self.enter(Phase::Stopped, "stop requested", effects);
            return;
        }
        let failure = match &self.cause {
            StopCause::Operator => return self.start_sequence("restart requested", effects),
            StopCause::Reload(reason) => return self.start_sequence(&reason.clone(), effects),
            StopCause::Failure(failure) => failure.clone(),
        };
        let end = self.end(failure);
        match policy.decide(&end, now) {
            Verdict::Restart(after) => {
                let reason = end.describe_with(policy, self.timing);
                self.enter(Phase::Backoff, &reason, effects);
                self.arm(Timer::Backoff, after, effects);
            }
            Verdict::GiveUp(reason) => self.enter(Phase::Failed, &reason, effects),
            Verdict::Complete => {
                let reason = end.describe_with(policy, self.timing);
                self.enter(Phase::Completed, &reason, effects);
            }
            Verdict::Stay => {
                self.enter(
                    Phase::Stopped,
                    &end.describe_with(policy, self.timing),
                    effects,
                );
            }
        }
    }

    fn end(&self, failure: Failure) -> GenerationEnd {
        GenerationEnd {
            failure,
            exit: self.exit,
            was_ready: self.was_ready,
            was_running: self.was_running,
        }
    }

    /// Changes the phase and disarms the timers of the old one.
    pub(super) fn enter(&mut self, phase: Phase, reason: &str, effects: &mut Vec<Effect>) {
        for timer in Timer::ALL {
            self.disarm(timer, effects);
        }
        self.ready &= phase == Phase::Running;
        self.was_running |= phase == Phase::Running;
        self.blocked = false;
        self.phase = phase;
        reason.clone_into(&mut self.reason);
    }

    pub(super) fn arm(&mut self, timer: Timer, after: Duration, effects: &mut Vec<Effect>) {
        self.armed.push(timer);
        self.armed.sort_unstable();
        effects.push(Effect::Arm(timer, after));
    }

    pub(super) fn disarm(&mut self, timer: Timer, effects: &mut Vec<Effect>) {
        if let Some(at) = self.armed.iter().position(|armed| *armed == timer) {
            self.armed.remove(at);
            effects.push(Effect::Disarm(timer));
        }
    }
}
