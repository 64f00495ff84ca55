//! The keeper: the one who says which domains there are, and what holds for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::backend::Backend;
use super::domain_set::{DomainSet, Supervisor};
use super::driver::{Driver, Pending};
use super::gate::{Condition, DependencyGate};
use super::handle::DomainHandle;
use super::messages::{DriverParams, DriverUpdate};
use super::snapshot::{Snapshot, Transition};
use crate::lifecycle::{Machine, Phase, RestartPolicy, Timing};

/// One domain to be supervised.
pub struct DomainSpec<B> {
    /// Its name, unique among them.
    pub name: String,
    /// What it depends on; unknown names are ignored.
    pub dependencies: BTreeMap<String, Condition>,
    /// The lengths of its timers.
    pub timing: Timing,
    /// Whether and when it starts again.
    pub policy: Box<dyn RestartPolicy + Send>,
    /// How its lives are started.
    pub backend: B,
}

/// What holds for a supervised domain from now on. Its present life goes on; only a start that is
/// being waited for heeds new dependencies at once. The restart policy keeps its memory.
pub struct DomainUpdate<B> {
    /// What it depends on; unknown names are ignored.
    pub dependencies: BTreeMap<String, Condition>,
    /// The lengths of its timers; those that run keep theirs.
    pub timing: Timing,
    /// How its next lives are started.
    pub backend: B,
}

/// Says which domains there are. There is one, and it isn't shared: changes come one after another.
pub struct DomainManager<B: Backend> {
    roster: watch::Sender<Arc<DomainSet>>,
    notices: BTreeMap<String, mpsc::UnboundedSender<DriverUpdate<B>>>,
    /// The last generation of each domain that was removed: numbers aren't used again.
    last_generations: BTreeMap<String, u64>,
    transitions: mpsc::UnboundedSender<Transition>,
}

impl<B: Backend> DomainManager<B> {
    /// One that has no domains yet. What happens to them is told to `transitions`.
    #[must_use]
    pub fn new(transitions: mpsc::UnboundedSender<Transition>) -> Self {
        Self {
            roster: watch::Sender::new(Arc::default()),
            notices: BTreeMap::new(),
            last_generations: BTreeMap::new(),
            transitions,
        }
    }

    /// What everybody else sees.
    #[must_use]
    pub fn supervisor(&self) -> Supervisor {
        Supervisor {
            view: self.roster.subscribe(),
        }
    }

    /// Takes domains under supervision; none is started yet. Must be called in a tokio runtime.
    /// Gives the names that it could not take, since a domain of that name still has a driver: one
    /// that was removed and could not be ended.
    pub fn add(&mut self, domains: Vec<DomainSpec<B>>) -> Vec<String> {
        self.drop_finished();
        let mut roster = self.roster();
        let (taken, domains): (Vec<_>, Vec<_>) = domains
            .into_iter()
            .partition(|setup| roster.handles.contains_key(&setup.name));
        let mut views: BTreeMap<String, watch::Receiver<Snapshot>> = roster
            .handles
            .iter()
            .map(|(name, handle)| (name.clone(), handle.subscribe()))
            .collect();
        let machines: Vec<_> = domains
            .into_iter()
            .map(|setup| {
                let past = self
                    .last_generations
                    .get(&setup.name)
                    .copied()
                    .unwrap_or_default();
                let machine = Machine::resume_from(past, setup.timing);
                let (snapshots, view) = watch::channel(first(&machine));
                views.insert(setup.name.clone(), view);
                (setup, machine, snapshots)
            })
            .collect();
        for (setup, machine, snapshots) in machines {
            let terms = terms(&setup.dependencies, setup.timing, &views);
            let (orders, inbox) = mpsc::unbounded_channel();
            let (notices, noticed) = mpsc::unbounded_channel();
            let facts = mpsc::unbounded_channel();
            let terms = watch::Sender::new(terms);
            let handle = DomainHandle {
                name: setup.name.clone(),
                orders,
                facts: facts.0.clone(),
                snapshots: snapshots.subscribe(),
                terms: terms.subscribe(),
            };
            roster.handles.insert(setup.name.clone(), handle);
            self.notices.insert(setup.name.clone(), notices);
            let driver = Driver {
                name: setup.name,
                machine,
                policy: setup.policy,
                backend: setup.backend,
                params: terms,
                notices: noticed,
                orders: inbox,
                facts,
                snapshots,
                transitions: self.transitions.clone(),
                work: Pending::default(),
            };
            tokio::spawn(driver.run());
        }
        self.roster.send_replace(Arc::new(roster));
        taken.into_iter().map(|setup| setup.name).collect()
    }

