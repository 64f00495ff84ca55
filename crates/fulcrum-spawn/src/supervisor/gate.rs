//! The gate in front of a start: the dependencies that must be there first.

use tokio::sync::watch;

use super::snapshot::Snapshot;
use crate::lifecycle::Phase;

/// What a dependency must have come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It may take work.
    Ready,
    /// Its process is there.
    Started,
    /// It has run and ended with exit code 0.
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
    dependency: watch::Receiver<Snapshot>,
}

/// All that one domain depends on.
#[derive(Debug, Clone, Default)]
pub struct DependencyGate {
    needs: Vec<Dependency>,
}

impl DependencyGate {
    pub(super) fn need(
        &mut self,
        name: &str,
        condition: Condition,
        dependency: watch::Receiver<Snapshot>,
    ) {
        self.needs.push(Dependency {
            name: name.to_owned(),
            condition,
            dependency,
        });
    }

    /// What it waits for now, in words; none when it is open.
    #[must_use]
    pub fn blocked_by(&self) -> Option<String> {
        let missing: Vec<String> = self
            .needs
            .iter()
            .filter_map(|need| {
                let dependency = need.dependency.borrow();
                (!need.condition.holds(&dependency))
                    .then(|| format!("{} ({})", need.name, dependency.phase))
            })
            .collect();
        (!missing.is_empty()).then(|| format!("waiting for {}", missing.join(", ")))
    }

    /// Waits until every dependency is as wanted at the same moment. Safe to cancel.
    pub(super) async fn wait_until_open(mut self) {
        'all: loop {
            for need in &mut self.needs {
                if !need.condition.holds(&need.dependency.borrow_and_update()) {
                    // A dependency whose driver is gone will never come.
                    if need.dependency.changed().await.is_err() {
                        return std::future::pending().await;
                    }
                    continue 'all;
                }
            }
            return;
        }
    }
}
