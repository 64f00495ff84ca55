//! The supervisor: every domain's driver, and what concerns them all.

use std::collections::BTreeMap;

use tokio::sync::{mpsc, watch};

use super::driver::{Driver, Work};
use super::snapshot::{Snapshot, Transition};
use super::{Backend, Condition, Gate, Handle};
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
    pub(super) handles: BTreeMap<String, Handle>,
    /// Start order: a wave needs only domains of earlier ones.
    pub(super) waves: Vec<Vec<String>>,
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
                    grace: setup.timing.stop_grace,
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
