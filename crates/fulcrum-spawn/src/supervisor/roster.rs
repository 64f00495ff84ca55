//! The supervisor: every domain's driver, and what concerns them all.

use std::collections::BTreeMap;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::driver::{Driver, Work};
use super::snapshot::{Snapshot, Transition};
use super::{Backend, Condition, Gate, Handle, Outcome};
use crate::lifecycle::{Command, Machine, RestartPolicy, Timing};

/// One domain to be supervised.
pub struct DomainSetup<B> {
    /// Its name, unique among them.
    pub name: String,
    /// What it depends on; unknown names are ignored.
    pub needs: BTreeMap<String, Condition>,
    /// The lengths of its timers.
    pub timing: Timing,
    /// Whether and when it starts again.
    pub policy: Box<dyn RestartPolicy + Send>,
    /// How its lives are started.
    pub backend: B,
}

/// Holds all domains.
#[derive(Debug, Clone)]
pub struct Supervisor {
    handles: BTreeMap<String, Handle>,
    /// Start order: a wave needs only domains of earlier ones.
    waves: Vec<Vec<String>>,
}

impl Supervisor {
    /// Takes domains under supervision; none is started yet. `waves` is their start order, in
    /// which each wave depends only on earlier ones. Must be called in a tokio runtime.
    #[must_use]
    pub fn new<B: Backend>(
        domains: Vec<DomainSetup<B>>,
        waves: Vec<Vec<String>>,
        transitions: &mpsc::UnboundedSender<Transition>,
    ) -> Self {
        let mut views = BTreeMap::new();
        let machines: Vec<_> = domains
            .into_iter()
            .map(|setup| {
                let machine = Machine::new(setup.timing);
                let (snapshots, view) = watch::channel(first(&machine));
                views.insert(setup.name.clone(), view);
                (setup, machine, snapshots)
            })
            .collect();
        let mut handles = BTreeMap::new();
        for (setup, machine, snapshots) in machines {
            let mut gate = Gate::default();
            for (name, condition) in &setup.needs {
                if let Some(view) = views.get(name) {
                    gate.need(name, *condition, view.clone());
                }
            }
            let (orders, inbox) = mpsc::unbounded_channel();
            let facts = mpsc::unbounded_channel();
            handles.insert(
                setup.name.clone(),
                Handle {
                    name: setup.name.clone(),
                    orders,
                    facts: facts.0.clone(),
                    snapshots: snapshots.subscribe(),
                    gate: gate.clone(),
                },
            );
            let driver = Driver {
                name: setup.name,
                machine,
                policy: setup.policy,
                backend: setup.backend,
                gate,
                orders: inbox,
                facts,
                snapshots,
                transitions: transitions.clone(),
                work: Work::default(),
            };
            tokio::spawn(driver.run());
        }
        Self { handles, waves }
    }

    /// One domain.
    #[must_use]
    pub fn domain(&self, name: &str) -> Option<&Handle> {
        self.handles.get(name)
    }

    /// Every domain, by name.
    pub fn domains(&self) -> impl Iterator<Item = &Handle> {
        self.handles.values()
    }

    /// Asks domains to start, all at once: each waits for what it depends on by itself.
    pub async fn start<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            if let Some(handle) = self.handles.get(name) {
                let _ = handle.request(Command::Start).await;
            }
        }
    }

    /// Stops every domain, wave by wave in reverse start order, each wave at once. Returns the
    /// names of those that could not be ended.
    pub async fn shutdown(&self) -> Vec<String> {
        // Nothing that still waits for its turn may start while its dependencies go away.
        for handle in self.handles.values() {
            if !handle.snapshots.borrow().phase.has_process() {
                let _ = handle.request(Command::Stop).await;
            }
        }
        let mut left = Vec::new();
        for wave in self.waves.iter().rev() {
            left.extend(self.end(wave, Command::Stop).await);
        }
        left
    }

    /// Ends every domain at once with SIGKILL. Returns the names of those that survived it.
    pub async fn kill(&self) -> Vec<String> {
        let names: Vec<String> = self.handles.keys().cloned().collect();
        self.end(&names, Command::Kill).await
    }

    async fn end(&self, names: &[String], command: Command) -> Vec<String> {
        let mut ends = JoinSet::new();
        for handle in names
            .iter()
            .filter_map(|name| self.handles.get(name))
            .cloned()
        {
            ends.spawn(async move {
                let ended = match handle.request(command).await {
                    Ok(ticket) => !matches!(ticket.outcome().await, Outcome::Failed(_)),
                    Err(_) => false,
                };
                (handle.name, ended)
            });
        }
        let ended = ends.join_all().await;
        ended
            .into_iter()
            .filter(|(_, ended)| !ended)
            .map(|(name, _)| name)
            .collect()
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
