//! The transition table of the design, row by row.
#![expect(
    clippy::disallowed_methods,
    reason = "an instant comes from the clock only; no assertion depends on its value"
)]

use std::time::{Duration, Instant};

use super::{
    Command, Effect, ExitReport, Fact, Failure, GenerationEnd, Goal, HUNG_GRACE, Input, Machine,
    Phase, RestartPolicy, STOP_REST_DELAY, StopSignal, Timer, Timing, Verdict,
};
use crate::StartError;

const TIMING: Timing = Timing {
    start_timeout: Duration::from_secs(30),
    time_limit: None,
    stop_grace: Duration::from_secs(5),
    kill_wait: Duration::from_secs(2),
};
const BACKOFF: Duration = Duration::from_millis(500);
const STABLE: Duration = Duration::from_secs(10);
const CRASH: ExitReport = ExitReport {
    code: Some(1),
    signal: None,
};

/// Always returns one verdict, and records its inputs.
struct FixedPolicy {
    verdict: Verdict,
    inputs: Vec<GenerationEnd>,
    resets: usize,
}

impl RestartPolicy for FixedPolicy {
    fn decide(&mut self, end: &GenerationEnd, _: Instant) -> Verdict {
        self.inputs.push(end.clone());
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
                inputs: Vec::new(),
                resets: 0,
            },
        }
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        self.machine
            .step(input, &mut self.policy, Instant::now())
            .expect("the input is accepted")
    }

    fn command(&mut self, command: Command) -> Vec<Effect> {
        self.step(Input::Command(command))
    }

    fn fact(&mut self, fact: Fact) -> Vec<Effect> {
        let ahead = matches!(
            fact,
            Fact::DependenciesReady
                | Fact::DependencyFailed(_)
                | Fact::DependencyRecovered
                | Fact::Prepared
                | Fact::PrepareFailed(_)
        );
        let generation = self.machine.generation() + u64::from(ahead);
        self.step(Input::Fact { generation, fact })
    }

    fn starting(verdict: Verdict) -> Self {
        let mut harness = Self::new(verdict);
        harness.command(Command::Start);
        harness.fact(Fact::DependenciesReady);
        harness.fact(Fact::Prepared);
        assert_eq!(harness.machine.phase(), Phase::Starting);
        harness
    }

    fn running(verdict: Verdict) -> Self {
        let mut harness = Self::starting(verdict);
        harness.fact(Fact::Ready);
        assert_eq!(harness.machine.phase(), Phase::Running);
        harness
    }
}

fn restart() -> Verdict {
    Verdict::Restart(BACKOFF)
}

#[test]
fn a_start_waits_for_dependencies_and_preparation_before_the_spawn() {
    let mut harness = Harness::new(restart());
    assert_eq!(harness.command(Command::Start), [Effect::AwaitDependencies]);
    assert_eq!(harness.machine.phase(), Phase::Waiting);
    assert_eq!(harness.fact(Fact::DependenciesReady), [Effect::Prepare]);
    assert_eq!(harness.machine.phase(), Phase::Preparing);
    assert_eq!(
        harness.fact(Fact::Prepared),
        [
            Effect::Spawn { generation: 1 },
            Effect::Arm(Timer::StartTimeout, TIMING.start_timeout)
        ]
    );
    assert_eq!(
        harness.fact(Fact::Ready),
        [
            Effect::Disarm(Timer::StartTimeout),
            Effect::Arm(Timer::Stable, STABLE)
        ]
    );
    assert!(harness.machine.ready());
}

#[test]
fn readiness_changes_without_ending_the_generation() {
    let mut harness = Harness::running(restart());
    assert_eq!(harness.fact(Fact::NotReady("its stream ended".into())), []);
    assert_eq!(
        (harness.machine.phase(), harness.machine.ready()),
        (Phase::Running, false)
    );
    harness.fact(Fact::Ready);
    assert!(harness.machine.ready());
}

