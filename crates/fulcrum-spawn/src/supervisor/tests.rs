//! Drivers and supervisor over fake processes, under paused time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::{
    Backend, Condition, DomainManager, DomainSpec, FactSender, Outcome, ProcessGroup, Supervisor,
    Transition,
};
use crate::StartError;
use crate::lifecycle::{
    Command, ExitReport, Fact, GenerationEnd, Goal, Phase, RestartPolicy, StopSignal, Timing,
    TransitionCause, Verdict,
};

pub(super) const TIMING: Timing = Timing {
    start_timeout: Duration::from_secs(30),
    time_limit: None,
    stop_grace: Duration::from_secs(5),
    kill_wait: Duration::from_secs(2),
};

/// How the fake processes of a domain behave.
#[derive(Clone, Copy)]
pub(super) struct ProcessBehavior {
    pub(super) ready_after: Option<Duration>,
    pub(super) exits_after: Option<Duration>,
    pub(super) handles_sigterm: bool,
    /// How long SIGKILL takes to end it.
    pub(super) exit_delay: Duration,
}

pub(super) const WELL_BEHAVED: ProcessBehavior = ProcessBehavior {
    ready_after: Some(Duration::from_millis(50)),
    exits_after: None,
    handles_sigterm: true,
    exit_delay: Duration::ZERO,
};

#[derive(Default)]
pub(super) struct Recorder {
    pub(super) alive: Vec<(String, u64)>,
    pub(super) most_alive: usize,
    pub(super) spawns: Vec<(String, u64, Instant)>,
    pub(super) signals: Vec<(String, StopSignal, Instant)>,
    pub(super) ended: Vec<String>,
}

pub(super) type Shared = Arc<Mutex<Recorder>>;

pub(super) struct Fake {
    pub(super) name: String,
    pub(super) behavior: ProcessBehavior,
    pub(super) recorder: Shared,
}

struct FakeGroup {
    name: String,
    handles_sigterm: bool,
    recorder: Shared,
    end: mpsc::UnboundedSender<i32>,
}

impl ProcessGroup for FakeGroup {
    fn pid(&self) -> u32 {
        4242
    }
    fn send(&self, _: rustix::process::Signal, _: bool) {}
    fn signal(&self, signal: StopSignal) {
        let entry = (self.name.clone(), signal, Instant::now());
        self.recorder.lock().expect("recorder").signals.push(entry);
        match signal {
            StopSignal::Kill => drop(self.end.send(9)),
            StopSignal::Terminate if self.handles_sigterm => drop(self.end.send(15)),
            StopSignal::Terminate | StopSignal::TerminateRest => {}
        }
    }
}

impl Backend for Fake {
    type LaunchPlan = ();

    fn prepare(&mut self, _: u64) -> impl Future<Output = Result<(), StartError>> + Send + 'static {
        std::future::ready(Ok(()))
    }

    async fn spawn(
        &mut self,
        (): (),
        facts: FactSender,
    ) -> Result<Arc<dyn ProcessGroup>, StartError> {
        let (end, mut ends) = mpsc::unbounded_channel();
        let generation = (self.name.clone(), facts.generation());
        {
            let mut recorder = self.recorder.lock().expect("recorder");
            recorder
                .spawns
                .push((generation.0.clone(), generation.1, Instant::now()));
            recorder.alive.push(generation.clone());
            let same = recorder
                .alive
                .iter()
                .filter(|(name, _)| *name == generation.0)
                .count();
            recorder.most_alive = recorder.most_alive.max(same);
        }
        let (behavior, recorder) = (self.behavior, Arc::clone(&self.recorder));
        tokio::spawn(async move {
            let ready = async {
                if let Some(after) = behavior.ready_after {
                    tokio::time::sleep(after).await;
                    facts.report(Fact::Ready);
                }
                std::future::pending::<()>().await;
            };
            let natural = async {
                match behavior.exits_after {
                    Some(after) => tokio::time::sleep(after).await,
                    None => std::future::pending().await,
                }
            };
            let report = tokio::select! {
                () = ready => unreachable!("never ends"),
                () = natural => ExitReport { code: Some(1), signal: None },
                Some(signal) = ends.recv() => ExitReport { code: None, signal: Some(signal) },
            };
            tokio::time::sleep(behavior.exit_delay).await;
            facts.report(Fact::Exited(report));
            // The group takes a moment longer than its leader.
            tokio::time::sleep(Duration::from_millis(3)).await;
            let mut entries = recorder.lock().expect("recorder");
            entries.alive.retain(|alive| *alive != generation);
            entries.ended.push(generation.0);
            drop(entries);
            facts.report(Fact::GroupEmpty);
        });
        let group = FakeGroup {
            name: self.name.clone(),
            handles_sigterm: self.behavior.handles_sigterm,
            recorder: Arc::clone(&self.recorder),
            end,
        };
        Ok(Arc::new(group))
    }
}

