//! The order of stops and starts in a change that concerns several domains.
//!
//! A domain is stopped when those that depend on it are gone, and starts when those that it depends
//! on have been replaced. The order lives in the requests: each has a [`Turn`], and its driver waits
//! for it. So a later request to the same domain supersedes it like any other.

use tokio::sync::watch;

use super::snapshot::Snapshot;
use crate::lifecycle::{Goal, Phase};

/// How far the request to one domain of a change has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Planned,
    Executed,
}

/// A domain's place in a change of several domains. Dropping it releases those that wait for it.
#[derive(Debug)]
pub struct Turn {
    pub(super) progress: watch::Sender<Progress>,
    pub(super) own: Place,
    pub(super) dependents: Vec<Place>,
    pub(super) dependencies: Vec<Place>,
}

/// A domain of a change, as others see it: it keeps its place after its [`Turn`] was used.
#[derive(Debug, Clone)]
pub struct Place {
    /// Closed while planned: its request was dropped or superseded.
    pub(super) progress: watch::Receiver<Progress>,
    pub(super) snapshots: watch::Receiver<Snapshot>,
    /// Its generation before the change.
    pub(super) generation: u64,
}

/// What the next start of a domain waits for, besides its dependencies.
#[derive(Debug, Clone, Default)]
pub(super) struct StartBarrier(pub(super) Vec<Place>);

impl Turn {
    /// Its own place, for a later change that must follow.
    #[must_use]
    pub fn place(&self) -> Place {
        self.own.clone()
    }

    /// Completes when no dependent of the same change has a process any more.
    pub(super) fn has_come(&self) -> impl Future<Output = ()> + Send + 'static {
        let dependents = self.dependents.clone();
        async move {
            for other in dependents {
                other.gone().await;
            }
        }
    }

    /// Records that the request is executed now.
    pub(super) fn execute(self) -> StartBarrier {
        self.progress.send_replace(Progress::Executed);
        StartBarrier(self.dependencies)
    }
}

impl StartBarrier {
    /// Adds what another change makes the start wait for.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Completes when each dependency of the same change has its next generation, or gets none.
    pub(super) async fn wait_until_open(self) {
        for other in self.0 {
            other.replaced().await;
        }
    }
}

impl Place {
    async fn gone(mut self) {
        let old = self.generation;
        if self.is_executed().await {
            // Its driver may have ended.
            let _ = self
                .snapshots
                .wait_for(|now| {
                    now.generation != old || !now.phase.has_process() || now.phase == Phase::Stuck
                })
                .await;
        }
    }

    async fn replaced(mut self) {
        let old = self.generation;
        if self.is_executed().await {
            let _ = self
                .snapshots
                .wait_for(|now| now.generation != old || now.goal == Goal::Down)
                .await;
        }
    }

    /// False if its request will never be executed.
    async fn is_executed(&mut self) -> bool {
        let executed = |progress: &Progress| *progress == Progress::Executed;
        self.progress.wait_for(executed).await.is_ok()
    }
}
