//! Many domains, random behavior, random commands, late and stale facts, under paused time.
//!
//! Each case builds an acyclic set of domains over fake processes, runs a random scenario, ends it,
//! and checks what must hold for every scenario.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::{
    Backend, Condition, DomainManager, DomainSpec, DomainUpdate, FactSender, ProcessGroup,
};
use crate::StartError;
use crate::lifecycle::{
    Command, ExitReport, Fact, GenerationEnd, Goal, Phase, RestartPolicy, StopSignal, Timing,
    Verdict,
};

const TIMING: Timing = Timing {
    start_timeout: Duration::from_secs(3),
    time_limit: None,
    stop_grace: Duration::from_secs(1),
    kill_wait: Duration::from_secs(1),
};
/// Longer than any process, stop or backoff of a scenario takes.
const LONG: Duration = Duration::from_secs(3600);

/// How one process behaves; times in milliseconds.
#[derive(Debug, Clone)]
struct ProcessBehavior {
    prepare: u64,
    prepares: bool,
    spawns: bool,
    ready: Option<u64>,
    ends: Option<u64>,
    handles_sigterm: bool,
    /// How long the rest of its group outlives the leader.
    rest: u64,
    /// Facts that it reports out of turn.
    noise: Option<(u64, StrayFact)>,
}

#[derive(Debug, Clone, Copy)]
enum StrayFact {
    Started,
    NotReady,
    Unhealthy,
    Rejected,
    GroupRestart,
    /// A late fact about the previous generation.
    Stale,
}

fn behavior() -> impl Strategy<Value = ProcessBehavior> {
    let noise = prop_oneof![
        Just(StrayFact::Started),
        Just(StrayFact::NotReady),
        Just(StrayFact::Unhealthy),
        Just(StrayFact::Rejected),
        Just(StrayFact::GroupRestart),
        Just(StrayFact::Stale),
    ];
    (
        0..300_u64,
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.9),
        prop::option::weighted(0.8, 0..4000_u64),
        prop::option::weighted(0.5, 0..5000_u64),
        any::<bool>(),
        0..500_u64,
        prop::option::weighted(0.5, (0..4000_u64, noise)),
    )
        .prop_map(
            |(prepare, prepares, spawns, ready, ends, handles_sigterm, rest, noise)| {
                ProcessBehavior {
                    prepare,
                    prepares,
                    spawns,
                    ready,
                    ends,
                    handles_sigterm,
                    rest,
                    noise,
                }
            },
        )
}

/// An operation on a domain.
#[derive(Debug, Clone)]
enum Operation {
    Ask(Command),
    /// What it is started from has changed.
    Renew,
    /// It depends on these earlier ones from now on.
    Revise(u8),
    /// It is removed, and added again.
    Replace,
}

/// Waits so many milliseconds, then performs the operation on that domain.
type Step = (u64, usize, Operation);

fn step() -> impl Strategy<Value = Step> {
    let deed = prop_oneof![
        2 => Just(Operation::Ask(Command::Start)),
        2 => Just(Operation::Ask(Command::Restart)),
        2 => Just(Operation::Ask(Command::Stop)),
        2 => Just(Operation::Ask(Command::Kill)),
        2 => Just(Operation::Renew),
        1 => any::<u8>().prop_map(Operation::Revise),
        1 => Just(Operation::Replace),
    ];
    (0..2500_u64, any::<usize>(), deed)
}

#[derive(Default)]
struct Recorder {
    /// Domain and generation of what is alive.
    alive: Vec<(usize, u64)>,
    spawned: Vec<(usize, u64)>,
    broken: Vec<String>,
}

impl Recorder {
    fn spawn(&mut self, domain: usize, generation: u64) {
        if let Some((_, other)) = self.alive.iter().find(|(alive, _)| *alive == domain) {
            self.broken.push(format!(
                "{domain}: generation {generation} beside generation {other}"
            ));
        }
        let last = self.spawned.iter().rfind(|(spawned, _)| *spawned == domain);
        if last.is_some_and(|(_, last)| *last >= generation) {
            self.broken
                .push(format!("{domain}: generation {generation} a second time"));
        }
        self.alive.push((domain, generation));
        self.spawned.push((domain, generation));
    }
}

type Shared = Arc<Mutex<Recorder>>;

struct Fake {
    domain: usize,
    behaviors: Vec<ProcessBehavior>,
    generations: usize,
    recorder: Shared,
}

impl Fake {
    fn behavior(&self) -> ProcessBehavior {
        self.behaviors[self.generations % self.behaviors.len()].clone()
    }
}

struct FakeGroup {
    handles_sigterm: bool,
    exited: Mutex<bool>,
    recorder: Shared,
    end: mpsc::UnboundedSender<i32>,
}

