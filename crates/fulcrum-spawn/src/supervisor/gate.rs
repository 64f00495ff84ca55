//! Dependencies that a start waits for.

use tokio::sync::watch;

use super::snapshot::Snapshot;
use crate::lifecycle::Phase;

/// The state that a dependency must reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It is ready.
    Ready,
    /// Its process runs.
    Started,
    /// It ran and exited with code 0.
    Exited,
}

impl Condition {
    fn holds(self, dependency: &Snapshot) -> bool {
        match self {
            Self::Ready => dependency.phase == Phase::Running && dependency.ready,
            Self::Started => matches!(dependency.phase, Phase::Starting | Phase::Running),
            Self::Exited => {
                dependency.phase == Phase::Stopped
                    && dependency
                        .last_exit
                        .as_ref()
                        .is_some_and(|end| end.report.code == Some(0))
            }
        }
    }
}

#[derive(Debug, Clone)]
struct Dependency {
    name: String,
    condition: Condition,
    snapshots: watch::Receiver<Snapshot>,
}

/// The dependencies of one domain.
#[derive(Debug, Clone, Default)]
pub(super) struct DependencyGate {
    dependencies: Vec<Dependency>,
}

impl DependencyGate {
    pub(super) fn add(
        &mut self,
        name: &str,
        condition: Condition,
        snapshots: watch::Receiver<Snapshot>,
    ) {
        self.dependencies.push(Dependency {
            name: name.to_owned(),
            condition,
            snapshots,
        });
    }

    /// The names of the dependencies.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.dependencies.iter().map(|one| one.name.as_str())
    }

    /// The missing dependencies as text; `None` when there is none.
    #[must_use]
    pub(super) fn blocked_by(&self) -> Option<String> {
        let missing: Vec<String> = self
            .dependencies
            .iter()
            .filter_map(|dependency| {
                let snapshot = dependency.snapshots.borrow();
                (!dependency.condition.holds(&snapshot))
                    .then(|| format!("{} ({})", dependency.name, snapshot.phase))
            })
            .collect();
        (!missing.is_empty()).then(|| format!("waiting for {}", missing.join(", ")))
    }

    /// Waits until every dependency is in its required state at the same moment. Cancel safe.
    pub(super) async fn wait_until_open(mut self) {
        'all: loop {
            for dependency in &mut self.dependencies {
                if !dependency
                    .condition
                    .holds(&dependency.snapshots.borrow_and_update())
                {
                    // The driver of the dependency has ended: its state can no longer change.
                    if dependency.snapshots.changed().await.is_err() {
                        return std::future::pending().await;
                    }
                    continue 'all;
                }
            }
            return;
        }
    }
}