/// Restarts after a fixed time, a number of times.
pub(super) struct LimitedRestarts(u32);

impl RestartPolicy for LimitedRestarts {
    fn decide(&mut self, _: &GenerationEnd, _: std::time::Instant) -> Verdict {
        if self.0 == 0 {
            return Verdict::GiveUp("crash loop".into());
        }
        self.0 -= 1;
        Verdict::Restart(Duration::from_secs(60))
    }
    fn on_stable(&mut self) {}
    fn reset(&mut self) {}
    fn stable_after(&self) -> Duration {
        Duration::from_secs(10)
    }
}

pub(super) struct Harness {
    pub(super) supervisor: Supervisor,
    pub(super) manager: DomainManager<Fake>,
    pub(super) recorder: Shared,
    pub(super) transitions: mpsc::UnboundedReceiver<Transition>,
}

/// One fake domain.
pub(super) fn domain_spec(
    name: &str,
    behavior: ProcessBehavior,
    dependencies: &[&str],
    recorder: &Shared,
) -> DomainSpec<Fake> {
    DomainSpec {
        name: name.to_owned(),
        dependencies: all_ready(dependencies),
        timing: TIMING,
        policy: Box::new(LimitedRestarts(10)),
        backend: Fake {
            name: name.to_owned(),
            behavior,
            recorder: Arc::clone(recorder),
        },
    }
}

/// All of them ready.
pub(super) fn all_ready(dependencies: &[&str]) -> BTreeMap<String, Condition> {
    let dependency = |name: &&str| ((*name).to_owned(), Condition::Ready);
    dependencies.iter().map(dependency).collect()
}

impl Harness {
    /// Domains by name, behavior and dependencies, in start order: one wave each.
    pub(super) fn new(domains: &[(&str, ProcessBehavior, &[&str])]) -> Self {
        let recorder = Shared::default();
        let (sender, transitions) = mpsc::unbounded_channel();
        let specs = domains
            .iter()
            .map(|(name, behavior, dependencies)| {
                domain_spec(name, *behavior, dependencies, &recorder)
            })
            .collect();
        let waves = domains
            .iter()
            .map(|(name, ..)| vec![(*name).to_owned()])
            .collect();
        let mut manager = DomainManager::new(sender);
        manager.add(specs);
        manager.set_start_order(waves);
        Self {
            supervisor: manager.supervisor(),
            manager,
            recorder,
            transitions,
        }
    }

    pub(super) async fn request(&self, name: &str, command: Command) -> Outcome {
        let handle = self.supervisor.domain(name).expect("known");
        handle
            .request(command)
            .await
            .expect("accepted")
            .outcome()
            .await
    }

    pub(super) fn phase(&self, name: &str) -> Phase {
        self.supervisor
            .domain(name)
            .expect("known")
            .snapshot()
            .phase
    }
}

