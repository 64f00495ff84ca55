//! Who may register, and as whom.

use std::sync::OnceLock;

use fulcrum_config::Registration;
use fulcrum_rpc::{Admission, Claim, Gatekeeper, Refusal};
use fulcrum_spawn::Failure;
use fulcrum_spawn::lifecycle::{Fact, Phase};
use fulcrum_spawn::process::{Stat, client_of, descends_from};
use fulcrum_spawn::supervisor::Supervisor;

use tokio::sync::Semaphore;

use crate::state::desired::{Agendas, configured};
use crate::state::domain::{Badge, Desks};

/// Decides by token, or, for clients that have none, by the process behind the connection.
pub(crate) struct Gate {
    pub(crate) registration: Registration,
    pub(crate) desks: Desks,
    /// Who is told when a process claims a name that isn't its own.
    pub(crate) supervisor: std::sync::Arc<OnceLock<Supervisor>>,
    /// How often each domain is asked for a heartbeat stands there.
    pub(crate) agendas: Agendas,
    /// Who looks for a connection's process: one at a time. It takes some milliseconds of
    /// processor time, and a stranger could ask for it hundreds of times at once.
    pub(crate) looking: Semaphore,
}

/// Whose process a claim comes from.
enum Owner {
    Domain(String, Badge),
    /// A process that this instance didn't start.
    Stranger(Option<u32>),
    /// It can't be told.
    Unknown,
}

impl Gatekeeper for Gate {
    async fn admit(&self, claim: Claim) -> Result<Admission, Refusal> {
        let owner = match &claim.token {
            Some(token) => self.by_token(token).ok_or_else(|| {
                Refusal::Unauthenticated(format!(
                    "the token is not that of a process that runs now: {} must register with the \
                     FULCRUM_DOMAIN_TOKEN it was started with",
                    claim.domain
                ))
            })?,
            None if self.registration == Registration::Token => {
                return Err(Refusal::Unauthenticated(format!(
                    "{} sent no token: send FULCRUM_DOMAIN_TOKEN as the metadata \
                     x-fulcrum-token, or set runtime.grpc.registration to open",
                    claim.domain
                )));
            }
            None => self.by_process(&claim).await,
        };
        match owner {
            Owner::Domain(name, badge) if name == claim.domain => {
                self.in_time(&name, badge.generation)?;
                Ok(self.admission(&name, badge.generation, true, badge.pid))
            }
            Owner::Domain(name, badge) => Err(self.misnamed(&name, &badge, &claim.domain)),
            Owner::Stranger(pid) => Ok(self.admission(&claim.domain, 0, false, pid)),
            // Of a domain that runs, its own process is the likeliest.
            Owner::Unknown => Ok(match self.badge(&claim.domain) {
                Some(badge) => self.admission(&claim.domain, badge.generation, true, badge.pid),
                None => self.admission(&claim.domain, 0, false, None),
            }),
        }
    }
}

impl Gate {
    fn badge(&self, name: &str) -> Option<Badge> {
        self.desks.get(name)?.living()
    }

    fn by_token(&self, token: &str) -> Option<Owner> {
        self.desks.all().iter().find_map(|(name, desk)| {
            let badge = desk.living()?;
            same(&badge.token, token).then(|| Owner::Domain(name.clone(), badge))
        })
    }

    async fn by_process(&self, claim: &Claim) -> Owner {
        let badges: Vec<(String, Badge)> = self
            .desks
            .all()
            .iter()
            .filter_map(|(name, desk)| Some((name.clone(), desk.living()?)))
            .collect();
        let (local, peer) = (claim.local, claim.peer);
        // It is never closed.
        let _turn = self.looking.acquire().await;
        // It reads /proc, which may block.
        let found = tokio::task::spawn_blocking(move || {
            let leaders: Vec<u32> = badges.iter().filter_map(|(_, badge)| badge.pid).collect();
            let Some(pid) = client_of(local, peer, &leaders) else {
                return Owner::Unknown;
            };
            let group = Stat::read(pid).map(|stat| stat.group);
            badges
                .into_iter()
                .find(|(_, badge)| {
                    badge
                        .pid
                        .is_some_and(|leader| group == Some(leader) || descends_from(pid, leader))
                })
                .map_or(Owner::Stranger(Some(pid)), |(name, badge)| {
                    Owner::Domain(name, badge)
                })
        });
        found.await.unwrap_or(Owner::Unknown)
    }

    fn admission(&self, name: &str, generation: u64, own: bool, pid: Option<u32>) -> Admission {
        let configured = configured(&self.agendas, name);
        let heartbeat_interval = configured.map(|domain| domain.process.heartbeat.interval);
        Admission {
            generation,
            own,
            pid,
            heartbeat_interval,
        }
    }

    /// A life that is being ended comes too late: nobody may call it any more.
    fn in_time(&self, name: &str, generation: u64) -> Result<(), Refusal> {
        let supervisor = self.supervisor.get();
        let handle = supervisor.and_then(|supervisor| supervisor.domain(name));
        let Some(snapshot) = handle.map(|handle| handle.snapshot()) else {
            return Ok(());
        };
        let ending = matches!(snapshot.phase, Phase::Stopping | Phase::Stuck);
        if ending && snapshot.generation == generation {
            return Err(Refusal::FailedPrecondition(format!(
                "generation {generation} of {name} is being stopped ({}): it can't register any more",
                snapshot.reason
            )));
        }
        Ok(())
    }

    /// A process under another's name: it will never be ready under its own, so its life ends.
    fn misnamed(&self, name: &str, badge: &Badge, claimed: &str) -> Refusal {
        let pid = badge
            .pid
            .map_or_else(String::new, |pid| format!(" (pid {pid})"));
        let text = format!(
            "the process of {name}{pid} registered as {claimed}: the name in its code must be {name}, \
             or its folder must be called {claimed}"
        );
        let handle = self
            .supervisor
            .get()
            .and_then(|supervisor| supervisor.domain(name));
        if let Some(handle) = handle {
            let failure = Failure::permanent(text.clone());
            handle.report(badge.generation, Fact::Refused(failure));
        }
        Refusal::PermissionDenied(text)
    }
}

/// Compares in a time that doesn't tell where two tokens differ.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one
            .bytes()
            .zip(other.bytes())
            .fold(0, |acc, (a, b)| acc | (a ^ b))
            == 0
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn tokens_are_the_same_only_as_a_whole() {
        assert!(same("abc", "abc"));
        assert!(!same("abc", "abd"));
        assert!(!same("abc", "ab"));
    }
}
