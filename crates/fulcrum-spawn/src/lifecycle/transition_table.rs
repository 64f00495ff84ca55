//! The transition table of the design, row by row.
#![expect(
    clippy::disallowed_methods,
    reason = "an instant can only be had from the clock; no test depends on which it is"
)]

use std::time::{Duration, Instant};

use super::{
    Command, Effect, ExitReport, Fact, Failure, GenerationEnd, Goal, HUNG_GRACE, Input, Machine,
    Phase, RestartPolicy, StopSignal, Timer, Timing, Verdict,
};
use crate::StartError;

const TIMING: Timing = Timing {
    start_timeout: Duration::from_secs(30),
    stop_grace: Duration::from_secs(5),
    kill_wait: Duration::from_secs(2),
};
const BACKOFF: Duration = Duration::from_millis(500);
const STABLE: Duration = Duration::from_secs(10);
const CRASH: ExitReport = ExitReport {
    code: Some(1),
    signal: None,
};

/// Answers always the same, and remembers what it was asked.
struct FixedPolicy {
    verdict: Verdict,
    asked: Vec<GenerationEnd>,
    resets: usize,
}

impl RestartPolicy for FixedPolicy {
    fn decide(&mut self, end: &GenerationEnd, _: Instant) -> Verdict {
        self.asked.push(end.clone());
        self.verdict.clone()
    }
    fn on_stable(&mut self) {
        self.resets += 1;
    }
    fn reset(&mut self) {
        self.resets += 1;
    }
    fn stable_after(&self) -> Duration {
        STABLE
    }
}

struct Harness {
    machine: Machine,
    policy: FixedPolicy,
}

impl Harness {
    fn new(verdict: Verdict) -> Self {
        Self {
            machine: Machine::new(TIMING),
            policy: FixedPolicy {
                verdict,
                asked: Vec::new(),
                resets: 0,
            },
        }
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        self.machine
            .step(input, &mut self.policy, Instant::now())
            .expect("the input is taken")
    }

    fn command(&mut self, command: Command) -> Vec<Effect> {
        self.step(Input::Command(command))
    }

    fn fact(&mut self, fact: Fact) -> Vec<Effect> {
        let ahead = matches!(
            fact,
            Fact::DependenciesReady | Fact::Prepared | Fact::PrepareFailed(_)
        );
        let generation = self.machine.generation() + u64::from(ahead);
        self.step(Input::Fact { generation, fact })
    }

    fn starting(verdict: Verdict) -> Self {
        let mut bench = Self::new(verdict);
        bench.command(Command::Start);
        bench.fact(Fact::DependenciesReady);
        bench.fact(Fact::Prepared);
        assert_eq!(bench.machine.phase(), Phase::Starting);
        bench
    }

    fn running(verdict: Verdict) -> Self {
        let mut bench = Self::starting(verdict);
        bench.fact(Fact::Ready);
        assert_eq!(bench.machine.phase(), Phase::Running);
        bench
    }
}

fn restart() -> Verdict {
    Verdict::Restart(BACKOFF)
}

#[test]
fn a_start_passes_the_gate_and_the_preparation_before_it_spawns() {
    let mut bench = Harness::new(restart());
    assert_eq!(bench.command(Command::Start), [Effect::AwaitDependencies]);
    assert_eq!(bench.machine.phase(), Phase::Waiting);
    assert_eq!(bench.fact(Fact::DependenciesReady), [Effect::Prepare]);
    assert_eq!(bench.machine.phase(), Phase::Preparing);
    assert_eq!(
        bench.fact(Fact::Prepared),
        [
            Effect::Spawn { generation: 1 },
            Effect::Arm(Timer::StartTimeout, TIMING.start_timeout)
        ]
    );
    assert_eq!(
        bench.fact(Fact::Ready),
        [
            Effect::Disarm(Timer::StartTimeout),
            Effect::Arm(Timer::Stable, STABLE)
        ]
    );
    assert!(bench.machine.ready());
}

#[test]
fn readiness_comes_and_goes_without_ending_the_life() {
    let mut bench = Harness::running(restart());
    assert_eq!(bench.fact(Fact::NotReady("its stream ended".into())), []);
    assert_eq!(
        (bench.machine.phase(), bench.machine.ready()),
        (Phase::Running, false)
    );
    bench.fact(Fact::Ready);
    assert!(bench.machine.ready());
}

