//! Waits until it turns out that a waiting domain cannot start.

use std::collections::BTreeSet;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::blocker::Blocker;
use super::gate::WaitView;
use crate::lifecycle::Phase;

/// How long a dependency must be stopped or failed until a wait for it counts as hopeless: requests
/// to several domains do not reach them at the same moment.
const CONFIRMATION: Duration = Duration::from_millis(200);

type Change = Pin<Box<dyn Future<Output = ()> + Send>>;

impl WaitView {
    /// What is in the way of its start; empty unless it waits, or has failed for a dependency.
    pub(super) fn blockers(&self) -> Vec<Blocker> {
        let waits = {
            let now = self.snapshots.borrow();
            now.phase == Phase::Waiting || now.blocked
        };
        match waits {
            true => self.params.borrow().gate.blockers(),
            false => Vec::new(),
        }
    }

    /// Waits until the domain waits for something that does not come without a command or a
    /// change, and returns what that is. Cancel safe.
    pub(super) async fn wait_until_blocked(&self) -> Vec<Blocker> {
        self.wait_for_blockers(|blocker| blocker.is_final).await
    }

    /// Waits until a job that the domain needs, directly or not, has failed, and returns those that
    /// have. Cancel safe.
    pub(super) async fn wait_until_job_failed(&self) -> Vec<Blocker> {
        self.wait_for_blockers(|blocker| blocker.is_failed_job)
            .await
    }

    /// Waits until no job that the domain needs, directly or not, is in phase failed. Cancel safe.
    pub(super) async fn wait_until_job_recovered(&self) {
        loop {
            let changed = self.watch();
            let blockers = self.params.borrow().gate.blockers();
            if !blockers.iter().any(|blocker| blocker.is_failed_job) {
                return;
            }
            changed.await;
        }
    }

    async fn wait_for_blockers(&self, is_selected: fn(&Blocker) -> bool) -> Vec<Blocker> {
        let mut since = None;
        loop {
            let changed = self.watch();
            let mut blockers = self.blockers();
            blockers.retain(is_selected);
            if blockers.is_empty() {
                since = None;
                changed.await;
                continue;
            }
            let confirmed = *since.get_or_insert_with(Instant::now) + CONFIRMATION;
            if Instant::now() >= confirmed {
                return blockers;
            }
            // Whether or not it changes, the blockers are looked at again.
            let _ = timeout_at(confirmed, changed).await;
        }
    }

    /// Completes at the next change of its state or that of a dependency, direct or not.
    fn watch(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut changes: Vec<Change> = Vec::new();
        changes.push(next_change(self.snapshots.clone()));
        changes.push(next_change(self.params.clone()));
        let mut seen = BTreeSet::new();
        self.params.borrow().gate.visit(&mut seen, &mut |view| {
            changes.push(next_change(view.snapshots.clone()));
            changes.push(next_change(view.params.clone()));
        });
        poll_fn(move |context| {
            let mut polled = changes.iter_mut();
            match polled.any(|change| change.as_mut().poll(context).is_ready()) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
    }
}

/// Completes when a value changes after this call; never once it cannot change any more.
fn next_change<T: Send + Sync + 'static>(mut receiver: watch::Receiver<T>) -> Change {
    receiver.mark_unchanged();
    Box::pin(async move {
        if receiver.changed().await.is_err() {
            pending::<()>().await;
        }
    })
}
