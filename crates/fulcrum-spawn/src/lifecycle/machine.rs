//! The machine itself: the transition table as one exhaustive match a phase.

use std::time::{Duration, Instant};

use super::policy::{GenerationEnd, RestartPolicy, Verdict};
use super::types::{
    Command, CommandRejected, Effect, Fact, Failure, Goal, HUNG_GRACE, Input, Phase, StopSignal,
    Timer, Timing,
};
use crate::exit::ExitReport;

/// Who ended the life that is being ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum StopCause {
    Operator,
    /// What it is started from has changed, and how.
    Reload(String),
    Failure(Failure),
}

/// One domain's lifecycle.
#[derive(Debug, Clone)]
pub struct Machine {
    timing: Timing,
    phase: Phase,
    goal: Goal,
    generation: u64,
    ready: bool,
    was_ready: bool,
    restarts: u32,
    cause: StopCause,
    killed: bool,
    exit: Option<ExitReport>,
    armed: Vec<Timer>,
    reason: String,
}

impl Machine {
    /// A domain that has never lived.
    #[must_use]
    pub fn new(timing: Timing) -> Self {
        Self {
            timing,
            phase: Phase::Stopped,
            goal: Goal::Down,
            generation: 0,
            ready: false,
            was_ready: false,
            restarts: 0,
            cause: StopCause::Operator,
            killed: false,
            exit: None,
            armed: Vec::new(),
            reason: "not started yet".to_owned(),
        }
    }

    /// A domain of which there were lives up to this number, under an earlier configuration.
    #[must_use]
    pub fn resume_from(generation: u64, timing: Timing) -> Self {
        Self {
            generation,
            ..Self::new(timing)
        }
    }

    /// Changes the lengths of the timers; those that run already keep theirs.
    pub fn set_timing(&mut self, timing: Timing) {
        self.timing = timing;
    }

    /// What is so.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What the operator wants.
    #[must_use]
    pub fn goal(&self) -> Goal {
        self.goal
    }