#[test]
fn the_leaders_exit_does_not_end_stopping_only_the_empty_group_does() {
    let mut bench = Harness::running(restart());
    let effects = bench.fact(Fact::Exited(CRASH));
    assert!(
        effects.contains(&Effect::Signal(StopSignal::Terminate)),
        "the rest is swept"
    );
    assert_eq!(bench.machine.phase(), Phase::Stopping);
    bench.step(Input::Timer(Timer::StopGrace));
    assert_eq!(bench.machine.phase(), Phase::Stopping);
    let effects = bench.fact(Fact::GroupEmpty);
    assert_eq!(bench.machine.phase(), Phase::Backoff);
    assert_eq!(
        effects,
        [
            Effect::Disarm(Timer::KillWait),
            Effect::Arm(Timer::Backoff, BACKOFF)
        ]
    );
    assert_eq!(bench.policy.asked[0].exit, Some(CRASH));
    bench.step(Input::Timer(Timer::Backoff));
    assert_eq!(
        (bench.machine.phase(), bench.machine.restarts()),
        (Phase::Waiting, 1)
    );
}

#[test]
fn a_stop_terminates_then_kills_then_gives_up_on_the_process() {
    let mut bench = Harness::running(restart());
    assert_eq!(
        bench.command(Command::Stop),
        [
            Effect::Disarm(Timer::Stable),
            Effect::Signal(StopSignal::Terminate),
            Effect::Arm(Timer::StopGrace, TIMING.stop_grace)
        ]
    );
    assert_eq!(
        bench.step(Input::Timer(Timer::StopGrace)),
        [
            Effect::Signal(StopSignal::Kill),
            Effect::Arm(Timer::KillWait, TIMING.kill_wait)
        ]
    );
    bench.step(Input::Timer(Timer::KillWait));
    assert_eq!(
        (bench.machine.phase(), bench.machine.goal()),
        (Phase::Stuck, Goal::Down)
    );
    let refused = bench.machine.step(
        Input::Command(Command::Start),
        &mut bench.policy,
        Instant::now(),
    );
    assert!(refused.expect_err("refused").0.contains("still alive"));
    bench.fact(Fact::GroupEmpty);
    assert_eq!(bench.machine.phase(), Phase::Failed);
}

#[test]
fn a_stop_is_sticky_and_never_asks_the_policy() {
    let mut bench = Harness::running(restart());
    bench.command(Command::Stop);
    bench.fact(Fact::Exited(ExitReport {
        code: None,
        signal: Some(15),
    }));
    bench.fact(Fact::GroupEmpty);
    assert_eq!(bench.machine.phase(), Phase::Stopped);
    assert!(bench.policy.asked.is_empty());
}

#[test]
fn an_operators_restart_starts_again_at_once_and_is_not_counted() {
    let mut bench = Harness::running(Verdict::GiveUp("never".into()));
    bench.command(Command::Restart);
    bench.fact(Fact::Exited(CRASH));
    assert_eq!(
        bench.fact(Fact::GroupEmpty).last(),
        Some(&Effect::AwaitDependencies)
    );
    assert_eq!(
        (bench.machine.phase(), bench.machine.restarts()),
        (Phase::Waiting, 0)
    );
    assert!(bench.policy.asked.is_empty());
}

#[test]
fn the_last_wish_during_stopping_wins() {
    for (wishes, then) in [
        (vec![Command::Stop, Command::Start], Phase::Waiting),
        (vec![Command::Restart, Command::Stop], Phase::Stopped),
        (
            vec![Command::Stop, Command::Restart, Command::Kill],
            Phase::Stopped,
        ),
    ] {
        let mut bench = Harness::running(restart());
        for wish in &wishes {
            bench.command(*wish);
        }
        bench.fact(Fact::Exited(CRASH));
        bench.fact(Fact::GroupEmpty);
        assert_eq!(bench.machine.phase(), then, "after {wishes:?}");
    }
}

