//! The machine beside a model of the world, explored to the end.
//!
//! The world knows one process group at most a generation, may end or fail at any moment, and
//! delivers facts late. Every reachable pair (machine, world) up to a bound on generations is
//! visited, and the named properties are checked at each step.
#![expect(
    clippy::disallowed_methods,
    reason = "an instant can only be had from the clock; no test depends on which it is"
)]

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::{Duration, Instant};

use super::{
    Command, Effect, ExitReport, Fact, GenerationEnd, Goal, Input, Machine, Phase, RestartPolicy,
    StopSignal, Timer, Timing, Verdict,
};
use crate::StartError;

pub(super) const TIMING: Timing = Timing {
    start_timeout: Duration::from_secs(3),
    stop_grace: Duration::from_secs(1),
    kill_wait: Duration::from_secs(1),
};

/// Gives the verdict that the explorer chose for this branch.
pub(super) struct FixedVerdict(pub(super) Verdict);

impl RestartPolicy for FixedVerdict {
    fn decide(&mut self, _: &GenerationEnd, _: Instant) -> Verdict {
        self.0.clone()
    }
    fn on_stable(&mut self) {}
    fn reset(&mut self) {}
    fn stable_after(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// What is really so, as far as the properties need it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct EnvironmentModel {
    /// The generation whose group may be alive, and whether its leader is.
    alive: Option<(u64, bool)>,
    /// Facts that are on their way.
    undelivered: Vec<(u64, &'static str)>,
    gate: bool,
    preparing: bool,
    timers: BTreeSet<Timer>,
    terminated: bool,
    operator_killed: bool,
    /// The spawn's own outcome is still open.
    fresh: bool,
}

#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) machine: Machine,
    pub(super) world: EnvironmentModel,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            machine: Machine::new(TIMING),
            world: EnvironmentModel::default(),
        }
    }

    /// What tells states apart. The cause and the kill flag are private, so the printed machine
    /// is used, less the count of restarts and the reason, which no decision depends on.
    fn key(&self) -> (Phase, String, EnvironmentModel) {
        let printed = format!("{:?}", self.machine);
        let (head, rest) = printed.split_once("restarts: ").unwrap_or((&printed, ""));
        let (_, rest) = rest.split_once("cause: ").unwrap_or(("", rest));
        let (rest, _) = rest.split_once("reason: ").unwrap_or((rest, ""));
        (
            self.machine.phase(),
            format!("{head}{rest}"),
            self.world.clone(),
        )
    }

    /// Everything that can happen next.
    pub(super) fn moves(&self) -> Vec<Step> {
        let mut moves: Vec<Step> = [
            Command::Start,
            Command::Restart,
            Command::Stop,
            Command::Kill,
        ]
        .map(Step::Command)
        .to_vec();
        moves.push(Step::Renew);
        moves.extend(self.world.timers.iter().map(|timer| Step::Timer(*timer)));
        // One mailbox carries them all, so they arrive in the order in which they were reported.
        if !self.world.undelivered.is_empty() {
            moves.push(Step::Deliver);
        }
        if self.world.gate {
            moves.push(Step::GateOpens);
        }
        if self.world.preparing {
            moves.extend([Step::Prepared(true), Step::Prepared(false)]);
        }
        if self.world.fresh {
            moves.push(Step::SpawnFails);
        }
        match self.world.alive {
            Some((_, true)) => moves.extend([
                Step::Report("started"),
                Step::Report("ready"),
                Step::Report("not ready"),
                Step::Report("unhealthy"),
                Step::Report("hung"),
                Step::Report("refused"),
                Step::Report("recycle"),
                Step::LeaderEnds,
            ]),
            Some((_, false)) => moves.push(Step::GroupEmpties),
            None => {}
        }
        moves
    }

    /// Makes one move and checks what must hold.
    pub(super) fn apply(&mut self, made: &Step, verdict: Verdict) -> Result<(), String> {
        let generation = self.machine.generation();
        if !matches!(made, Step::SpawnFails) {
            self.world.fresh = false;
        }
        let input = match made {
            Step::Command(command) => {
                if *command == Command::Kill {
                    self.world.operator_killed = true;
                }
                Input::Command(*command)
            }
            Step::Renew => Input::Reload("it has changed".into()),
            Step::Timer(timer) => {
                self.world.timers.remove(timer);
                Input::Timer(*timer)
            }
            Step::Deliver => {
                let (generation, name) = self.world.undelivered.remove(0);
                Input::Fact {
                    generation,
                    fact: fact(name),
                }
            }
            Step::GateOpens => {
                self.world.gate = false;
                Input::Fact {
                    generation: generation + 1,
                    fact: Fact::DependenciesReady,
                }
            }
            Step::Prepared(well) => {
                self.world.preparing = false;
                let fact = if *well {
                    Fact::Prepared
                } else {
                    Fact::PrepareFailed(StartError::permanent("no"))
                };
                Input::Fact {
                    generation: generation + 1,
                    fact,
                }
            }
            Step::SpawnFails => {
                self.world.fresh = false;
                self.world.alive = None;
                // The driver learns of it within the spawn, before it takes anything else.
                Input::Fact {
                    generation,
                    fact: Fact::SpawnFailed(StartError::transient("EAGAIN")),
                }
            }
            Step::Report(name) => return self.report(name),
            Step::LeaderEnds => {
                let (generation, _) = self.world.alive.ok_or("nobody to end")?;
                self.world.alive = Some((generation, false));
                self.world.undelivered.push((generation, "exited"));
                return Ok(());
            }
            Step::GroupEmpties => {
                let (generation, _) = self.world.alive.take().ok_or("nobody to end")?;
                self.world.undelivered.push((generation, "empty"));
                return Ok(());
            }
        };
        let before = self.machine.clone();
        let Ok(effects) = self
            .machine
            .step(input, &mut FixedVerdict(verdict), Instant::now())
        else {
            return if before.phase() == Phase::Stuck {
                Ok(())
            } else {
                Err(format!("a command was refused in {}", before.phase()))
            };
        };
        for effect in &effects {
            self.apply_effect(effect)?;
        }
        self.check(&before)
    }

    fn report(&mut self, name: &'static str) -> Result<(), String> {
        let (generation, _) = self.world.alive.ok_or("nobody to report")?;
        // The same news twice on the way adds nothing to explore.
        if !self.world.undelivered.contains(&(generation, name)) {
            self.world.undelivered.push((generation, name));
        }
        Ok(())
    }

    fn apply_effect(&mut self, effect: &Effect) -> Result<(), String> {
        let world = &mut self.world;
        match effect {
            Effect::AwaitDependencies => world.gate = true,
            Effect::Prepare => world.preparing = true,
            Effect::CancelStart => {
                world.gate = false;
                world.preparing = false;
            }
            Effect::Spawn { generation } => {
                if let Some((alive, _)) = world.alive {
                    return Err(format!("two generations alive: {alive} and {generation}"));
                }
                if self.machine.goal() == Goal::Down {
                    return Err("a spawn while the goal is down".into());
                }
                world.alive = Some((*generation, true));
                world.terminated = false;
                world.operator_killed = false;
                world.fresh = true;
            }
            Effect::Signal(signal) => {
                let emptied = world
                    .undelivered
                    .contains(&(self.machine.generation(), "empty"));
                if world.alive.is_none() && !emptied {
                    return Err("a signal after the group was known to be empty".into());
                }
                match signal {
                    StopSignal::Terminate => world.terminated = true,
                    StopSignal::Kill if !world.terminated && !world.operator_killed => {
                        return Err("SIGKILL without SIGTERM or an operator's kill".into());
                    }
                    StopSignal::Kill => {}
                }
            }
            Effect::Arm(timer, _) => {
                if !world.timers.insert(*timer) {
                    return Err(format!("{timer:?} armed twice"));
                }
            }
            Effect::Disarm(timer) => {
                if !world.timers.remove(timer) {
                    return Err(format!("{timer:?} disarmed without being armed"));
                }
            }
        }
        Ok(())
    }

    fn check(&self, before: &Machine) -> Result<(), String> {
        let machine = &self.machine;
        let armed: BTreeSet<Timer> = machine.armed().iter().copied().collect();
        if armed != self.world.timers {
            return Err(format!("armed {armed:?}, running {:?}", self.world.timers));
        }
        let owned: &[&[Timer]] = match machine.phase() {
            Phase::Starting => &[&[Timer::StartTimeout]],
            Phase::Running => &[&[Timer::Stable], &[]],
            Phase::Stopping => &[&[Timer::StopGrace], &[Timer::KillWait]],
            Phase::Backoff => &[&[Timer::Backoff]],
            Phase::Stopped | Phase::Waiting | Phase::Preparing | Phase::Failed | Phase::Stuck => {
                &[&[]]
            }
        };
        if !owned.contains(&machine.armed()) {
            return Err(format!("{} runs {:?}", machine.phase(), machine.armed()));
        }
        let forward = match machine.phase() {
            Phase::Waiting => self.world.gate,
            Phase::Preparing => self.world.preparing,
            _ => true,
        };
        if !forward {
            return Err(format!("{} has no way forward", machine.phase()));
        }
        if before.phase().has_process()
            && !machine.phase().has_process()
            && !matches!(
                before.phase(),
                Phase::Stopping | Phase::Stuck | Phase::Starting
            )
        {
            return Err(format!("left life from {}", before.phase()));
        }
        if machine.ready() && machine.phase() != Phase::Running {
            return Err(format!("ready in {}", machine.phase()));
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Command(Command),
    Renew,
    Timer(Timer),
    Deliver,
    SpawnFails,
    GateOpens,
    Prepared(bool),
    Report(&'static str),
    LeaderEnds,
    GroupEmpties,
}

fn fact(name: &str) -> Fact {
    match name {
        "started" => Fact::Started,
        "ready" => Fact::Ready,
        "not ready" => Fact::NotReady("its stream ended".into()),
        "unhealthy" => Fact::Unhealthy("over its memory limit".into()),
        "hung" => Fact::Hung("no heartbeat".into()),
        "refused" => Fact::Rejected(StartError::permanent("wrong name")),
        "recycle" => Fact::GroupRestart("another failed".into()),
        "exited" => Fact::Exited(ExitReport {
            code: Some(1),
            signal: None,
        }),
        _ => Fact::GroupEmpty,
    }
}

pub(super) fn verdicts() -> [Verdict; 3] {
    [
        Verdict::Restart(Duration::from_secs(1)),
        Verdict::GiveUp("enough".into()),
        Verdict::Stay,
    ]
}

#[test]
fn no_reachable_state_breaks_a_property() {
    const GENERATIONS: u64 = 2;
    const UNDELIVERED: usize = 2;
    let mut seen = HashSet::new();
    let mut open = VecDeque::from([State::new()]);
    let mut steps = 0_usize;
    while let Some(state) = open.pop_front() {
        for made in state.moves() {
            for verdict in verdicts() {
                let mut next = state.clone();
                if let Err(broken) = next.apply(&made, verdict.clone()) {
                    panic!("{broken}\nafter {made:?} with {verdict:?} in {state:#?}");
                }
                steps += 1;
                let bounded = next.machine.generation() <= GENERATIONS
                    && next.world.undelivered.len() <= UNDELIVERED;
                if bounded && seen.insert(next.key()) {
                    open.push_back(next);
                }
            }
        }
    }
    let phases: HashSet<Phase> = seen.iter().map(|key| key.0).collect();
    assert_eq!(phases.len(), 9, "every phase was reached: {phases:?}");
    assert!(
        seen.len() > 1000,
        "only {} states in {steps} steps",
        seen.len()
    );
}
