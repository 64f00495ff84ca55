//! Drivers and supervisor over a fake world, under paused time.

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
    stop_grace: Duration::from_secs(5),
    kill_wait: Duration::from_secs(2),
};

/// How the fake processes of a domain behave.
#[derive(Clone, Copy)]
pub(super) struct ProcessBehavior {
    pub(super) ready_after: Option<Duration>,
    pub(super) ends_after: Option<Duration>,
    pub(super) heeds_term: bool,
    /// How long SIGKILL takes to end it.
    pub(super) exit_delay: Duration,
}

pub(super) const WELL_BEHAVED: ProcessBehavior = ProcessBehavior {
    ready_after: Some(Duration::from_millis(50)),
    ends_after: None,
    heeds_term: true,
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
    pub(super) habit: ProcessBehavior,
    pub(super) ledger: Shared,
}

struct FakeGroup {
    name: String,
    heeds_term: bool,
    ledger: Shared,
    end: mpsc::UnboundedSender<i32>,
}

impl ProcessGroup for FakeGroup {
    fn pid(&self) -> u32 {
        4242
    }
    fn signal(&self, signal: StopSignal) {
        let entry = (self.name.clone(), signal, Instant::now());
        self.ledger.lock().expect("ledger").signals.push(entry);
        match signal {
            StopSignal::Kill => drop(self.end.send(9)),
            StopSignal::Terminate if self.heeds_term => drop(self.end.send(15)),
            StopSignal::Terminate => {}
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
        news: FactSender,
    ) -> Result<Arc<dyn ProcessGroup>, StartError> {
        let (end, mut ends) = mpsc::unbounded_channel();
        let life = (self.name.clone(), news.generation());
        {
            let mut ledger = self.ledger.lock().expect("ledger");
            ledger.spawns.push((life.0.clone(), life.1, Instant::now()));
            ledger.alive.push(life.clone());
            let same = ledger
                .alive
                .iter()
                .filter(|(name, _)| *name == life.0)
                .count();
            ledger.most_alive = ledger.most_alive.max(same);
        }
        let (habit, ledger) = (self.habit, Arc::clone(&self.ledger));
        tokio::spawn(async move {
            let ready = async {
                if let Some(after) = habit.ready_after {
                    tokio::time::sleep(after).await;
                    news.report(Fact::Ready);
                }
                std::future::pending::<()>().await;
            };
            let natural = async {
                match habit.ends_after {
                    Some(after) => tokio::time::sleep(after).await,
                    None => std::future::pending().await,
                }
            };
            let report = tokio::select! {
                () = ready => unreachable!("never ends"),
                () = natural => ExitReport { code: Some(1), signal: None },
                Some(signal) = ends.recv() => ExitReport { code: None, signal: Some(signal) },
            };
            tokio::time::sleep(habit.exit_delay).await;
            news.report(Fact::Exited(report));
            // The group takes a moment longer than its leader.
            tokio::time::sleep(Duration::from_millis(3)).await;
            let mut entries = ledger.lock().expect("ledger");
            entries.alive.retain(|alive| *alive != life);
            entries.ended.push(life.0);
            drop(entries);
            news.report(Fact::GroupEmpty);
        });
        let group = FakeGroup {
            name: self.name.clone(),
            heeds_term: self.habit.heeds_term,
            ledger: Arc::clone(&self.ledger),
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
    pub(super) keeper: DomainManager<Fake>,
    pub(super) ledger: Shared,
    pub(super) transitions: mpsc::UnboundedReceiver<Transition>,
}

/// One fake domain.
pub(super) fn setup(
    name: &str,
    habit: ProcessBehavior,
    needs: &[&str],
    ledger: &Shared,
) -> DomainSpec<Fake> {
    DomainSpec {
        name: name.to_owned(),
        dependencies: all_ready(needs),
        timing: TIMING,
        policy: Box::new(LimitedRestarts(10)),
        backend: Fake {
            name: name.to_owned(),
            habit,
            ledger: Arc::clone(ledger),
        },
    }
}

/// All of them ready.
pub(super) fn all_ready(needs: &[&str]) -> BTreeMap<String, Condition> {
    let need = |name: &&str| ((*name).to_owned(), Condition::Ready);
    needs.iter().map(need).collect()
}

impl Harness {
    /// Domains by name, habit and dependencies, in start order: one wave each.
    pub(super) fn new(domains: &[(&str, ProcessBehavior, &[&str])]) -> Self {
        let ledger = Shared::default();
        let (sender, transitions) = mpsc::unbounded_channel();
        let setups = domains
            .iter()
            .map(|(name, habit, needs)| setup(name, *habit, needs, &ledger))
            .collect();
        let waves = domains
            .iter()
            .map(|(name, ..)| vec![(*name).to_owned()])
            .collect();
        let mut keeper = DomainManager::new(sender);
        keeper.add(setups);
        keeper.set_start_order(waves);
        Self {
            supervisor: keeper.supervisor(),
            keeper,
            ledger,
            transitions,
        }
    }

    pub(super) async fn request(&self, name: &str, command: Command) -> Outcome {
        let handle = self.supervisor.domain(name).expect("known");
        handle
            .request(command)
            .await
            .expect("taken")
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
    let house = Harness::new(&[
        ("catalog", slow, &[]),
        ("orders", WELL_BEHAVED, &["catalog"]),
    ]);
    house.supervisor.start(["orders", "catalog"]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let waiting = house.supervisor.domain("orders").expect("known").snapshot();
    assert_eq!(waiting.phase, Phase::Waiting);
    assert_eq!(waiting.reason, "waiting for catalog (starting)");
    assert!(matches!(
        house.request("orders", Command::Start).await,
        Outcome::Done(_)
    ));
    let ledger = house.ledger.lock().expect("ledger");
    let gap = ledger.spawns[1].2 - ledger.spawns[0].2;
    assert_eq!(ledger.spawns[1].0, "orders");
    assert!(gap >= Duration::from_secs(7), "spawned after {gap:?}");
}

#[tokio::test(start_paused = true)]
async fn a_ten_minute_crash_loop_restarts_as_the_policy_says_then_fails() {
    let crashing = ProcessBehavior {
        ends_after: Some(Duration::from_millis(20)),
        ready_after: None,
        ..WELL_BEHAVED
    };
    let mut house = Harness::new(&[("users", crashing, &[])]);
    house.supervisor.start(["users"]).await;
    let failed = async {
        while let Some(transition) = house.transitions.recv().await {
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
    let ledger = house.ledger.lock().expect("ledger");
    assert_eq!(ledger.spawns.len(), 11);
    assert!(
        ledger
            .spawns
            .windows(2)
            .all(|pair| pair[1].2 - pair[0].2 >= Duration::from_secs(60))
    );
}

#[tokio::test(start_paused = true)]
async fn twenty_restarts_at_once_never_make_two_processes() {
    let house = Harness::new(&[("users", WELL_BEHAVED, &[])]);
    house.supervisor.start(["users"]).await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let handle = house.supervisor.domain("users").expect("known").clone();
        asked.spawn(async move {
            let ticket = handle.request(Command::Restart).await.expect("taken");
            matches!(ticket.outcome().await, Outcome::Done(_))
        });
    }
    assert!(asked.join_all().await.into_iter().all(|done| done));
    assert_eq!(house.phase("users"), Phase::Running);
    assert_eq!(house.ledger.lock().expect("ledger").most_alive, 1);
}

#[tokio::test(start_paused = true)]
async fn a_stubborn_domain_is_killed_after_its_grace() {
    let stubborn = ProcessBehavior {
        heeds_term: false,
        ..WELL_BEHAVED
    };
    let house = Harness::new(&[("users", stubborn, &[])]);
    house.request("users", Command::Start).await;
    assert!(matches!(
        house.request("users", Command::Stop).await,
        Outcome::Done(_)
    ));
    let ledger = house.ledger.lock().expect("ledger");
    let [(_, first, asked), (_, second, killed)] = ledger.signals.as_slice() else {
        panic!("two signals, not {:?}", ledger.signals.len());
    };
    assert_eq!((*first, *second), (StopSignal::Terminate, StopSignal::Kill));
    assert_eq!(*killed - *asked, TIMING.stop_grace);
    let users = house.supervisor.domain("users").expect("known").snapshot();
    let exit = users.last_exit.expect("it has ended");
    assert_eq!(exit.cause, TransitionCause::Requested(Command::Stop));
    assert!(exit.killed);
}

#[tokio::test(start_paused = true)]
async fn each_transition_says_what_set_it_off() {
    let crashing = ProcessBehavior {
        ends_after: Some(Duration::from_secs(1)),
        ..WELL_BEHAVED
    };
    let mut house = Harness::new(&[("users", crashing, &[])]);
    house.request("users", Command::Start).await;
    let mut causes = Vec::new();
    while let Some(news) = house.transitions.recv().await {
        causes.push((news.to, news.cause));
        if news.to == Phase::Backoff {
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
    let users = house.supervisor.domain("users").expect("known").snapshot();
    let exit = users.last_exit.expect("it has ended");
    assert_eq!((exit.cause, exit.killed), (TransitionCause::Exited, false));
}

/// What a group does when a member fails: those after it are recycled, and its gate holds them.
#[tokio::test(start_paused = true)]
async fn the_recycled_come_back_after_what_they_wait_for_and_uncounted() {
    let crashes_once_in_a_while = ProcessBehavior {
        ends_after: Some(Duration::from_secs(30)),
        ..WELL_BEHAVED
    };
    let mut house = Harness::new(&[
        ("catalog", crashes_once_in_a_while, &[]),
        ("orders", WELL_BEHAVED, &["catalog"]),
    ]);
    house.supervisor.start(["catalog", "orders"]).await;
    let orders = house.supervisor.domain("orders").expect("known").clone();
    let failed =
        |news: &Transition| news.domain == "catalog" && news.cause == TransitionCause::Exited;
    while !failed(&house.transitions.recv().await.expect("news")) {}
    // Twice, since several members may have failed; and once for a life that is long over.
    let life = orders.snapshot().generation;
    for generation in [life, life, 0] {
        orders.report(generation, Fact::GroupRestart("catalog failed".into()));
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(orders.snapshot().reason, "waiting for catalog (backoff)");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let now = orders.snapshot();
    assert_eq!(
        (now.phase, now.generation, now.restarts),
        (Phase::Running, life + 1, 0)
    );
    let ledger = house.ledger.lock().expect("ledger");
    assert_eq!(ledger.most_alive, 1);
    let spawned = |name: &str| {
        let last = ledger.spawns.iter().rfind(|spawn| spawn.0 == name);
        last.expect("spawned").2
    };
    assert!(spawned("orders") > spawned("catalog"));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_stops_dependents_before_what_they_depend_on() {
    let house = Harness::new(&[
        ("catalog", WELL_BEHAVED, &[]),
        ("orders", WELL_BEHAVED, &["catalog"]),
        ("web", WELL_BEHAVED, &["orders"]),
    ]);
    house.supervisor.start(["catalog", "orders", "web"]).await;
    house.request("web", Command::Start).await;
    assert!(house.supervisor.shutdown().await.is_empty());
    assert_eq!(
        house.ledger.lock().expect("ledger").ended,
        ["web", "orders", "catalog"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_stubborn_domains_takes_one_grace_to_shut_down() {
    let stubborn = ProcessBehavior {
        heeds_term: false,
        ..WELL_BEHAVED
    };
    let house = Harness::new(&[
        ("catalog", WELL_BEHAVED, &[]),
        ("orders", stubborn, &["catalog"]),
        ("users", stubborn, &["orders"]),
        ("web", stubborn, &["users"]),
    ]);
    house
        .supervisor
        .start(["catalog", "orders", "users", "web"])
        .await;
    house.request("web", Command::Start).await;
    let begun = Instant::now();
    assert!(house.supervisor.shutdown().await.is_empty());
    let took = begun.elapsed();
    assert!(
        took < TIMING.stop_grace + Duration::from_millis(50),
        "{took:?}"
    );
    let ledger = house.ledger.lock().expect("ledger");
    assert!(ledger.alive.is_empty());
    let told = |name: &str, what| {
        let mut all = ledger.signals.iter();
        let found = all.find(|(whose, signal, _)| whose == name && *signal == what);
        found.map(|(_, _, at)| *at - begun)
    };
    // In its turn; then the rest, a moment before the end; and nobody unwarned.
    assert_eq!(told("web", StopSignal::Terminate), Some(Duration::ZERO));
    for late in ["catalog", "orders", "users"] {
        let asked = told(late, StopSignal::Terminate).expect("asked");
        assert_eq!(asked, Duration::from_secs(4), "{late}");
    }
    assert_eq!(told("catalog", StopSignal::Kill), None, "it heeded");
    assert!(told("orders", StopSignal::Kill) >= Some(TIMING.stop_grace));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_in_the_middle_of_a_start_spawns_nothing_more() {
    let slow = ProcessBehavior {
        ready_after: Some(Duration::from_secs(20)),
        ..WELL_BEHAVED
    };
    let house = Harness::new(&[
        ("catalog", slow, &[]),
        ("orders", WELL_BEHAVED, &["catalog"]),
    ]);
    house.supervisor.start(["catalog", "orders"]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    house.supervisor.shutdown().await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let ledger = house.ledger.lock().expect("ledger");
    assert_eq!(ledger.spawns.len(), 1);
    assert!(ledger.alive.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_never_registers_is_ended_at_its_start_timeout() {
    let mute = ProcessBehavior {
        ready_after: None,
        ..WELL_BEHAVED
    };
    let house = Harness::new(&[("users", mute, &[])]);
    let asked = Instant::now();
    let Outcome::Failed(snapshot) = house.request("users", Command::Start).await else {
        panic!("it can't have become ready");
    };
    assert_eq!(snapshot.phase, Phase::Backoff);
    assert!(
        snapshot.reason.contains("not registered within 30s"),
        "{}",
        snapshot.reason
    );
    assert!(asked.elapsed() < Duration::from_secs(31));
}

#[tokio::test(start_paused = true)]
async fn a_stop_overtakes_a_restart_that_is_waited_for() {
    let house = Harness::new(&[(
        "users",
        ProcessBehavior {
            heeds_term: false,
            ..WELL_BEHAVED
        },
        &[],
    )]);
    house.request("users", Command::Start).await;
    let handle = house.supervisor.domain("users").expect("known");
    let restart = handle.request(Command::Restart).await.expect("taken");
    let stop = handle.request(Command::Stop).await.expect("taken");
    assert!(matches!(restart.outcome().await, Outcome::Superseded(_)));
    assert!(matches!(stop.outcome().await, Outcome::Done(_)));
    assert_eq!(handle.snapshot().goal, Goal::Down);
}

/// The clock jumps while nothing runs: Fulcrum was stopped, or the machine slept.
async fn frozen(time: Duration) {
    tokio::time::advance(time).await;
}

#[tokio::test(start_paused = true)]
async fn a_start_is_not_blamed_for_the_time_in_which_fulcrum_was_frozen() {
    let slow = ProcessBehavior {
        ready_after: Some(Duration::from_secs(600 + 20)),
        ..WELL_BEHAVED
    };
    let house = Harness::new(&[("users", slow, &[])]);
    house.supervisor.start(["users"]).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    frozen(Duration::from_secs(600)).await;
    let asked = house.request("users", Command::Start).await;
    assert!(matches!(asked, Outcome::Done(_)), "{asked:?}");
    assert_eq!(house.ledger.lock().expect("ledger").spawns.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_time_given_back_is_given_once() {
    let mute = ProcessBehavior {
        ready_after: None,
        ..WELL_BEHAVED
    };
    let house = Harness::new(&[("users", mute, &[])]);
    house.supervisor.start(["users"]).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    frozen(Duration::from_secs(600)).await;
    let thawed = Instant::now();
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert_eq!(house.phase("users"), Phase::Starting);
    let asked = house.request("users", Command::Start).await;
    assert!(matches!(asked, Outcome::Failed(_)), "{asked:?}");
    assert!(thawed.elapsed() < TIMING.start_timeout + Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_stop_keeps_its_grace_when_fulcrum_was_frozen() {
    let stubborn = ProcessBehavior {
        heeds_term: false,
        ..WELL_BEHAVED
    };
    let house = Harness::new(&[("users", stubborn, &[])]);
    house.request("users", Command::Start).await;
    let handle = house.supervisor.domain("users").expect("known").clone();
    let ticket = handle.request(Command::Stop).await.expect("taken");
    tokio::time::sleep(Duration::from_secs(1)).await;
    frozen(Duration::from_secs(60)).await;
    let thawed = Instant::now();
    assert!(matches!(ticket.outcome().await, Outcome::Done(_)));
    let ledger = house.ledger.lock().expect("ledger");
    let killed = ledger.signals[1].2;
    assert_eq!(killed - thawed, TIMING.stop_grace);
}
