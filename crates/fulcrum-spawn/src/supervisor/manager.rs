//! The owner of the domain set: adds, updates and removes domains.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::backend::Backend;
use super::condition::Condition;
use super::domain_set::{DomainSet, Supervisor};
use super::driver::{Driver, Pending};
use super::gate::{DriverParams, WaitView};
use super::handle::DomainHandle;
use super::messages::DriverUpdate;
use super::snapshot::{Snapshot, Transition};
use crate::lifecycle::{Machine, Phase, RestartPolicy, Timing};

/// A domain to supervise.
pub struct DomainSpec<B> {
    /// Its name, unique within the set.
    pub name: String,
    /// What it depends on. Unknown names are ignored.
    pub dependencies: BTreeMap<String, Condition>,
    /// The lengths of its timers.
    pub timing: Timing,
    /// Whether and when it is restarted.
    pub policy: Box<dyn RestartPolicy + Send>,
    /// How its processes are started.
    pub backend: B,
}

/// New parameters of a supervised domain. The current generation continues; only a start that waits
/// for dependencies uses the new ones at once. The restart policy keeps its state.
pub struct DomainUpdate<B> {
    /// What it depends on. Unknown names are ignored.
    pub dependencies: BTreeMap<String, Condition>,
    /// The lengths of its timers. Running timers keep theirs.
    pub timing: Timing,
    /// How its next processes are started.
    pub backend: B,
}

/// The owner of the domain set. There is one, and it is not shared: changes are made one after
/// another.
pub struct DomainManager<B: Backend> {
    domains: watch::Sender<Arc<DomainSet>>,
    updates: BTreeMap<String, mpsc::UnboundedSender<Box<DriverUpdate<B>>>>,
    /// The last generation of each removed domain: numbers are never reused.
    last_generations: BTreeMap<String, u64>,
    transitions: mpsc::UnboundedSender<Transition>,
    /// When the first domains were added.
    epoch: Option<Instant>,
}

impl<B: Backend> DomainManager<B> {
    /// An empty set. Transitions of its domains are sent to `transitions`.
    #[must_use]
    pub fn new(transitions: mpsc::UnboundedSender<Transition>) -> Self {
        Self {
            domains: watch::Sender::new(Arc::default()),
            updates: BTreeMap::new(),
            last_generations: BTreeMap::new(),
            transitions,
            epoch: None,
        }
    }

    /// A view of the set.
    #[must_use]
    pub fn supervisor(&self) -> Supervisor {
        Supervisor {
            view: self.domains.subscribe(),
        }
    }

    /// Adds domains without starting them. Must be called on a tokio runtime. Returns the names
    /// that were not added, because a domain of that name still has a driver: it was removed and
    /// could not be killed.
    pub fn add(&mut self, specs: Vec<DomainSpec<B>>) -> Vec<String> {
        self.drop_finished();
        let epoch = *self.epoch.get_or_insert_with(Instant::now);
        let mut domains = self.current();
        let (existing, specs): (Vec<_>, Vec<_>) = specs
            .into_iter()
            .partition(|spec| domains.handles.contains_key(&spec.name));
        let mut views: BTreeMap<String, WaitView> = domains
            .handles
            .iter()
            .map(|(name, handle)| (name.clone(), handle.wait_view()))
            .collect();
        let machines: Vec<_> = specs
            .into_iter()
            .map(|spec| {
                let last = self
                    .last_generations
                    .get(&spec.name)
                    .copied()
                    .unwrap_or_default();
                let machine = Machine::resume_from(last, spec.timing);
                let (snapshots, view) = watch::channel(initial_snapshot(&machine));
                let params = watch::Sender::new(DriverParams::new(spec.timing));
                let view = WaitView {
                    snapshots: view,
                    params: params.subscribe(),
                };
                views.insert(spec.name.clone(), view);
                (spec, machine, snapshots, params)
            })
            .collect();
        for (spec, machine, snapshots, params_sender) in machines {
            params_sender.send_replace(params(&spec.dependencies, spec.timing, &views));
            let params = params_sender;
            let (requests, inbox) = mpsc::unbounded_channel();
            let (updates, update_inbox) = mpsc::unbounded_channel();
            let facts = mpsc::unbounded_channel();
            let handle = DomainHandle {
                name: spec.name.clone(),
                requests,
                facts: facts.0.clone(),
                snapshots: snapshots.subscribe(),
                params: params.subscribe(),
            };
            domains.handles.insert(spec.name.clone(), handle);
            self.updates.insert(spec.name.clone(), updates);
            let driver = Driver {
                name: spec.name,
                machine,
                policy: spec.policy,
                backend: spec.backend,
                params,
                updates: update_inbox,
                requests: inbox,
                facts,
                snapshots,
                transitions: self.transitions.clone(),
                epoch,
                work: Pending::default(),
            };
            tokio::spawn(driver.run());
        }
        self.domains.send_replace(Arc::new(domains));
        existing.into_iter().map(|spec| spec.name).collect()
    }