    /// The number of the current life, or of the last one; 0 before the first.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether it may take work now.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.ready
    }

    /// Whether the current or last life has ever been ready.
    #[must_use]
    pub fn was_ready(&self) -> bool {
        self.was_ready
    }

    /// How often it was started again without an operator's asking, since an operator last did.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Why it is in this phase.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// How the current or last life ended, if its leader has.
    #[must_use]
    pub fn exit(&self) -> Option<ExitReport> {
        self.exit
    }

    /// The timers that run now.
    #[must_use]
    pub fn armed(&self) -> &[Timer] {
        &self.armed
    }

    /// Takes one input and says what to do.
    ///
    /// # Errors
    /// A command that can't be taken in this phase, with the reason; nothing has changed then.
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
                    Fact::DependenciesReady | Fact::Prepared | Fact::PrepareFailed(_) => {
                        self.generation + 1
                    }
                    _ => self.generation,
                };
                if generation == expected {
                    self.fact(fact, policy, now, &mut effects);
                }
            }
            // A timer that was disarmed while its expiry was on the way is no news.
            Input::Timer(timer) => {
                if let Some(at) = self.armed.iter().position(|armed| *armed == timer) {
                    self.armed.remove(at);
                    self.timer(timer, policy, &mut effects);
                }
            }
            Input::Reload(why) => self.reload(&why, policy, &mut effects),
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
                    "a process of generation {} is still alive after SIGKILL: {}",
                    self.generation, self.reason
                )));
            }
            (Phase::Stopped | Phase::Failed, Command::Start | Command::Restart) => {
                self.goal = Goal::Up;
                self.restarts = 0;
                policy.reset();
                self.start_sequence("start asked for", effects);
            }
            (Phase::Stopped | Phase::Failed, Command::Stop | Command::Kill) => {
                self.goal = Goal::Down;
                if self.phase == Phase::Failed {
                    self.enter(Phase::Stopped, "stop asked for", effects);
                }
            }
            // Already on the way to where the command wants it.
            (Phase::Waiting | Phase::Preparing, Command::Start | Command::Restart)
            | (Phase::Starting | Phase::Running, Command::Start) => self.goal = Goal::Up,
            (Phase::Waiting | Phase::Preparing | Phase::Backoff, Command::Stop | Command::Kill) => {
                self.goal = Goal::Down;
                self.cancel_start(effects);
                self.enter(Phase::Stopped, "stop asked for", effects);
            }
            (Phase::Backoff, Command::Start | Command::Restart) => {
                self.goal = Goal::Up;
                self.start_sequence("start asked for", effects);
            }
            (Phase::Starting | Phase::Running, Command::Stop) => {
                self.goal = Goal::Down;
                self.terminate(StopCause::Operator, "stop asked for", effects);
            }
            (Phase::Starting | Phase::Running, Command::Restart) => {
                self.goal = Goal::Up;
                policy.reset();
                self.restarts = 0;
                self.terminate(StopCause::Operator, "restart asked for", effects);
            }
            (Phase::Starting | Phase::Running, Command::Kill) => {
                self.goal = Goal::Down;
                self.cause = StopCause::Operator;
                self.killed = false;
                self.enter(Phase::Stopping, "kill asked for", effects);
                self.kill(effects);
            }
            (Phase::Stopping, Command::Kill) => {
                self.goal = Goal::Down;
                self.disarm(Timer::StopGrace, effects);
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

    fn reload(&mut self, why: &str, policy: &mut dyn RestartPolicy, effects: &mut Vec<Effect>) {
        if self.goal == Goal::Down {
            return;
        }
        policy.reset();
        self.restarts = 0;
        match self.phase {
            // Nothing of it has been read yet.
            Phase::Waiting => why.clone_into(&mut self.reason),
            Phase::Preparing => {
                self.cancel_start(effects);
                self.start_sequence(why, effects);
            }
            Phase::Stopped | Phase::Backoff | Phase::Failed => self.start_sequence(why, effects),
            Phase::Starting | Phase::Running => {
                self.terminate(StopCause::Reload(why.to_owned()), why, effects);
            }
            Phase::Stopping => self.cause = StopCause::Reload(why.to_owned()),
            // Its goal is down.
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
                self.enter(Phase::Preparing, "dependencies are there", effects);
                effects.push(Effect::Prepare);
            }
            (Phase::Preparing, Fact::Prepared) => self.spawn(effects),
            (Phase::Preparing, Fact::PrepareFailed(failure))
            | (Phase::Starting, Fact::SpawnFailed(failure)) => {
                self.disarm(Timer::StartTimeout, effects);
                self.cause = StopCause::Failure(Failure::StartFailed(failure));
                self.settle(policy, now, effects);
            }
            (Phase::Starting, Fact::Started) => {
                self.enter(Phase::Running, "started, not ready yet", effects);
                self.arm(Timer::Stable, policy.stable_after(), effects);
            }
            (Phase::Starting, Fact::Ready) => {
                self.ready = true;
                self.was_ready = true;
                self.enter(Phase::Running, "ready", effects);
                self.arm(Timer::Stable, policy.stable_after(), effects);
            }
            (Phase::Running, Fact::Ready) => {
                self.ready = true;
                self.was_ready = true;
                "ready".clone_into(&mut self.reason);
            }
            (Phase::Running, Fact::NotReady(why)) => {
                self.ready = false;
                self.reason = why;
            }
            (Phase::Running, Fact::Unhealthy(why)) => {
                let reason = why.clone();
                self.terminate(
                    StopCause::Failure(Failure::Unhealthy(why)),
                    &reason,
                    effects,
                );
            }
            (Phase::Running, Fact::Hung(why)) => {
                let reason = why.clone();
                let grace = self.timing.stop_grace.min(HUNG_GRACE);
                self.terminate_within(
                    grace,
                    StopCause::Failure(Failure::Unhealthy(why)),
                    &reason,
                    effects,
                );
            }
            (Phase::Starting | Phase::Running, Fact::GroupRestart(why)) => {
                self.terminate(StopCause::Operator, &why, effects);
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
                self.terminate(StopCause::Failure(Failure::Exited), &reason, effects);
            }
            (Phase::Stopping | Phase::Stuck, Fact::Exited(report)) => self.exit = Some(report),
            (Phase::Stopping, Fact::GroupEmpty) => self.settle(policy, now, effects),
            (Phase::Stuck, Fact::GroupEmpty) => {
                self.enter(Phase::Failed, "the stuck process is gone at last", effects);
            }
            // News about a life, or a preparation, that this phase has already left behind.
            (
                Phase::Stopped
                | Phase::Waiting
                | Phase::Preparing
                | Phase::Starting
                | Phase::Running
                | Phase::Stopping
                | Phase::Backoff
                | Phase::Failed
                | Phase::Stuck,
                Fact::DependenciesReady
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
                policy.settled();
                self.restarts = 0;
            }
            Timer::StopGrace => self.kill(effects),
            Timer::KillWait => {
                self.goal = Goal::Down;
                self.enter(Phase::Stuck, "SIGKILL did not end it", effects);
            }
            Timer::Backoff => {
                self.restarts += 1;
                self.start_sequence("backoff is over", effects);
            }
        }
    }

    /// The only place where the future is decided.
    fn settle(&mut self, policy: &mut dyn RestartPolicy, now: Instant, effects: &mut Vec<Effect>) {
        if self.goal == Goal::Down {
            self.enter(Phase::Stopped, "stop asked for", effects);
            return;
        }
        let fault = match &self.cause {
            StopCause::Operator => return self.start_sequence("restart asked for", effects),
            StopCause::Reload(why) => return self.start_sequence(&why.clone(), effects),
            StopCause::Failure(fault) => fault.clone(),
        };
        let end = self.end(fault);
        match policy.decide(&end, now) {
            Verdict::Restart(after) => {
                let why = end.describe_with(policy, self.timing);
                self.enter(Phase::Backoff, &why, effects);
                self.arm(Timer::Backoff, after, effects);
            }
            Verdict::GiveUp(why) => self.enter(Phase::Failed, &why, effects),
            Verdict::Stay => {
                self.enter(
                    Phase::Stopped,
                    &end.describe_with(policy, self.timing),
                    effects,
                );
            }
        }
    }

    fn end(&self, fault: Failure) -> GenerationEnd {
        let (exit, was_ready) = (self.exit, self.was_ready);
        GenerationEnd {
            fault,
            exit,
            was_ready,
        }
    }

    /// The way into a new life: the gate, then the preparation, then the spawn.
    fn start_sequence(&mut self, reason: &str, effects: &mut Vec<Effect>) {
        self.enter(Phase::Waiting, reason, effects);
        effects.push(Effect::AwaitDependencies);
    }

    fn cancel_start(&mut self, effects: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Waiting | Phase::Preparing) {
            effects.push(Effect::CancelStart);
        }
    }

    fn spawn(&mut self, effects: &mut Vec<Effect>) {
        self.generation += 1;
        self.exit = None;
        self.was_ready = false;
        self.enter(Phase::Starting, "spawned", effects);
        effects.push(Effect::Spawn {
            generation: self.generation,
        });
        self.arm(Timer::StartTimeout, self.timing.start_timeout, effects);
    }

    fn terminate(&mut self, cause: StopCause, reason: &str, effects: &mut Vec<Effect>) {
        self.terminate_within(self.timing.stop_grace, cause, reason, effects);
    }

    fn terminate_within(
        &mut self,
        grace: Duration,
        cause: StopCause,
        reason: &str,
        effects: &mut Vec<Effect>,
    ) {
        self.cause = cause;
        self.killed = false;
        self.enter(Phase::Stopping, reason, effects);
        effects.push(Effect::Signal(StopSignal::Terminate));
        self.arm(Timer::StopGrace, grace, effects);
    }

    fn kill(&mut self, effects: &mut Vec<Effect>) {
        if self.killed {
            return;
        }
        self.killed = true;
        effects.push(Effect::Signal(StopSignal::Kill));
        self.arm(Timer::KillWait, self.timing.kill_wait, effects);
    }

    /// Changes the phase; whatever timers the old one owned end with it.
    fn enter(&mut self, phase: Phase, reason: &str, effects: &mut Vec<Effect>) {
        for timer in Timer::ALL {
            self.disarm(timer, effects);
        }
        self.ready &= phase == Phase::Running;
        self.phase = phase;
        reason.clone_into(&mut self.reason);
    }

    fn arm(&mut self, timer: Timer, after: Duration, effects: &mut Vec<Effect>) {
        self.armed.push(timer);
        effects.push(Effect::Arm(timer, after));
    }

    fn disarm(&mut self, timer: Timer, effects: &mut Vec<Effect>) {
        if let Some(at) = self.armed.iter().position(|armed| *armed == timer) {
            self.armed.remove(at);
            effects.push(Effect::Disarm(timer));
        }
    }
}
