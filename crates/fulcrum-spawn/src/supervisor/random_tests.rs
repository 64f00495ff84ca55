//! Many domains, random habits, random commands, late and stale news, under paused time.
//!
//! Each case builds an acyclic set of domains over a fake world, lets it live through a random
//! story, ends it, and checks what must hold of every story.

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
    stop_grace: Duration::from_secs(1),
    kill_wait: Duration::from_secs(1),
};
/// Longer than any life, stop or backoff of a story takes.
const LONG: Duration = Duration::from_secs(3600);

/// How one life goes; milliseconds.
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
    /// What it reports out of turn.
    noise: Option<(u64, StrayFact)>,
}

#[derive(Debug, Clone, Copy)]
enum StrayFact {
    Started,
    NotReady,
    Unhealthy,
    Refused,
    Recycle,
    /// News of the life before, come late.
    Stale,
}

fn habit() -> impl Strategy<Value = ProcessBehavior> {
    let noise = prop_oneof![
        Just(StrayFact::Started),
        Just(StrayFact::NotReady),
        Just(StrayFact::Unhealthy),
        Just(StrayFact::Refused),
        Just(StrayFact::Recycle),
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
            |(prepare, prepares, spawns, ready, ends, heeds_term, rest, noise)| ProcessBehavior {
                prepare,
                prepares,
                spawns,
                ready,
                ends,
                handles_sigterm: heeds_term,
                rest,
                noise,
            },
        )
}

/// What is done to a domain.
#[derive(Debug, Clone)]
enum Operation {
    Ask(Command),
    /// What it is started from has changed.
    Renew,
    /// It needs these earlier ones from now on.
    Revise(u8),
    /// It is removed, and added again.
    Replace,
}

/// Wait so many milliseconds, then do this to that domain.
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
    habits: Vec<ProcessBehavior>,
    lives: usize,
    ledger: Shared,
}

impl Fake {
    fn habit(&self) -> ProcessBehavior {
        self.habits[self.lives % self.habits.len()].clone()
    }
}

struct FakeGroup {
    handles_sigterm: bool,
    gone: Mutex<bool>,
    ledger: Shared,
    end: mpsc::UnboundedSender<i32>,
}

impl ProcessGroup for FakeGroup {
    fn pid(&self) -> u32 {
        4242
    }

    fn signal(&self, signal: StopSignal) {
        if *self.gone.lock().expect("flag") {
            let mut ledger = self.ledger.lock().expect("ledger");
            ledger
                .broken
                .push(format!("{signal:?} after the group's end"));
        }
        let number = match signal {
            StopSignal::Kill => 9,
            StopSignal::Terminate if self.handles_sigterm => 15,
            StopSignal::Terminate => return,
        };
        let _ = self.end.send(number);
    }
}

impl Backend for Fake {
    type LaunchPlan = ();

    fn prepare(&mut self, _: u64) -> impl Future<Output = Result<(), StartError>> + Send + 'static {
        let habit = self.habit();
        if !habit.prepares {
            self.lives += 1;
        }
        async move {
            sleep(Duration::from_millis(habit.prepare)).await;
            match habit.prepares {
                true => Ok(()),
                false => Err(StartError::transient("the registry doesn't answer")),
            }
        }
    }

    async fn spawn(
        &mut self,
        (): (),
        news: FactSender,
    ) -> Result<Arc<dyn ProcessGroup>, StartError> {
        let habit = self.habit();
        self.lives += 1;
        if !habit.spawns {
            return Err(StartError::transient("EAGAIN"));
        }
        let (domain, generation) = (self.domain, news.generation());
        self.ledger
            .lock()
            .expect("ledger")
            .spawn(domain, generation);
        let (end, mut ends) = mpsc::unbounded_channel();
        let group = Arc::new(FakeGroup {
            handles_sigterm: habit.handles_sigterm,
            gone: Mutex::new(false),
            ledger: Arc::clone(&self.ledger),
            end,
        });
        let (own, ledger) = (Arc::clone(&group), Arc::clone(&self.ledger));
        tokio::spawn(async move {
            let talk = async {
                let begun = Instant::now();
                let mut words: Vec<(u64, Option<StrayFact>)> = Vec::new();
                words.extend(habit.ready.map(|at| (at, None)));
                words.extend(habit.noise.map(|(at, noise)| (at, Some(noise))));
                words.sort_by_key(|(at, _)| *at);
                for (at, noise) in words {
                    tokio::time::sleep_until(begun + Duration::from_millis(at)).await;
                    speak(&news, noise);
                }
                std::future::pending::<()>().await;
            };
            let natural = async {
                match habit.ends {
                    Some(after) => sleep(Duration::from_millis(after)).await,
                    None => std::future::pending().await,
                }
            };
            let report = tokio::select! {
                () = talk => unreachable!("never ends"),
                () = natural => ExitReport { code: Some(1), signal: None },
                Some(signal) = ends.recv() => ExitReport { code: None, signal: Some(signal) },
            };
            news.report(Fact::Exited(report));
            sleep(Duration::from_millis(habit.rest)).await;
            ledger
                .lock()
                .expect("ledger")
                .alive
                .retain(|alive| *alive != (domain, generation));
            news.report(Fact::GroupEmpty);
            // The driver takes the news a moment later; a signal until then goes to nobody.
            sleep(Duration::from_millis(1)).await;
            *own.gone.lock().expect("flag") = true;
        });
        Ok(group)
    }
}