#[test]
fn a_kill_during_stopping_kills_once() {
    let mut bench = Harness::running(restart());
    bench.command(Command::Stop);
    let first = bench.command(Command::Kill);
    assert!(first.contains(&Effect::Signal(StopSignal::Kill)));
    assert_eq!(bench.command(Command::Kill), []);
}

#[test]
fn a_start_that_never_registers_is_ended_and_told() {
    let mut bench = Harness::starting(Verdict::GiveUp("not registered within 30s".into()));
    bench.step(Input::Timer(Timer::StartTimeout));
    assert_eq!(bench.machine.phase(), Phase::Stopping);
    bench.fact(Fact::Exited(CRASH));
    bench.fact(Fact::GroupEmpty);
    assert_eq!(bench.machine.phase(), Phase::Failed);
    assert!(bench.machine.reason().contains("not registered"));
}

#[test]
fn what_cant_be_prepared_or_spawned_is_settled_without_a_signal() {
    let mut bench = Harness::new(Verdict::GiveUp("no node".into()));
    bench.command(Command::Start);
    bench.fact(Fact::DependenciesReady);
    let effects = bench.fact(Fact::PrepareFailed(StartError::permanent("no node")));
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Signal(_)))
    );
    assert_eq!(bench.machine.phase(), Phase::Failed);

    let mut bench = Harness::starting(restart());
    let effects = bench.fact(Fact::SpawnFailed(StartError::transient("EAGAIN")));
    assert_eq!(bench.machine.phase(), Phase::Backoff);
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Signal(_)))
    );
}

#[test]
fn a_stop_on_the_way_to_a_start_leaves_nothing_to_come() {
    for facts in [vec![], vec![Fact::DependenciesReady]] {
        let mut bench = Harness::new(restart());
        bench.command(Command::Start);
        for fact in facts {
            bench.fact(fact);
        }
        assert_eq!(bench.command(Command::Stop), [Effect::CancelStart]);
        assert_eq!(bench.machine.phase(), Phase::Stopped);
        bench.fact(Fact::DependenciesReady);
        bench.fact(Fact::Prepared);
        assert_eq!(bench.machine.phase(), Phase::Stopped);
    }
}

#[test]
fn a_stop_during_backoff_disarms_it() {
    let mut bench = Harness::running(restart());
    bench.fact(Fact::Exited(CRASH));
    bench.fact(Fact::GroupEmpty);
    assert_eq!(
        bench.command(Command::Stop),
        [Effect::Disarm(Timer::Backoff)]
    );
    assert_eq!(bench.step(Input::Timer(Timer::Backoff)), []);
    assert_eq!(bench.machine.phase(), Phase::Stopped);
}

#[test]
fn facts_of_an_older_generation_are_dropped() {
    let mut bench = Harness::running(restart());
    bench.step(Input::Fact {
        generation: 0,
        fact: Fact::Exited(CRASH),
    });
    assert_eq!(bench.machine.phase(), Phase::Running);
}

#[test]
fn running_long_enough_forgets_the_past() {
    let mut bench = Harness::running(restart());
    let before = bench.policy.resets;
    bench.step(Input::Timer(Timer::Stable));
    assert_eq!(bench.policy.resets, before + 1);
    assert_eq!(bench.machine.phase(), Phase::Running);
}

#[test]
fn started_ends_the_start_timeout_but_is_not_ready() {
    let mut bench = Harness::starting(Verdict::Stay);
    let effects = bench.fact(Fact::Started);
    assert_eq!(bench.machine.phase(), Phase::Running);
    assert!(!bench.machine.ready() && !bench.machine.was_ready());
    assert!(effects.contains(&Effect::Disarm(Timer::StartTimeout)));
    bench.fact(Fact::Ready);
    assert!(bench.machine.ready() && bench.machine.was_ready());
}

#[test]
fn a_recycled_life_is_followed_by_the_next_at_once_and_uncounted() {
    let mut bench = Harness::running(Verdict::GiveUp("not to be asked".into()));
    let effects = bench.fact(Fact::GroupRestart("catalog failed".into()));
    assert_eq!(bench.machine.phase(), Phase::Stopping);
    assert_eq!(bench.machine.reason(), "catalog failed");
    assert!(effects.contains(&Effect::Signal(StopSignal::Terminate)));
    bench.fact(Fact::GroupEmpty);
    assert_eq!(bench.machine.phase(), Phase::Waiting);
    assert_eq!(bench.machine.restarts(), 0);
    assert!(bench.policy.asked.is_empty());
}

