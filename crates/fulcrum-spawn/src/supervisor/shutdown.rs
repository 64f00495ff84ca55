//! Stops all domains within a bounded time.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::domain_set::{DomainSet, Supervisor};
use super::handle::Outcome;
use crate::lifecycle::{Command, Phase};

/// The least grace of a domain whose turn comes late, because earlier ones used all the time.
const MIN_STOP_GRACE: Duration = Duration::from_secs(1);

/// When an orderly shutdown is cut short, from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ShutdownDeadlines {
    /// When every remaining domain is stopped, whatever its turn.
    stop_all_at: Duration,
    /// When every remaining domain is killed.
    kill_all_at: Duration,
}

impl ShutdownDeadlines {
    /// Deadlines by the longest grace, and no longer: otherwise each domain of a dependency chain
    /// would take its own grace.
    fn from_graces(graces: impl Iterator<Item = Duration>) -> Self {
        let kill_all_at = graces.max().unwrap_or_default();
        Self {
            stop_all_at: kill_all_at - MIN_STOP_GRACE.min(kill_all_at / 2),
            kill_all_at,
        }
    }
}

impl Supervisor {
    /// Stops every domain, wave by wave in reverse start order, each wave concurrently. When the
    /// longest grace of the running domains has passed, everything that is left is killed. Returns
    /// the names of the domains that could not be killed.
    pub async fn shutdown(&self) -> Vec<String> {
        let domains = self.current();
        // A domain that is about to be spawned counts as well.
        let busy = domains.handles.values().filter(|handle| {
            let phase = handle.snapshots.borrow().phase;
            !matches!(phase, Phase::Stopped | Phase::Completed | Phase::Failed)
        });
        let deadlines =
            ShutdownDeadlines::from_graces(busy.map(|handle| handle.params.borrow().grace));
        let started_at = Instant::now();
        let orderly = async {
            // A domain that still waits, or is restarted, must not start while its dependencies stop.
            for handle in domains.handles.values() {
                handle.cancel_turn();
                let phase = handle.snapshots.borrow().phase;
                if !phase.has_process() || phase == Phase::Stopping {
                    let _ = handle.request(Command::Stop).await;
                }
            }
            let mut left = Vec::new();
            for wave in domains.waves.iter().rev() {
                left.extend(domains.stop_all(wave, Command::Stop).await);
            }
            left
        };
        tokio::select! {
            biased;
            left = orderly => return left,
            () = sleep_until(started_at + deadlines.stop_all_at) => {}
        }
        let names = domains.names();
        tokio::select! {
            biased;
            left = domains.stop_all(&names, Command::Stop) => left,
            () = sleep_until(started_at + deadlines.kill_all_at) => self.kill().await,
        }
    }

    /// Kills every domain at once with SIGKILL. Returns the names of those that survived it.
    pub async fn kill(&self) -> Vec<String> {
        let domains = self.current();
        let names = domains.names();
        domains.stop_all(&names, Command::Kill).await
    }
}

impl DomainSet {
    fn names(&self) -> Vec<String> {
        self.handles.keys().cloned().collect()
    }

    async fn stop_all(&self, names: &[String], command: Command) -> Vec<String> {
        let mut stops = JoinSet::new();
        for handle in names
            .iter()
            .filter_map(|name| self.handles.get(name))
            .cloned()
        {
            stops.spawn(async move {
                let ended = match handle.request(command).await {
                    Ok(ticket) => !matches!(ticket.outcome().await, Outcome::Failed(_)),
                    Err(_) => false,
                };
                (handle.name, ended)
            });
        }
        let ended = stops.join_all().await;
        ended
            .into_iter()
            .filter(|(_, ended)| !ended)
            .map(|(name, _)| name)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_grace_sets_the_deadline() {
        let from = |graces: &[u64]| {
            ShutdownDeadlines::from_graces(graces.iter().copied().map(Duration::from_millis))
        };
        let deadlines = |stop, kill| ShutdownDeadlines {
            stop_all_at: Duration::from_millis(stop),
            kill_all_at: Duration::from_millis(kill),
        };
        assert_eq!(from(&[1_000, 5_000, 200]), deadlines(4_000, 5_000));
        assert_eq!(from(&[500, 200]), deadlines(250, 500));
        assert_eq!(from(&[]), deadlines(0, 0));
        assert_eq!(from(&[0]), deadlines(0, 0));
    }
}
