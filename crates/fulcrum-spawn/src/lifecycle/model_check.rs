//! The machine beside a model of its environment, explored exhaustively.
//!
//! The environment has at most one process group per generation, which may exit or fail at any
//! moment, and delivers facts late. Every reachable pair (machine, environment) up to a bound on
//! generations is visited, and the properties are checked at each step.
#![expect(
    clippy::disallowed_methods,
    reason = "an instant comes from the clock only; no assertion depends on its value"
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
    time_limit: Some(Duration::from_secs(9)),
    stop_grace: Duration::from_secs(1),
    kill_wait: Duration::from_secs(1),
};

/// Returns the verdict that was chosen for this branch.
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

/// The actual state of the processes, as far as the properties need it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct EnvironmentModel {
    /// The generation whose group may be alive, and whether its leader is.
    alive: Option<(u64, bool)>,
    /// Facts that are queued.
    undelivered: Vec<(u64, &'static str)>,
    gate: bool,
    preparing: bool,
    timers: BTreeSet<Timer>,
    terminated: bool,
    /// The leader, or the process that got the stop signal in its place, is known to have exited.
    rest_is_due: bool,
    operator_killed: bool,
    /// The outcome of the spawn is still open.
    spawn_pending: bool,
}

#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) machine: Machine,
    pub(super) environment: EnvironmentModel,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            machine: Machine::new(TIMING),
            environment: EnvironmentModel::default(),
        }
    }

    /// Distinguishes states. The cause and the kill flag are private, so the debug output of the
    /// machine is used, without the restart count and the reason, which no decision depends on.
    fn key(&self) -> (Phase, String, EnvironmentModel) {
        let printed = format!("{:?}", self.machine);
        let (head, rest) = printed.split_once("restarts: ").unwrap_or((&printed, ""));
        let (_, rest) = rest.split_once("cause: ").unwrap_or(("", rest));
        let (rest, _) = rest.split_once("reason: ").unwrap_or((rest, ""));
        (
            self.machine.phase(),
            format!("{head}{rest}"),
            self.environment.clone(),
        )
    }

    /// Every step that is possible now.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = [
            Command::Start,
            Command::Restart,
            Command::Stop,
            Command::Kill,
        ]
        .map(Step::Command)
        .to_vec();
        steps.push(Step::Reload);
        steps.extend(
            self.environment
                .timers
                .iter()
                .map(|timer| Step::Timer(*timer)),
        );
        // One channel carries all facts, so they arrive in the order in which they were reported.
        if !self.environment.undelivered.is_empty() {
            steps.push(Step::Deliver);
        }
        if self.environment.gate {
            steps.extend(match self.machine.is_blocked() {
                true => vec![Step::DependencyRecovered],
                false => vec![Step::DependenciesReady, Step::DependencyFailed],
            });
        }
        if self.environment.preparing {
            steps.extend([Step::Prepared(true), Step::Prepared(false)]);
        }
        if self.environment.spawn_pending {
            steps.push(Step::SpawnFails);
        }
        match self.environment.alive {
            Some((_, true)) => steps.extend([
                Step::Report("started"),
                Step::Report("ready"),
                Step::Report("not ready"),
                Step::Report("unhealthy"),
                Step::Report("hung"),
                Step::Report("rejected"),
                Step::Report("group restart"),
                Step::Report("target"),
                Step::LeaderExits,
            ]),
            Some((_, false)) => steps.push(Step::GroupEmpties),
            None => {}
        }
        steps
    }

    /// Makes one step and checks the properties.
    pub(super) fn apply(&mut self, step: &Step, verdict: Verdict) -> Result<(), String> {
        let generation = self.machine.generation();
        if !matches!(step, Step::SpawnFails) {
            self.environment.spawn_pending = false;
        }
        let input = match step {
            Step::Command(command) => {
                if *command == Command::Kill {
                    self.environment.operator_killed = true;
                }
                Input::Command(*command)
            }
            Step::Reload => Input::Reload("reload".into()),
            Step::Timer(timer) => {
                self.environment.timers.remove(timer);
                self.environment.rest_is_due |= *timer == Timer::StopRest;
                Input::Timer(*timer)
            }
            Step::Deliver => {
                let (generation, name) = self.environment.undelivered.remove(0);
                self.environment.rest_is_due |=
                    generation == self.machine.generation() && matches!(name, "exited" | "target");
                Input::Fact {
                    generation,
                    fact: fact(name),
                }
            }
            Step::DependenciesReady => {
                self.environment.gate = false;
                Input::Fact {
                    generation: generation + 1,
                    fact: Fact::DependenciesReady,
                }
            }
            // It is still watched.
            Step::DependencyFailed => Input::Fact {
                generation: generation + 1,
                fact: Fact::DependencyFailed("the job failed".into()),
            },
            Step::DependencyRecovered => Input::Fact {
                generation: generation + 1,
                fact: Fact::DependencyRecovered,
            },
            Step::Prepared(well) => {
                self.environment.preparing = false;
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
                self.environment.spawn_pending = false;
                self.environment.alive = None;
                // The driver handles it within the spawn, before any other input.
                Input::Fact {
                    generation,
                    fact: Fact::SpawnFailed(StartError::transient("EAGAIN")),
                }
            }
            Step::Report(name) => return self.report(name),
            Step::LeaderExits => {
                let (generation, _) = self.environment.alive.ok_or("no process to exit")?;
                self.environment.alive = Some((generation, false));
                self.environment.undelivered.push((generation, "exited"));
                return Ok(());
            }
            Step::GroupEmpties => {
                let (generation, _) = self.environment.alive.take().ok_or("no process to exit")?;
                self.environment.undelivered.push((generation, "empty"));
                return Ok(());
            }
        };
        self.apply_input(input, verdict)
    }

    fn apply_input(&mut self, input: Input, verdict: Verdict) -> Result<(), String> {
        let before = self.machine.clone();
        let Ok(effects) = self
            .machine
            .step(input, &mut FixedVerdict(verdict), Instant::now())
        else {
            return if before.phase() == Phase::Stuck {
                Ok(())
            } else {
                Err(format!("a command was rejected in {}", before.phase()))
            };
        };
        for effect in &effects {
            self.apply_effect(effect)?;
        }
        self.check(&before)
    }

    fn report(&mut self, name: &'static str) -> Result<(), String> {
        let (generation, _) = self.environment.alive.ok_or("no process to report")?;
        // The same fact twice in the queue adds nothing to explore.
        if !self.environment.undelivered.contains(&(generation, name)) {
            self.environment.undelivered.push((generation, name));
        }
        Ok(())
    }

    fn apply_effect(&mut self, effect: &Effect) -> Result<(), String> {
        let environment = &mut self.environment;
        match effect {
            Effect::AwaitDependencies => environment.gate = true,
            Effect::Prepare => environment.preparing = true,
            Effect::CancelStart => {
                environment.gate = false;
                environment.preparing = false;
            }
            Effect::Spawn { generation } => {
                if let Some((alive, _)) = environment.alive {
                    return Err(format!("two generations alive: {alive} and {generation}"));
                }
                if self.machine.goal() == Goal::Down {
                    return Err("a spawn while the goal is down".into());
                }
                environment.alive = Some((*generation, true));
                environment.terminated = false;
                environment.rest_is_due = false;
                environment.operator_killed = false;
                environment.spawn_pending = true;
            }
            Effect::Signal(signal) => {
                let emptied = environment
                    .undelivered
                    .contains(&(self.machine.generation(), "empty"));
                if environment.alive.is_none() && !emptied {
                    return Err("a signal after the group was known to be empty".into());
                }
                match signal {
                    StopSignal::Terminate if environment.terminated => {
                        return Err("a second stop signal to the leader".into());
                    }
                    StopSignal::Terminate => environment.terminated = true,
                    StopSignal::TerminateRest if !environment.rest_is_due => {
                        return Err("the rest is signaled before the leader had its time".into());
                    }
                    StopSignal::TerminateRest => environment.terminated = true,
                    StopSignal::Kill if !environment.terminated && !environment.operator_killed => {
                        return Err("SIGKILL without SIGTERM or an operator's kill".into());
                    }
                    StopSignal::Kill => {}
                }
            }
            Effect::Arm(timer, _) => {
                if !environment.timers.insert(*timer) {
                    return Err(format!("{timer:?} armed twice"));
                }
            }
            Effect::Disarm(timer) => {
                if !environment.timers.remove(timer) {
                    return Err(format!("{timer:?} disarmed without being armed"));
                }
            }
        }
        Ok(())
    }

    fn check(&self, before: &Machine) -> Result<(), String> {
        let machine = &self.machine;
        let armed: BTreeSet<Timer> = machine.armed().iter().copied().collect();
        if armed != self.environment.timers {
            return Err(format!(
                "armed {armed:?}, running {:?}",
                self.environment.timers
            ));
        }
        let owned: &[&[Timer]] = match machine.phase() {
            Phase::Starting => &[&[Timer::StartTimeout]],
            Phase::Running => &[&[Timer::Stable, Timer::TimeLimit], &[Timer::TimeLimit]],
            Phase::Stopping => &[
                &[Timer::StopRest, Timer::StopGrace],
                &[Timer::StopGrace],
                &[Timer::KillWait],
            ],
            Phase::Backoff => &[&[Timer::Backoff]],
            Phase::Stopped
            | Phase::Waiting
            | Phase::Preparing
            | Phase::Completed
            | Phase::Failed
            | Phase::Stuck => &[&[]],
        };
        if !owned.contains(&machine.armed()) {
            return Err(format!("{} runs {:?}", machine.phase(), machine.armed()));
        }
        let forward = match machine.phase() {
            Phase::Waiting => self.environment.gate,
            Phase::Failed => self.environment.gate == machine.is_blocked(),
            Phase::Stopped | Phase::Completed => {
                !self.environment.gate && !self.environment.preparing
            }
            Phase::Preparing => self.environment.preparing,
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
            return Err(format!("no process after {}", before.phase()));
        }
        if machine.phase() == Phase::Completed && machine.goal() == Goal::Down {
            return Err("completed with the goal down".into());
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
    Reload,
    Timer(Timer),
    Deliver,
    SpawnFails,
    DependenciesReady,
    DependencyFailed,
    DependencyRecovered,
    Prepared(bool),
    Report(&'static str),
    LeaderExits,
    GroupEmpties,
}

fn fact(name: &str) -> Fact {
    match name {
        "started" => Fact::Started,
        "ready" => Fact::Ready,
        "not ready" => Fact::NotReady("its stream ended".into()),
        "unhealthy" => Fact::Unhealthy("over its memory limit".into()),
        "hung" => Fact::Hung("no heartbeat".into()),
        "rejected" => Fact::Rejected(StartError::permanent("wrong name")),
        "group restart" => Fact::GroupRestart("another failed".into()),
        "target" => Fact::StopTargetExited,
        "exited" => Fact::Exited(ExitReport {
            code: Some(1),
            signal: None,
        }),
        _ => Fact::GroupEmpty,
    }
}

pub(super) fn verdicts() -> [Verdict; 4] {
    [
        Verdict::Restart(Duration::from_secs(1)),
        Verdict::GiveUp("enough".into()),
        Verdict::Complete,
        Verdict::Stay,
    ]
}

#[test]
fn no_reachable_state_breaks_a_property() {
    const GENERATIONS: u64 = 2;
    const UNDELIVERED: usize = 2;
    let mut visited = HashSet::new();
    let mut queue = VecDeque::from([State::new()]);
    let mut steps = 0_usize;
    while let Some(state) = queue.pop_front() {
        for step in state.steps() {
            for verdict in verdicts() {
                let mut next = state.clone();
                if let Err(broken) = next.apply(&step, verdict.clone()) {
                    panic!("{broken}\nafter {step:?} with {verdict:?} in {state:#?}");
                }
                steps += 1;
                let bounded = next.machine.generation() <= GENERATIONS
                    && next.environment.undelivered.len() <= UNDELIVERED;
                if bounded && visited.insert(next.key()) {
                    queue.push_back(next);
                }
            }
        }
    }
    let phases: HashSet<Phase> = visited.iter().map(|key| key.0).collect();
    assert_eq!(phases.len(), 10, "every phase was reached: {phases:?}");
    assert!(
        visited.len() > 1000,
        "only {} states in {steps} steps",
        visited.len()
    );
}