#[test]
fn stopping_ends_with_the_empty_group_not_with_the_leaders_exit() {
    let mut harness = Harness::running(restart());
    let effects = harness.fact(Fact::Exited(CRASH));
    assert!(
        effects.contains(&Effect::Signal(StopSignal::TerminateRest)),
        "the rest is cleaned up"
    );
    assert_eq!(harness.machine.phase(), Phase::Stopping);
    harness.step(Input::Timer(Timer::StopGrace));
    assert_eq!(harness.machine.phase(), Phase::Stopping);
    let effects = harness.fact(Fact::GroupEmpty);
    assert_eq!(harness.machine.phase(), Phase::Backoff);
    assert_eq!(
        effects,
        [
            Effect::Disarm(Timer::KillWait),
            Effect::Arm(Timer::Backoff, BACKOFF)
        ]
    );
    assert_eq!(harness.policy.inputs[0].exit, Some(CRASH));
    harness.step(Input::Timer(Timer::Backoff));
    assert_eq!(
        (harness.machine.phase(), harness.machine.restarts()),
        (Phase::Waiting, 1)
    );
}

#[test]
fn a_stop_terminates_then_kills_then_is_stuck() {
    let mut harness = Harness::running(restart());
    assert_eq!(
        harness.command(Command::Stop),
        [
            Effect::Disarm(Timer::Stable),
            Effect::Signal(StopSignal::Terminate),
            Effect::Arm(Timer::StopRest, TIMING.stop_grace / 2),
            Effect::Arm(Timer::StopGrace, TIMING.stop_grace)
        ]
    );
    assert_eq!(
        harness.step(Input::Timer(Timer::StopRest)),
        [Effect::Signal(StopSignal::TerminateRest)]
    );
    assert_eq!(
        harness.step(Input::Timer(Timer::StopGrace)),
        [
            Effect::Signal(StopSignal::Kill),
            Effect::Arm(Timer::KillWait, TIMING.kill_wait)
        ]
    );
    harness.step(Input::Timer(Timer::KillWait));
    assert_eq!(
        (harness.machine.phase(), harness.machine.goal()),
        (Phase::Stuck, Goal::Down)
    );
    let rejected = harness.machine.step(
        Input::Command(Command::Start),
        &mut harness.policy,
        Instant::now(),
    );
    assert!(rejected.expect_err("rejected").0.contains("still running"));
    harness.fact(Fact::GroupEmpty);
    assert_eq!(harness.machine.phase(), Phase::Failed);
}

#[test]
fn the_rest_of_the_tree_is_signaled_after_the_leader_or_the_program_in_its_place_has_exited() {
    let stopping = || {
        let mut harness = Harness::running(restart());
        harness.command(Command::Stop);
        harness
    };
    let mut harness = stopping();
    assert_eq!(
        harness.fact(Fact::StopTargetExited),
        [
            Effect::Disarm(Timer::StopRest),
            Effect::Signal(StopSignal::TerminateRest)
        ]
    );
    assert_eq!(harness.machine.armed(), [Timer::StopGrace]);
    // What the leader has told to end has a moment to do so.
    let mut harness = stopping();
    assert_eq!(
        harness.fact(Fact::Exited(CRASH)),
        [
            Effect::Disarm(Timer::StopRest),
            Effect::Arm(Timer::StopRest, STOP_REST_DELAY)
        ]
    );
    assert_eq!(
        harness.step(Input::Timer(Timer::StopRest)),
        [Effect::Signal(StopSignal::TerminateRest)]
    );
    // Before the stop, the process that would get the signal may exit like any other.
    let mut harness = Harness::running(restart());
    assert_eq!(harness.fact(Fact::StopTargetExited), []);
    harness.command(Command::Kill);
    assert_eq!(harness.fact(Fact::Exited(CRASH)), []);
}

#[test]
fn a_stopped_domain_is_not_restarted_and_the_policy_is_not_called() {
    let mut harness = Harness::running(restart());
    harness.command(Command::Stop);
    harness.fact(Fact::Exited(ExitReport {
        code: None,
        signal: Some(15),
    }));
    harness.fact(Fact::GroupEmpty);
    assert_eq!(harness.machine.phase(), Phase::Stopped);
    assert!(harness.policy.inputs.is_empty());
}

#[test]
fn an_operators_restart_starts_again_at_once_and_is_not_counted() {
    let mut harness = Harness::running(Verdict::GiveUp("never".into()));
    harness.command(Command::Restart);
    harness.fact(Fact::Exited(CRASH));
    assert_eq!(
        harness.fact(Fact::GroupEmpty).last(),
        Some(&Effect::AwaitDependencies)
    );
    assert_eq!(
        (harness.machine.phase(), harness.machine.restarts()),
        (Phase::Waiting, 0)
    );
    assert!(harness.policy.inputs.is_empty());
}

