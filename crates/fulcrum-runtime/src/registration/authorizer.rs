//! Who may register, and as whom.

use std::sync::OnceLock;

use fulcrum_config::RegistrationMode;
use fulcrum_rpc::{
    RegistrationAuthorizer, RegistrationError, RegistrationGrant, RegistrationRequest,
};
use fulcrum_spawn::StartError;
use fulcrum_spawn::lifecycle::{Fact, Phase};
use fulcrum_spawn::process::{Stat, descends_from, find_peer};
use fulcrum_spawn::supervisor::Supervisor;

use tokio::sync::Semaphore;

use crate::state::desired::{DesiredStateReceiver, current_config};
use crate::state::domain::{ProcessIdentity, SharedDomainStates};

/// Decides by token, or, for clients that have none, by the process behind the connection.
pub(crate) struct Authorizer {
    pub(crate) registration: RegistrationMode,
    pub(crate) desks: SharedDomainStates,
    /// Who is told when a process claims a name that isn't its own.
    pub(crate) supervisor: std::sync::Arc<OnceLock<Supervisor>>,
    /// How often each domain is asked for a heartbeat stands there.
    pub(crate) agendas: DesiredStateReceiver,
    /// Who looks for a connection's process: one at a time. It takes some milliseconds of
    /// processor time, and a stranger could ask for it hundreds of times at once.
    pub(crate) lookup_permit: Semaphore,
}

/// Whose process a claim comes from.
enum PeerIdentity {
    Domain(String, ProcessIdentity),
    /// A process that this instance didn't start.
    Unmanaged(Option<u32>),
    /// It can't be told.
    Unknown,
}

impl RegistrationAuthorizer for Authorizer {
    async fn authorize(
        &self,
        claim: RegistrationRequest,
    ) -> Result<RegistrationGrant, RegistrationError> {
        let owner = match &claim.token {
            Some(token) => self.by_token(token).ok_or_else(|| {
                RegistrationError::Unauthenticated(format!(
                    "the token is not that of a process that runs now: {} must register with the \
                     FULCRUM_DOMAIN_TOKEN it was started with",
                    claim.domain
                ))
            })?,
            None if self.registration == RegistrationMode::Token => {
                return Err(RegistrationError::Unauthenticated(format!(
                    "{} sent no token: send FULCRUM_DOMAIN_TOKEN as the metadata \
                     x-fulcrum-token, or set runtime.grpc.registration to open",
                    claim.domain
                )));
            }
            None => self.by_process(&claim).await,
        };
        match owner {
            PeerIdentity::Domain(name, badge) if name == claim.domain => {
                self.check_not_stopping(&name, badge.generation)?;
                Ok(self.admission(&name, badge.generation, true, badge.pid))
            }
            PeerIdentity::Domain(name, badge) => {
                Err(self.reject_wrong_name(&name, &badge, &claim.domain))
            }
            PeerIdentity::Unmanaged(pid) => Ok(self.admission(&claim.domain, 0, false, pid)),
            // Of a domain that runs, its own process is the likeliest.
            PeerIdentity::Unknown => Ok(match self.badge(&claim.domain) {
                Some(badge) => self.admission(&claim.domain, badge.generation, true, badge.pid),
                None => self.admission(&claim.domain, 0, false, None),
            }),
        }
    }
}

impl Authorizer {
    fn badge(&self, name: &str) -> Option<ProcessIdentity> {
        self.desks.get(name)?.running()
    }

    fn by_token(&self, token: &str) -> Option<PeerIdentity> {
        self.desks.all().iter().find_map(|(name, desk)| {
            let badge = desk.running()?;
            constant_time_eq(&badge.token, token).then(|| PeerIdentity::Domain(name.clone(), badge))
        })
    }

    async fn by_process(&self, claim: &RegistrationRequest) -> PeerIdentity {
        let badges: Vec<(String, ProcessIdentity)> = self
            .desks
            .all()
            .iter()
            .filter_map(|(name, desk)| Some((name.clone(), desk.running()?)))
            .collect();
        let (local, peer) = (claim.local, claim.peer);
        // It is never closed.
        let _turn = self.lookup_permit.acquire().await;
        // It reads /proc, which may block.
        let found = tokio::task::spawn_blocking(move || {
            let leaders: Vec<u32> = badges.iter().filter_map(|(_, badge)| badge.pid).collect();
            let Some(pid) = find_peer(local, peer, &leaders) else {
                return PeerIdentity::Unknown;
            };
            let group = Stat::read(pid).map(|stat| stat.group);
            badges
                .into_iter()
                .find(|(_, badge)| {
                    badge
                        .pid
                        .is_some_and(|leader| group == Some(leader) || descends_from(pid, leader))
                })
                .map_or(PeerIdentity::Unmanaged(Some(pid)), |(name, badge)| {
                    PeerIdentity::Domain(name, badge)
                })
        });
        found.await.unwrap_or(PeerIdentity::Unknown)
    }

    fn admission(
        &self,
        name: &str,
        generation: u64,
        own: bool,
        pid: Option<u32>,
    ) -> RegistrationGrant {
        let configured = current_config(&self.agendas, name);
        let heartbeat_interval = configured.map(|domain| domain.process.heartbeat.interval);
        RegistrationGrant {
            generation,
            managed: own,
            pid,
            heartbeat_interval,
        }
    }

    /// A life that is being ended comes too late: nobody may call it any more.
    fn check_not_stopping(&self, name: &str, generation: u64) -> Result<(), RegistrationError> {
        let supervisor = self.supervisor.get();
        let handle = supervisor.and_then(|supervisor| supervisor.domain(name));
        let Some(snapshot) = handle.map(|handle| handle.snapshot()) else {
            return Ok(());
        };
        let ending = matches!(snapshot.phase, Phase::Stopping | Phase::Stuck);
        if ending && snapshot.generation == generation {
            return Err(RegistrationError::FailedPrecondition(format!(
                "generation {generation} of {name} is being stopped ({}): it can't register any more",
                snapshot.reason
            )));
        }
        Ok(())
    }

    /// A process under another's name: it will never be ready under its own, so its life ends.
    fn reject_wrong_name(
        &self,
        name: &str,
        badge: &ProcessIdentity,
        claimed: &str,
    ) -> RegistrationError {
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
            let failure = StartError::permanent(text.clone());
            handle.report(badge.generation, Fact::Rejected(failure));
        }
        RegistrationError::PermissionDenied(text)
    }
}

/// Compares in a time that doesn't tell where two tokens differ.
fn constant_time_eq(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one
            .bytes()
            .zip(other.bytes())
            .fold(0, |acc, (a, b)| acc | (a ^ b))
            == 0
}

#[cfg(test)]
mod tests {
    use super::constant_time_eq;

    #[test]
    fn tokens_are_the_same_only_as_a_whole() {
        assert!(constant_time_eq("abc", "abc"));
        assert!(!constant_time_eq("abc", "abd"));
        assert!(!constant_time_eq("abc", "ab"));
    }
}
