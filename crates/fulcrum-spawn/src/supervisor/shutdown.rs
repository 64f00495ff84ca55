//! The end of all domains, bounded as a whole.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::domain_set::{DomainSet, Supervisor};
use super::handle::Outcome;
use crate::lifecycle::{Command, Phase};

/// What domains get at least that are told late, because those before them took all the time.
const MIN_STOP_GRACE: Duration = Duration::from_secs(1);

/// How long an orderly end is waited for, from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ShutdownDeadlines {
    /// Then everybody is told to stop, whose turn hasn't come yet.
    stop_all_at: Duration,
    /// Then everybody is killed who is left.
    kill_all_at: Duration,
}

impl ShutdownDeadlines {
    /// As long as the most patient domain's grace, and no longer: a chain of stubborn domains would
    /// take a grace each otherwise.
    fn of(graces: impl Iterator<Item = Duration>) -> Self {
        let kill_all_at = graces.max().unwrap_or_default();
        Self {
            stop_all_at: kill_all_at - MIN_STOP_GRACE.min(kill_all_at / 2),
            kill_all_at,
        }
    }
}

impl Supervisor {
    /// Stops every domain, wave by wave in reverse start order, each wave at once. When the longest
    /// grace of those that are up has passed, all that is left is killed, whatever its turn. Returns
    /// the names of those that could not be ended.
    pub async fn shutdown(&self) -> Vec<String> {
        let roster = self.roster();
        // One that is about to be spawned counts as well: it will have its grace.
        let busy = roster.handles.values().filter(|handle| {
            let phase = handle.snapshots.borrow().phase;
            !matches!(phase, Phase::Stopped | Phase::Failed)
        });
        let patience = ShutdownDeadlines::of(busy.map(|handle| handle.terms.borrow().grace));
        let begun = Instant::now();
        let orderly = async {
            // Nothing that still waits for its turn may start while its dependencies go away.
            for handle in roster.handles.values() {
                if !handle.snapshots.borrow().phase.has_process() {
                    let _ = handle.request(Command::Stop).await;
                }
            }
            let mut left = Vec::new();
            for wave in roster.waves.iter().rev() {
                left.extend(roster.end(wave, Command::Stop).await);
            }
            left
        };
        tokio::select! {
            biased;
            left = orderly => return left,
            () = sleep_until(begun + patience.stop_all_at) => {}
        }
        let names = roster.names();
        tokio::select! {
            biased;
            left = roster.end(&names, Command::Stop) => left,
            () = sleep_until(begun + patience.kill_all_at) => self.kill().await,
        }
    }

    /// Ends every domain at once with SIGKILL. Returns the names of those that survived it.
    pub async fn kill(&self) -> Vec<String> {
        let roster = self.roster();
        let names = roster.names();
        roster.end(&names, Command::Kill).await
    }
}

impl DomainSet {
    fn names(&self) -> Vec<String> {
        self.handles.keys().cloned().collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_patient_domain_sets_the_limit() {
        let of = |graces: &[u64]| {
            ShutdownDeadlines::of(graces.iter().copied().map(Duration::from_millis))
        };
        let patience = |tell, kill| ShutdownDeadlines {
            stop_all_at: Duration::from_millis(tell),
            kill_all_at: Duration::from_millis(kill),
        };
        assert_eq!(of(&[1_000, 5_000, 200]), patience(4_000, 5_000));
        assert_eq!(of(&[500, 200]), patience(250, 500));
        assert_eq!(of(&[]), patience(0, 0));
        assert_eq!(of(&[0]), patience(0, 0));
    }
}