#[test]
fn the_last_request_during_stopping_wins() {
    for (requests, expected) in [
        (vec![Command::Stop, Command::Start], Phase::Waiting),
        (vec![Command::Restart, Command::Stop], Phase::Stopped),
        (
            vec![Command::Stop, Command::Restart, Command::Kill],
            Phase::Stopped,
        ),
    ] {
        let mut harness = Harness::running(restart());
        for request in &requests {
            harness.command(*request);
        }
        harness.fact(Fact::Exited(CRASH));
        harness.fact(Fact::GroupEmpty);
        assert_eq!(harness.machine.phase(), expected, "after {requests:?}");
    }
}

#[test]
fn a_kill_during_stopping_kills_once() {
    let mut harness = Harness::running(restart());
    harness.command(Command::Stop);
    let first = harness.command(Command::Kill);
    assert!(first.contains(&Effect::Signal(StopSignal::Kill)));
    assert_eq!(harness.command(Command::Kill), []);
}

#[test]
fn a_start_that_never_registers_is_terminated() {
    let mut harness = Harness::starting(Verdict::GiveUp("not registered within 30s".into()));
    harness.step(Input::Timer(Timer::StartTimeout));
    assert_eq!(harness.machine.phase(), Phase::Stopping);
    harness.fact(Fact::Exited(CRASH));
    harness.fact(Fact::GroupEmpty);
    assert_eq!(harness.machine.phase(), Phase::Failed);
    assert!(harness.machine.reason().contains("not registered"));
}

#[test]
fn a_failed_preparation_or_spawn_is_decided_without_a_signal() {
    let mut harness = Harness::new(Verdict::GiveUp("no node".into()));
    harness.command(Command::Start);
    harness.fact(Fact::DependenciesReady);
    let effects = harness.fact(Fact::PrepareFailed(StartError::permanent("no node")));
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Signal(_)))
    );
    assert_eq!(harness.machine.phase(), Phase::Failed);

    let mut harness = Harness::starting(restart());
    let effects = harness.fact(Fact::SpawnFailed(StartError::transient("EAGAIN")));
    assert_eq!(harness.machine.phase(), Phase::Backoff);
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Signal(_)))
    );
}

#[test]
fn a_stop_cancels_a_start_in_progress() {
    for facts in [vec![], vec![Fact::DependenciesReady]] {
        let mut harness = Harness::new(restart());
        harness.command(Command::Start);
        for fact in facts {
            harness.fact(fact);
        }
        assert_eq!(harness.command(Command::Stop), [Effect::CancelStart]);
        assert_eq!(harness.machine.phase(), Phase::Stopped);
        harness.fact(Fact::DependenciesReady);
        harness.fact(Fact::Prepared);
        assert_eq!(harness.machine.phase(), Phase::Stopped);
    }
}

#[test]
fn a_stop_during_backoff_disarms_it() {
    let mut harness = Harness::running(restart());
    harness.fact(Fact::Exited(CRASH));
    harness.fact(Fact::GroupEmpty);
    assert_eq!(
        harness.command(Command::Stop),
        [Effect::Disarm(Timer::Backoff)]
    );
    assert_eq!(harness.step(Input::Timer(Timer::Backoff)), []);
    assert_eq!(harness.machine.phase(), Phase::Stopped);
}

#[test]
fn facts_of_an_older_generation_are_dropped() {
    let mut harness = Harness::running(restart());
    harness.step(Input::Fact {
        generation: 0,
        fact: Fact::Exited(CRASH),
    });
    assert_eq!(harness.machine.phase(), Phase::Running);
}

#[test]
fn a_stable_run_resets_earlier_failures() {
    let mut harness = Harness::running(restart());
    let before = harness.policy.resets;
    harness.step(Input::Timer(Timer::Stable));
    assert_eq!(harness.policy.resets, before + 1);
    assert_eq!(harness.machine.phase(), Phase::Running);
}

#[test]
fn started_ends_the_start_timeout_but_is_not_ready() {
    let mut harness = Harness::starting(Verdict::Stay);
    let effects = harness.fact(Fact::Started);
    assert_eq!(harness.machine.phase(), Phase::Running);
    assert!(!harness.machine.ready() && !harness.machine.was_ready());
    assert!(effects.contains(&Effect::Disarm(Timer::StartTimeout)));
    harness.fact(Fact::Ready);
    assert!(harness.machine.ready() && harness.machine.was_ready());
}