#[test]
fn a_stopped_domain_is_not_recycled() {
    let mut bench = Harness::new(Verdict::Stay);
    bench.fact(Fact::GroupRestart("catalog failed".into()));
    assert_eq!(bench.machine.phase(), Phase::Stopped);
}

#[test]
fn a_hung_life_is_ended_by_the_shorter_of_the_two_graces() {
    let mut bench = Harness::running(restart());
    let effects = bench.fact(Fact::Hung("hung: no heartbeat for 1s".into()));
    let grace = TIMING.stop_grace.min(HUNG_GRACE);
    assert!(effects.contains(&Effect::Signal(StopSignal::Terminate)));
    assert!(effects.contains(&Effect::Arm(Timer::StopGrace, grace)));
    assert_eq!(bench.machine.phase(), Phase::Stopping);
    assert_eq!(bench.machine.reason(), "hung: no heartbeat for 1s");
    bench.fact(Fact::GroupEmpty);
    assert_eq!(bench.machine.phase(), Phase::Backoff);
    let fault = Failure::Unhealthy("hung: no heartbeat for 1s".into());
    assert_eq!(bench.policy.asked[0].failure, fault);
    // Before it is running, it is the start timeout's affair.
    let mut bench = Harness::starting(restart());
    assert_eq!(bench.fact(Fact::Hung("too early".into())), []);
    assert_eq!(bench.machine.phase(), Phase::Starting);
}

#[test]
fn what_has_changed_lives_on_as_a_new_process() {
    let renew = || Input::Reload("reload: env.FOO changed".into());
    // From a life: ended in order, and then begun without delay and uncounted.
    for mut bench in [Harness::starting(restart()), Harness::running(restart())] {
        let effects = bench.step(renew());
        assert!(effects.contains(&Effect::Signal(StopSignal::Terminate)));
        assert_eq!(bench.machine.reason(), "reload: env.FOO changed");
        bench.fact(Fact::GroupEmpty);
        assert_eq!(bench.machine.phase(), Phase::Waiting);
        assert_eq!(bench.machine.reason(), "reload: env.FOO changed");
        assert!(bench.policy.asked.is_empty());
    }
    // From a backoff, and from a failure: at once.
    for verdict in [restart(), Verdict::GiveUp("crash loop".into())] {
        let mut bench = Harness::running(verdict);
        bench.fact(Fact::Unhealthy("over its limit".into()));
        bench.fact(Fact::GroupEmpty);
        let resets = bench.policy.resets;
        assert!(bench.step(renew()).contains(&Effect::AwaitDependencies));
        assert_eq!(bench.machine.phase(), Phase::Waiting);
        assert_eq!(bench.machine.reason(), "reload: env.FOO changed");
        assert_eq!(bench.policy.resets, resets + 1, "its past is forgotten");
    }
}

#[test]
fn what_was_prepared_before_a_change_is_prepared_again() {
    let mut bench = Harness::new(Verdict::Stay);
    bench.command(Command::Start);
    bench.fact(Fact::DependenciesReady);
    assert_eq!(bench.machine.phase(), Phase::Preparing);
    let effects = bench.step(Input::Reload("it has changed".into()));
    assert_eq!(effects, [Effect::CancelStart, Effect::AwaitDependencies]);
    assert_eq!(bench.machine.phase(), Phase::Waiting);
}

#[test]
fn what_an_operator_has_stopped_stays_so_whatever_changes() {
    let mut bench = Harness::running(restart());
    bench.command(Command::Stop);
    assert_eq!(bench.step(Input::Reload("it has changed".into())), []);
    bench.fact(Fact::GroupEmpty);
    assert_eq!(bench.machine.phase(), Phase::Stopped);
    assert_eq!(bench.step(Input::Reload("it has changed".into())), []);
    assert_eq!(bench.machine.phase(), Phase::Stopped);
}