#[tokio::test(start_paused = true)]
async fn a_dependent_starts_only_after_its_dependency_is_ready() {
    let slow = ProcessBehavior {
        ready_after: Some(Duration::from_secs(7)),
        ..WELL_BEHAVED
    };
    let harness = Harness::new(&[
        ("catalog", slow, &[]),
        ("orders", WELL_BEHAVED, &["catalog"]),
    ]);
    harness.supervisor.start(["orders", "catalog"]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let waiting = harness
        .supervisor
        .domain("orders")
        .expect("known")
        .snapshot();
    assert_eq!(waiting.phase, Phase::Waiting);
    assert_eq!(waiting.reason, "waiting for catalog: starting");
    assert!(matches!(
        harness.request("orders", Command::Start).await,
        Outcome::Done(_)
    ));
    let recorder = harness.recorder.lock().expect("recorder");
    let gap = recorder.spawns[1].2 - recorder.spawns[0].2;
    assert_eq!(recorder.spawns[1].0, "orders");
    assert!(gap >= Duration::from_secs(7), "spawned after {gap:?}");
}

#[tokio::test(start_paused = true)]
async fn a_crash_loop_restarts_as_the_policy_decides_then_fails() {
    let crashing = ProcessBehavior {
        exits_after: Some(Duration::from_millis(20)),
        ready_after: None,
        ..WELL_BEHAVED
    };
    let mut harness = Harness::new(&[("users", crashing, &[])]);
    harness.supervisor.start(["users"]).await;
    let failed = async {
        while let Some(transition) = harness.transitions.recv().await {
            if transition.to == Phase::Failed {
                return transition.reason;
            }
        }
        String::new()
    };
    let reason = timeout(Duration::from_secs(3600), failed)
        .await
        .expect("it gives up");
    assert_eq!(reason, "crash loop");
    let recorder = harness.recorder.lock().expect("recorder");
    assert_eq!(recorder.spawns.len(), 11);
    assert!(
        recorder
            .spawns
            .windows(2)
            .all(|pair| pair[1].2 - pair[0].2 >= Duration::from_secs(60))
    );
}

#[tokio::test(start_paused = true)]
async fn concurrent_restarts_never_run_two_processes() {
    let harness = Harness::new(&[("users", WELL_BEHAVED, &[])]);
    harness.supervisor.start(["users"]).await;
    let mut response = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let handle = harness.supervisor.domain("users").expect("known").clone();
        response.spawn(async move {
            let ticket = handle.request(Command::Restart).await.expect("accepted");
            matches!(ticket.outcome().await, Outcome::Done(_))
        });
    }
    assert!(response.join_all().await.into_iter().all(|done| done));
    assert_eq!(harness.phase("users"), Phase::Running);
    assert_eq!(harness.recorder.lock().expect("recorder").most_alive, 1);
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_ignores_sigterm_is_killed_after_its_grace() {
    let ignores_sigterm = ProcessBehavior {
        handles_sigterm: false,
        ..WELL_BEHAVED
    };
    let harness = Harness::new(&[("users", ignores_sigterm, &[])]);
    harness.request("users", Command::Start).await;
    assert!(matches!(
        harness.request("users", Command::Stop).await,
        Outcome::Done(_)
    ));
    let recorder = harness.recorder.lock().expect("recorder");
    let start = recorder.signals[0].2;
    let signals = recorder.signals.iter();
    let signals: Vec<_> = signals
        .map(|(_, signal, at)| (*signal, *at - start))
        .collect();
    let expected = [
        (StopSignal::Terminate, Duration::ZERO),
        (StopSignal::TerminateRest, TIMING.stop_grace / 2),
        (StopSignal::Kill, TIMING.stop_grace),
    ];
    assert_eq!(signals[..3], expected);
    let users = harness
        .supervisor
        .domain("users")
        .expect("known")
        .snapshot();
    let exit = users.last_exit.expect("it has exited");
    assert_eq!(exit.cause, TransitionCause::Requested(Command::Stop));
    assert!(exit.killed);
}

#[tokio::test(start_paused = true)]
async fn each_transition_has_its_cause() {
    let crashing = ProcessBehavior {
        exits_after: Some(Duration::from_secs(1)),
        ..WELL_BEHAVED
    };
    let mut harness = Harness::new(&[("users", crashing, &[])]);
    harness.request("users", Command::Start).await;
    let mut causes = Vec::new();
    while let Some(facts) = harness.transitions.recv().await {
        causes.push((facts.to, facts.cause));
        if facts.to == Phase::Backoff {
            break;
        }
    }
    assert_eq!(
        causes,
        [
            (Phase::Waiting, TransitionCause::Requested(Command::Start)),
            (Phase::Preparing, TransitionCause::Normal),
            (Phase::Starting, TransitionCause::Normal),
            (Phase::Running, TransitionCause::Normal),
            (Phase::Stopping, TransitionCause::Exited),
            (Phase::Backoff, TransitionCause::Normal),
        ]
    );
    let users = harness
        .supervisor
        .domain("users")
        .expect("known")
        .snapshot();
    let exit = users.last_exit.expect("it has exited");
    assert_eq!((exit.cause, exit.killed), (TransitionCause::Exited, false));
}

/// What a supervision group does when a member fails: those after it are restarted, and its gate
/// holds them.
#[tokio::test(start_paused = true)]
async fn a_group_restart_waits_for_dependencies_and_is_not_counted() {
    let crashes_once_in_a_while = ProcessBehavior {
        exits_after: Some(Duration::from_secs(30)),
        ..WELL_BEHAVED
    };
    let mut harness = Harness::new(&[
        ("catalog", crashes_once_in_a_while, &[]),
        ("orders", WELL_BEHAVED, &["catalog"]),
    ]);
    harness.supervisor.start(["catalog", "orders"]).await;
    let orders = harness.supervisor.domain("orders").expect("known").clone();
    let failed =
        |facts: &Transition| facts.domain == "catalog" && facts.cause == TransitionCause::Exited;
    while !failed(&harness.transitions.recv().await.expect("a transition")) {}
    // Twice, since several members may have failed; and once for an old generation.
    let generation = orders.snapshot().generation;
    for generation in [generation, generation, 0] {
        orders.report(generation, Fact::GroupRestart("catalog failed".into()));
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(
        orders.snapshot().reason,
        "waiting for catalog: backoff (exit 1)"
    );
    tokio::time::sleep(Duration::from_secs(60)).await;
    let now = orders.snapshot();
    assert_eq!(
        (now.phase, now.generation, now.restarts),
        (Phase::Running, generation + 1, 0)
    );
    let recorder = harness.recorder.lock().expect("recorder");
    assert_eq!(recorder.most_alive, 1);
    let spawned = |name: &str| {
        let last = recorder.spawns.iter().rfind(|spawn| spawn.0 == name);
        last.expect("spawned").2
    };
    assert!(spawned("orders") > spawned("catalog"));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_stops_dependents_before_dependencies() {
    let harness = Harness::new(&[
        ("catalog", WELL_BEHAVED, &[]),
        ("orders", WELL_BEHAVED, &["catalog"]),
        ("web", WELL_BEHAVED, &["orders"]),
    ]);
    harness.supervisor.start(["catalog", "orders", "web"]).await;
    harness.request("web", Command::Start).await;
    assert!(harness.supervisor.shutdown().await.is_empty());
    assert_eq!(
        harness.recorder.lock().expect("recorder").ended,
        ["web", "orders", "catalog"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_domains_that_ignore_sigterm_shuts_down_within_one_grace() {
    let ignores_sigterm = ProcessBehavior {
        handles_sigterm: false,
        ..WELL_BEHAVED
    };
    let harness = Harness::new(&[
        ("catalog", WELL_BEHAVED, &[]),
        ("orders", ignores_sigterm, &["catalog"]),
        ("users", ignores_sigterm, &["orders"]),
        ("web", ignores_sigterm, &["users"]),
    ]);
    harness
        .supervisor
        .start(["catalog", "orders", "users", "web"])
        .await;
    harness.request("web", Command::Start).await;
    let started_at = Instant::now();
    assert!(harness.supervisor.shutdown().await.is_empty());
    let took = started_at.elapsed();
    assert!(
        took < TIMING.stop_grace + Duration::from_millis(50),
        "{took:?}"
    );
    let recorder = harness.recorder.lock().expect("recorder");
    assert!(recorder.alive.is_empty());
    let signaled_at = |name: &str, what| {
        let mut all = recorder.signals.iter();
        let found = all.find(|(domain, signal, _)| domain == name && *signal == what);
        found.map(|(_, _, at)| *at - started_at)
    };
    // In its turn; then the rest, a moment before the end; and every domain gets the stop signal.
    assert_eq!(
        signaled_at("web", StopSignal::Terminate),
        Some(Duration::ZERO)
    );
    for late in ["catalog", "orders", "users"] {
        let response = signaled_at(late, StopSignal::Terminate).expect("signaled");
        assert_eq!(response, Duration::from_secs(4), "{late}");
    }
    assert_eq!(
        signaled_at("catalog", StopSignal::Kill),
        None,
        "it exited on SIGTERM"
    );
    assert!(signaled_at("orders", StopSignal::Kill) >= Some(TIMING.stop_grace));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_during_a_start_spawns_nothing_more() {
    let slow = ProcessBehavior {
        ready_after: Some(Duration::from_secs(20)),
        ..WELL_BEHAVED
    };
    let harness = Harness::new(&[
        ("catalog", slow, &[]),
        ("orders", WELL_BEHAVED, &["catalog"]),
    ]);
    harness.supervisor.start(["catalog", "orders"]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    harness.supervisor.shutdown().await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let recorder = harness.recorder.lock().expect("recorder");
    assert_eq!(recorder.spawns.len(), 1);
    assert!(recorder.alive.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_never_registers_is_terminated_at_its_start_timeout() {
    let never_registers = ProcessBehavior {
        ready_after: None,
        ..WELL_BEHAVED
    };
    let harness = Harness::new(&[("users", never_registers, &[])]);
    let response = Instant::now();
    let Outcome::Failed(snapshot) = harness.request("users", Command::Start).await else {
        panic!("it cannot have become ready");
    };
    assert_eq!(snapshot.phase, Phase::Backoff);
    assert!(
        snapshot.reason.contains("not registered within 30s"),
        "{}",
        snapshot.reason
    );
    assert!(response.elapsed() < Duration::from_secs(31));
}

#[tokio::test(start_paused = true)]
async fn a_stop_supersedes_a_pending_restart() {
    let harness = Harness::new(&[(
        "users",
        ProcessBehavior {
            handles_sigterm: false,
            ..WELL_BEHAVED
        },
        &[],
    )]);
    harness.request("users", Command::Start).await;
    let handle = harness.supervisor.domain("users").expect("known");
    let restart = handle.request(Command::Restart).await.expect("accepted");
    let stop = handle.request(Command::Stop).await.expect("accepted");
    assert!(matches!(restart.outcome().await, Outcome::Superseded(_)));
    assert!(matches!(stop.outcome().await, Outcome::Done(_)));
    assert_eq!(handle.snapshot().goal, Goal::Down);
}

/// The clock jumps while nothing runs: Fulcrum was suspended, or the machine slept.
async fn suspend(time: Duration) {
    tokio::time::advance(time).await;
}

#[tokio::test(start_paused = true)]
async fn suspended_time_does_not_count_against_a_start() {
    let slow = ProcessBehavior {
        ready_after: Some(Duration::from_secs(600 + 20)),
        ..WELL_BEHAVED
    };
    let harness = Harness::new(&[("users", slow, &[])]);
    harness.supervisor.start(["users"]).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    suspend(Duration::from_secs(600)).await;
    let response = harness.request("users", Command::Start).await;
    assert!(matches!(response, Outcome::Done(_)), "{response:?}");
    assert_eq!(harness.recorder.lock().expect("recorder").spawns.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_extended_once() {
    let never_registers = ProcessBehavior {
        ready_after: None,
        ..WELL_BEHAVED
    };
    let harness = Harness::new(&[("users", never_registers, &[])]);
    harness.supervisor.start(["users"]).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    suspend(Duration::from_secs(600)).await;
    let resumed_at = Instant::now();
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert_eq!(harness.phase("users"), Phase::Starting);
    let response = harness.request("users", Command::Start).await;
    assert!(matches!(response, Outcome::Failed(_)), "{response:?}");
    assert!(resumed_at.elapsed() < TIMING.start_timeout + Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_stop_keeps_its_grace_across_suspended_time() {
    let ignores_sigterm = ProcessBehavior {
        handles_sigterm: false,
        ..WELL_BEHAVED
    };
    let harness = Harness::new(&[("users", ignores_sigterm, &[])]);
    harness.request("users", Command::Start).await;
    let handle = harness.supervisor.domain("users").expect("known").clone();
    let ticket = handle.request(Command::Stop).await.expect("accepted");
    tokio::time::sleep(Duration::from_secs(1)).await;
    suspend(Duration::from_secs(60)).await;
    let resumed_at = Instant::now();
    assert!(matches!(ticket.outcome().await, Outcome::Done(_)));
    let recorder = harness.recorder.lock().expect("recorder");
    let signals = recorder.signals.iter();
    let signals: Vec<_> = signals
        .map(|(_, signal, at)| (*signal, *at - resumed_at))
        .collect();
    let expected = [
        (StopSignal::TerminateRest, TIMING.stop_grace / 2),
        (StopSignal::Kill, TIMING.stop_grace),
    ];
    assert_eq!(signals[1..3], expected);
}