    /// Changes what holds for a domain. Requests that are made from now on find it so.
    pub fn update(&mut self, name: &str, revision: DomainUpdate<B>) {
        let roster = self.roster();
        let views = roster
            .handles
            .iter()
            .map(|(name, handle)| (name.clone(), handle.subscribe()))
            .collect();
        if let Some(notices) = self.notices.get(name) {
            // A driver that is gone has nothing to revise.
            let _ = notices.send(DriverUpdate::Update {
                terms: terms(&revision.dependencies, revision.timing, &views),
                timing: revision.timing,
                backend: revision.backend,
            });
        }
    }

    /// Sets the start order: each wave depends only on earlier ones.
    pub fn set_start_order(&mut self, waves: Vec<Vec<String>>) {
        let mut roster = self.roster();
        roster.waves = waves;
        self.roster.send_replace(Arc::new(roster));
    }

    /// Ends domains, dependents first, and forgets them. From the beginning on nobody can start
    /// them any more. Gives the names of those that could not be ended: they stay in sight until
    /// they are gone.
    pub async fn remove(&mut self, names: &[String]) -> Vec<String> {
        let roster = self.roster();
        let mut waves: Vec<Vec<&DomainHandle>> = roster
            .waves
            .iter()
            .rev()
            .map(|wave| wave.iter().filter(|name| names.contains(name)))
            .map(|wave| wave.filter_map(|name| roster.handles.get(name)).collect())
            .collect();
        // Whoever is in no wave has nobody that depends on it.
        let unordered = names
            .iter()
            .filter(|name| !roster.waves.iter().flatten().any(|other| other == *name));
        waves.push(
            unordered
                .filter_map(|name| roster.handles.get(name))
                .collect(),
        );
        let mut left = Vec::new();
        for wave in waves {
            let mut ends = JoinSet::new();
            for handle in wave {
                if let Some(notices) = self.notices.get(&handle.name) {
                    let _ = notices.send(DriverUpdate::Remove);
                }
                ends.spawn(gone(handle.clone()));
            }
            for (name, end) in ends.join_all().await {
                match end {
                    Ok(generation) => self.forget(&name, generation),
                    Err(StillRunning) => left.push(name),
                }
            }
        }
        left.sort();
        left
    }

    /// Forgets those that could not be ended when they were removed, and are gone by now.
    pub fn drop_finished(&mut self) {
        let roster = self.roster();
        let gone = roster
            .handles
            .values()
            .filter(|handle| handle.orders.is_closed());
        for handle in gone {
            self.forget(&handle.name, handle.snapshot().generation);
        }
    }

    /// Whether there is a domain of that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.notices.contains_key(name)
    }

    fn forget(&mut self, name: &str, generation: u64) {
        let mut roster = self.roster();
        roster.handles.remove(name);
        for wave in &mut roster.waves {
            wave.retain(|other| other != name);
        }
        self.roster.send_replace(Arc::new(roster));
        self.notices.remove(name);
        self.last_generations.insert(name.to_owned(), generation);
    }

    fn roster(&self) -> DomainSet {
        DomainSet::clone(&self.roster.borrow())
    }
}

/// A process that can't be ended.
struct StillRunning;

/// Waits for a retired driver's end, and gives the number of its last life.
async fn gone(handle: DomainHandle) -> (String, Result<u64, StillRunning>) {
    let mut view = handle.subscribe();
    loop {
        let (phase, generation) = {
            let now = view.borrow_and_update();
            (now.phase, now.generation)
        };
        if phase == Phase::Stuck {
            return (handle.name, Err(StillRunning));
        }
        if view.changed().await.is_err() {
            return (handle.name, Ok(generation));
        }
    }
}

fn terms(
    needs: &BTreeMap<String, Condition>,
    timing: Timing,
    views: &BTreeMap<String, watch::Receiver<Snapshot>>,
) -> DriverParams {
    let mut gate = DependencyGate::default();
    for (name, condition) in needs {
        if let Some(view) = views.get(name) {
            gate.need(name, *condition, view.clone());
        }
    }
    DriverParams {
        gate,
        grace: timing.stop_grace,
    }
}

fn first(machine: &Machine) -> Snapshot {
    Snapshot {
        phase: machine.phase(),
        goal: machine.goal(),
        ready: machine.ready(),
        generation: machine.generation(),
        pid: None,
        restarts: 0,
        spawned_at: None,
        ready_after: None,
        last_exit: None,
        reason: machine.reason().to_owned(),
        retry_at: None,
    }
}