impl ProcessGroup for FakeGroup {
    fn pid(&self) -> u32 {
        4242
    }

    fn send(&self, _: rustix::process::Signal, _: bool) {}
    fn signal(&self, signal: StopSignal) {
        if *self.exited.lock().expect("flag") {
            let mut recorder = self.recorder.lock().expect("recorder");
            recorder
                .broken
                .push(format!("{signal:?} after the group's end"));
        }
        let number = match signal {
            StopSignal::Kill => 9,
            StopSignal::Terminate if self.handles_sigterm => 15,
            StopSignal::Terminate | StopSignal::TerminateRest => return,
        };
        let _ = self.end.send(number);
    }
}

impl Backend for Fake {
    type LaunchPlan = ();

    fn prepare(&mut self, _: u64) -> impl Future<Output = Result<(), StartError>> + Send + 'static {
        let behavior = self.behavior();
        if !behavior.prepares {
            self.generations += 1;
        }
        async move {
            sleep(Duration::from_millis(behavior.prepare)).await;
            match behavior.prepares {
                true => Ok(()),
                false => Err(StartError::transient("the registry does not respond")),
            }
        }
    }

    async fn spawn(
        &mut self,
        (): (),
        facts: FactSender,
    ) -> Result<Arc<dyn ProcessGroup>, StartError> {
        let behavior = self.behavior();
        self.generations += 1;
        if !behavior.spawns {
            return Err(StartError::transient("EAGAIN"));
        }
        let (domain, generation) = (self.domain, facts.generation());
        self.recorder
            .lock()
            .expect("recorder")
            .spawn(domain, generation);
        let (end, mut ends) = mpsc::unbounded_channel();
        let group = Arc::new(FakeGroup {
            handles_sigterm: behavior.handles_sigterm,
            exited: Mutex::new(false),
            recorder: Arc::clone(&self.recorder),
            end,
        });
        let (watched, recorder) = (Arc::clone(&group), Arc::clone(&self.recorder));
        tokio::spawn(async move {
            let reporting = async {
                let started_at = Instant::now();
                let mut schedule: Vec<(u64, Option<StrayFact>)> = Vec::new();
                schedule.extend(behavior.ready.map(|at| (at, None)));
                schedule.extend(behavior.noise.map(|(at, noise)| (at, Some(noise))));
                schedule.sort_by_key(|(at, _)| *at);
                for (at, noise) in schedule {
                    tokio::time::sleep_until(started_at + Duration::from_millis(at)).await;
                    report_facts(&facts, noise);
                }
                std::future::pending::<()>().await;
            };
            let natural = async {
                match behavior.ends {
                    Some(after) => sleep(Duration::from_millis(after)).await,
                    None => std::future::pending().await,
                }
            };
            let report = tokio::select! {
                () = reporting => unreachable!("never ends"),
                () = natural => ExitReport { code: Some(1), signal: None },
                Some(signal) = ends.recv() => ExitReport { code: None, signal: Some(signal) },
            };
            facts.report(Fact::Exited(report));
            sleep(Duration::from_millis(behavior.rest)).await;
            recorder
                .lock()
                .expect("recorder")
                .alive
                .retain(|alive| *alive != (domain, generation));
            facts.report(Fact::GroupEmpty);
            // The driver handles the facts a moment later; until then a signal reaches no process.
            sleep(Duration::from_millis(1)).await;
            *watched.exited.lock().expect("flag") = true;
        });
        Ok(group)
    }
}

fn report_facts(facts: &FactSender, noise: Option<StrayFact>) {
    let fact = match noise {
        None => Fact::Ready,
        Some(StrayFact::Started) => Fact::Started,
        Some(StrayFact::NotReady) => Fact::NotReady("its stream ended".into()),
        Some(StrayFact::Unhealthy) => Fact::Unhealthy("hung".into()),
        Some(StrayFact::Rejected) => Fact::Rejected(StartError::permanent("wrong name")),
        Some(StrayFact::GroupRestart) => Fact::GroupRestart("another failed".into()),
        Some(StrayFact::Stale) => return facts.previous_generation(Fact::GroupEmpty),
    };
    facts.report(fact);
}

impl FactSender {
    fn previous_generation(&self, fact: Fact) {
        let mut older = self.clone();
        older.generation = older.generation.saturating_sub(1);
        older.report(fact);
    }
}

/// Restarts a few times, then gives up.
struct LimitedRestarts(u32);

impl RestartPolicy for LimitedRestarts {
    fn decide(&mut self, _: &GenerationEnd, _: std::time::Instant) -> Verdict {
        self.0 += 1;
        match self.0 % 4 {
            0 => Verdict::GiveUp("crash loop".into()),
            1 => Verdict::Restart(Duration::ZERO),
            _ => Verdict::Restart(Duration::from_millis(300)),
        }
    }
    fn on_stable(&mut self) {
        self.0 = 0;
    }
    fn reset(&mut self) {
        self.0 = 0;
    }
    fn stable_after(&self) -> Duration {
        Duration::from_secs(2)
    }
}