fn speak(news: &FactSender, noise: Option<StrayFact>) {
    let fact = match noise {
        None => Fact::Ready,
        Some(StrayFact::Started) => Fact::Started,
        Some(StrayFact::NotReady) => Fact::NotReady("its stream ended".into()),
        Some(StrayFact::Unhealthy) => Fact::Unhealthy("hung".into()),
        Some(StrayFact::Refused) => Fact::Rejected(StartError::permanent("wrong name")),
        Some(StrayFact::Recycle) => Fact::GroupRestart("another failed".into()),
        Some(StrayFact::Stale) => return news.of_the_life_before(Fact::GroupEmpty),
    };
    news.report(fact);
}

impl FactSender {
    fn of_the_life_before(&self, fact: Fact) {
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

/// Only earlier ones, so that it is no cycle.
fn needs(at: usize, needs: u8) -> BTreeMap<String, Condition> {
    (0..at.min(8))
        .filter(|other| needs & (1 << other) != 0)
        .map(|other| (name(other), Condition::Ready))
        .collect()
}

fn setup(
    at: usize,
    (habits, wanted): &(Vec<ProcessBehavior>, u8),
    ledger: &Shared,
) -> DomainSpec<Fake> {
    DomainSpec {
        name: name(at),
        dependencies: needs(at, *wanted),
        timing: TIMING,
        policy: Box::new(LimitedRestarts(0)),
        backend: Fake {
            domain: at,
            habits: habits.clone(),
            lives: 0,
            ledger: Arc::clone(ledger),
        },
    }
}

fn supervise(domains: &[(Vec<ProcessBehavior>, u8)], ledger: &Shared) -> DomainManager<Fake> {
    let all = domains.iter().enumerate();
    let (transitions, _) = mpsc::unbounded_channel();
    let mut keeper = DomainManager::new(transitions);
    keeper.add(all.map(|(at, domain)| setup(at, domain, ledger)).collect());
    keeper.set_start_order((0..domains.len()).map(|at| vec![name(at)]).collect());
    keeper
}

async fn live(domains: &[(Vec<ProcessBehavior>, u8)], story: &[Step]) -> Result<(), String> {
    let ledger = Shared::default();
    let mut keeper = supervise(domains, &ledger);
    let supervisor = keeper.supervisor();
    for handle in supervisor.domains() {
        let _ = handle.request(Command::Start).await;
    }
    let mut tickets = Vec::new();
    for (wait, whom, deed) in story {
        sleep(Duration::from_millis(*wait)).await;
        let at = whom % domains.len();
        let handle = supervisor.domain(&name(at)).ok_or("an unknown domain")?;
        let asked = match deed {
            Operation::Ask(command) => handle.request(*command).await,
            Operation::Renew => handle.reload("it has changed").await,
            Operation::Revise(wanted) => {
                let setup = setup(at, &domains[at], &ledger);
                let revision = DomainUpdate {
                    dependencies: needs(at, *wanted),
                    timing: setup.timing,
                    backend: setup.backend,
                };
                keeper.update(&name(at), revision);
                continue;
            }
            Operation::Replace => {
                let left = timeout(LONG, keeper.remove(&[name(at)]))
                    .await
                    .map_err(|_| "a removal hangs")?;
                if left.is_empty() {
                    keeper.add(vec![setup(at, &domains[at], &ledger)]);
                    keeper.set_start_order((0..domains.len()).map(|at| vec![name(at)]).collect());
                }
                continue;
            }
        };
        tickets.extend(asked.ok());
    }
    let begun = Instant::now();
    let left = timeout(LONG, supervisor.shutdown())
        .await
        .map_err(|_| "the shutdown hangs")?;
    let bound = (TIMING.stop_grace + TIMING.kill_wait) * u32::try_from(domains.len()).unwrap_or(1);
    if begun.elapsed() > bound {
        return Err(format!("the shutdown took {:?}", begun.elapsed()));
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
    let ledger = ledger.lock().expect("ledger");
    if !ledger.alive.is_empty() {
        return Err(format!("alive after the end: {:?}", ledger.alive));
    }
    ledger
        .broken
        .first()
        .map_or(Ok(()), |broken| Err(broken.clone()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_story_breaks_a_promise(
        domains in prop::collection::vec((prop::collection::vec(habit(), 1..4), any::<u8>()), 1..7),
        story in prop::collection::vec(step(), 0..25),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let outcome = runtime.block_on(live(&domains, &story));
        prop_assert!(outcome.is_ok(), "{outcome:?}");
    }
}