    /// Changes the parameters of a domain. Requests made from now on find the new ones.
    pub fn update(&mut self, name: &str, update: DomainUpdate<B>) {
        let domains = self.current();
        let views = domains
            .handles
            .iter()
            .map(|(name, handle)| (name.clone(), handle.wait_view()))
            .collect();
        if let Some(updates) = self.updates.get(name) {
            // The driver may have ended.
            let _ = updates.send(Box::new(DriverUpdate::Update {
                params: params(&update.dependencies, update.timing, &views),
                timing: update.timing,
                backend: update.backend,
            }));
        }
    }

    /// Sets the start order: each wave depends only on earlier ones.
    pub fn set_start_order(&mut self, waves: Vec<Vec<String>>) {
        let mut domains = self.current();
        domains.waves = waves;
        self.domains.send_replace(Arc::new(domains));
    }

    /// Stops domains, dependents first, and removes them. From the call on they cannot be started.
    /// Returns the names of those that could not be killed; they remain in the set until they are
    /// gone.
    pub async fn remove(&mut self, names: &[String]) -> Vec<String> {
        let domains = self.current();
        let mut waves: Vec<Vec<&DomainHandle>> = domains
            .waves
            .iter()
            .rev()
            .map(|wave| wave.iter().filter(|name| names.contains(name)))
            .map(|wave| wave.filter_map(|name| domains.handles.get(name)).collect())
            .collect();
        // No other domain depends on one that is in no wave.
        let unordered = names
            .iter()
            .filter(|name| !domains.waves.iter().flatten().any(|other| other == *name));
        waves.push(
            unordered
                .filter_map(|name| domains.handles.get(name))
                .collect(),
        );
        let mut left = Vec::new();
        for wave in waves {
            let mut exits = JoinSet::new();
            for handle in wave {
                if let Some(updates) = self.updates.get(&handle.name) {
                    let _ = updates.send(Box::new(DriverUpdate::Remove));
                }
                exits.spawn(wait_until_gone(handle.clone()));
            }
            for (name, end) in exits.join_all().await {
                match end {
                    Ok(generation) => self.remove_entry(&name, generation),
                    Err(StillRunning) => left.push(name),
                }
            }
        }
        left.sort();
        left
    }

    /// Removes the domains that could not be killed by [`DomainManager::remove`] and are gone by
    /// now.
    pub fn drop_finished(&mut self) {
        let domains = self.current();
        let wait_until_gone = domains
            .handles
            .values()
            .filter(|handle| handle.requests.is_closed());
        for handle in wait_until_gone {
            self.remove_entry(&handle.name, handle.snapshot().generation);
        }
    }

    /// Whether there is a domain of that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.updates.contains_key(name)
    }

    fn remove_entry(&mut self, name: &str, generation: u64) {
        let mut domains = self.current();
        domains.handles.remove(name);
        for wave in &mut domains.waves {
            wave.retain(|other| other != name);
        }
        self.domains.send_replace(Arc::new(domains));
        self.updates.remove(name);
        self.last_generations.insert(name.to_owned(), generation);
    }

    fn current(&self) -> DomainSet {
        DomainSet::clone(&self.domains.borrow())
    }
}

/// A process that cannot be killed.
struct StillRunning;

/// Waits until a removed driver ends, and returns its last generation.
async fn wait_until_gone(handle: DomainHandle) -> (String, Result<u64, StillRunning>) {
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

fn params(
    dependencies: &BTreeMap<String, Condition>,
    timing: Timing,
    views: &BTreeMap<String, WaitView>,
) -> DriverParams {
    let mut params = DriverParams::new(timing);
    for (name, condition) in dependencies {
        if let Some(view) = views.get(name) {
            params.gate.add(name, *condition, view.clone());
        }
    }
    params
}

fn initial_snapshot(machine: &Machine) -> Snapshot {
    Snapshot {
        phase: machine.phase(),
        goal: machine.goal(),
        ready: machine.ready(),
        generation: machine.generation(),
        pid: None,
        restarts: 0,
        spawned_at: None,
        ready_after: None,
        completed: None,
        blocked: false,
        last_exit: None,
        reason: machine.reason().to_owned(),
        retry_at: None,
    }
}