#[test]
fn a_group_restart_is_immediate_and_not_counted() {
    let mut harness = Harness::running(Verdict::GiveUp("not called".into()));
    let effects = harness.fact(Fact::GroupRestart("catalog failed".into()));
    assert_eq!(harness.machine.phase(), Phase::Stopping);
    assert_eq!(harness.machine.reason(), "catalog failed");
    assert!(effects.contains(&Effect::Signal(StopSignal::Terminate)));
    harness.fact(Fact::GroupEmpty);
    assert_eq!(harness.machine.phase(), Phase::Waiting);
    assert_eq!(harness.machine.restarts(), 0);
    assert!(harness.policy.inputs.is_empty());
}

#[test]
fn a_stopped_domain_is_not_restarted_with_its_group() {
    let mut harness = Harness::new(Verdict::Stay);
    harness.fact(Fact::GroupRestart("catalog failed".into()));
    assert_eq!(harness.machine.phase(), Phase::Stopped);
}

#[test]
fn a_hung_process_gets_the_shorter_of_the_two_graces() {
    let mut harness = Harness::running(restart());
    let effects = harness.fact(Fact::Hung("hung: no heartbeat for 1s".into()));
    let grace = TIMING.stop_grace.min(HUNG_GRACE);
    assert!(effects.contains(&Effect::Signal(StopSignal::Terminate)));
    assert!(effects.contains(&Effect::Arm(Timer::StopGrace, grace)));
    assert_eq!(harness.machine.phase(), Phase::Stopping);
    assert_eq!(harness.machine.reason(), "hung: no heartbeat for 1s");
    harness.fact(Fact::GroupEmpty);
    assert_eq!(harness.machine.phase(), Phase::Backoff);
    let failure = Failure::Unhealthy("hung: no heartbeat for 1s".into());
    assert_eq!(harness.policy.inputs[0].failure, failure);
    // Before phase running, the start timeout applies.
    let mut harness = Harness::starting(restart());
    assert_eq!(harness.fact(Fact::Hung("too early".into())), []);
    assert_eq!(harness.machine.phase(), Phase::Starting);
}

#[test]
fn a_reload_replaces_the_process() {
    let renew = || Input::Reload("reload: env.FOO changed".into());
    // From a running process: terminated in order, then restarted without delay and not counted.
    for mut harness in [Harness::starting(restart()), Harness::running(restart())] {
        let effects = harness.step(renew());
        assert!(effects.contains(&Effect::Signal(StopSignal::Terminate)));
        assert_eq!(harness.machine.reason(), "reload: env.FOO changed");
        harness.fact(Fact::GroupEmpty);
        assert_eq!(harness.machine.phase(), Phase::Waiting);
        assert_eq!(harness.machine.reason(), "reload: env.FOO changed");
        assert!(harness.policy.inputs.is_empty());
    }
    // From phases backoff and failed: at once.
    for verdict in [restart(), Verdict::GiveUp("crash loop".into())] {
        let mut harness = Harness::running(verdict);
        harness.fact(Fact::Unhealthy("over its limit".into()));
        harness.fact(Fact::GroupEmpty);
        let resets = harness.policy.resets;
        assert!(harness.step(renew()).contains(&Effect::AwaitDependencies));
        assert_eq!(harness.machine.phase(), Phase::Waiting);
        assert_eq!(harness.machine.reason(), "reload: env.FOO changed");
        assert_eq!(
            harness.policy.resets,
            resets + 1,
            "earlier failures no longer count"
        );
    }
}

#[test]
fn a_reload_during_preparation_prepares_again() {
    let mut harness = Harness::new(Verdict::Stay);
    harness.command(Command::Start);
    harness.fact(Fact::DependenciesReady);
    assert_eq!(harness.machine.phase(), Phase::Preparing);
    let effects = harness.step(Input::Reload("it has changed".into()));
    assert_eq!(effects, [Effect::CancelStart, Effect::AwaitDependencies]);
    assert_eq!(harness.machine.phase(), Phase::Waiting);
}

#[test]
fn a_reload_does_not_start_a_stopped_domain() {
    let mut harness = Harness::running(restart());
    harness.command(Command::Stop);
    assert_eq!(harness.step(Input::Reload("it has changed".into())), []);
    harness.fact(Fact::GroupEmpty);
    assert_eq!(harness.machine.phase(), Phase::Stopped);
    assert_eq!(harness.step(Input::Reload("it has changed".into())), []);
    assert_eq!(harness.machine.phase(), Phase::Stopped);
}