fn name(at: usize) -> String {
    format!("d{at}")
}

/// Only earlier ones, so that there is no cycle.
fn dependencies(at: usize, dependencies: u8) -> BTreeMap<String, Condition> {
    (0..at.min(8))
        .filter(|other| dependencies & (1 << other) != 0)
        .map(|other| (name(other), Condition::Ready))
        .collect()
}

fn spec(
    at: usize,
    (behaviors, wanted): &(Vec<ProcessBehavior>, u8),
    recorder: &Shared,
) -> DomainSpec<Fake> {
    DomainSpec {
        name: name(at),
        dependencies: dependencies(at, *wanted),
        timing: TIMING,
        policy: Box::new(LimitedRestarts(0)),
        backend: Fake {
            domain: at,
            behaviors: behaviors.clone(),
            generations: 0,
            recorder: Arc::clone(recorder),
        },
    }
}

fn supervise(domains: &[(Vec<ProcessBehavior>, u8)], recorder: &Shared) -> DomainManager<Fake> {
    let all = domains.iter().enumerate();
    let (transitions, _) = mpsc::unbounded_channel();
    let mut manager = DomainManager::new(transitions);
    manager.add(all.map(|(at, domain)| spec(at, domain, recorder)).collect());
    manager.set_start_order((0..domains.len()).map(|at| vec![name(at)]).collect());
    manager
}

async fn run_scenario(
    domains: &[(Vec<ProcessBehavior>, u8)],
    scenario: &[Step],
) -> Result<(), String> {
    let recorder = Shared::default();
    let mut manager = supervise(domains, &recorder);
    let supervisor = manager.supervisor();
    for handle in supervisor.domains() {
        let _ = handle.request(Command::Start).await;
    }
    let mut tickets = Vec::new();
    for (wait, whom, deed) in scenario {
        sleep(Duration::from_millis(*wait)).await;
        let at = whom % domains.len();
        let handle = supervisor.domain(&name(at)).ok_or("an unknown domain")?;
        let response = match deed {
            Operation::Ask(command) => handle.request(*command).await,
            Operation::Renew => handle.reload("it has changed").await,
            Operation::Revise(wanted) => {
                let spec = spec(at, &domains[at], &recorder);
                let revision = DomainUpdate {
                    dependencies: dependencies(at, *wanted),
                    timing: spec.timing,
                    backend: spec.backend,
                };
                manager.update(&name(at), revision);
                continue;
            }
            Operation::Replace => {
                let left = timeout(LONG, manager.remove(&[name(at)]))
                    .await
                    .map_err(|_| "a removal hangs")?;
                if left.is_empty() {
                    manager.add(vec![spec(at, &domains[at], &recorder)]);
                    manager.set_start_order((0..domains.len()).map(|at| vec![name(at)]).collect());
                }
                continue;
            }
        };
        tickets.extend(response.ok());
    }
    let started_at = Instant::now();
    let left = timeout(LONG, supervisor.shutdown())
        .await
        .map_err(|_| "the shutdown hangs")?;
    let bound = (TIMING.stop_grace + TIMING.kill_wait) * u32::try_from(domains.len()).unwrap_or(1);
    if started_at.elapsed() > bound {
        return Err(format!("the shutdown took {:?}", started_at.elapsed()));
    }
    if !left.is_empty() {
        return Err(format!("not ended: {left:?}"));
    }
    for ticket in tickets {
        timeout(LONG, ticket.outcome())
            .await
            .map_err(|_| "a request was never answered")?;
    }
    sleep(LONG).await;
    for handle in supervisor.domains() {
        let now = handle.snapshot();
        if now.goal != Goal::Down || !matches!(now.phase, Phase::Stopped | Phase::Failed) {
            return Err(format!("{}: {} after the end", handle.name(), now.phase));
        }
    }
    let recorder = recorder.lock().expect("recorder");
    if !recorder.alive.is_empty() {
        return Err(format!("alive after the end: {:?}", recorder.alive));
    }
    recorder
        .broken
        .first()
        .map_or(Ok(()), |broken| Err(broken.clone()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_random_scenario_breaks_a_property(
        domains in prop::collection::vec((prop::collection::vec(behavior(), 1..4), any::<u8>()), 1..7),
        scenario in prop::collection::vec(step(), 0..25),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let outcome = runtime.block_on(run_scenario(&domains, &scenario));
        prop_assert!(outcome.is_ok(), "{outcome:?}");
    }
}
