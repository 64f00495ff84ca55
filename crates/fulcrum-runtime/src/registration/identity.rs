//! The processes of the domains, as the registration authorizer compares them.

use std::net::SocketAddr;
use std::time::Duration;

use fulcrum_config::redact_command_line;
use fulcrum_rpc::{DomainProcess, IdentitySource, PeerIdentity, PeerProcess, StopNotice};
use fulcrum_spawn::StartError;
use fulcrum_spawn::lifecycle::{Fact, Phase};
use fulcrum_spawn::process::{Stat, command_line, descends_from, find_peer, started_by};
use fulcrum_spawn::supervisor::{DomainHandle, Supervisor};

use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;
use crate::state::process::TOKEN_VAR;

/// Reads process identities from the domain states and `/proc`.
pub(crate) struct DomainIdentities {
    pub(crate) states: SharedDomainStates,
    /// Receives a fact when a process registers a wrong name.
    pub(crate) supervisor: Supervisor,
    /// The configuration in force, which has the heartbeat intervals.
    pub(crate) desired: DesiredStateReceiver,
}

impl DomainIdentities {
    fn handle(&self, domain: &str) -> Option<DomainHandle> {
        self.supervisor.domain(domain)
    }
}

impl IdentitySource for DomainIdentities {
    fn processes(&self) -> Vec<DomainProcess> {
        let states = self.states.all();
        let processes = states.iter().filter_map(|(name, state)| {
            let process = state.running()?;
            Some(DomainProcess {
                domain: name.clone(),
                generation: process.generation,
                token: process.token,
                pid: process.pid,
            })
        });
        processes.collect()
    }

    fn find_peer(
        &self,
        local: SocketAddr,
        peer: SocketAddr,
        processes: Vec<DomainProcess>,
    ) -> PeerIdentity {
        let leaders: Vec<u32> = processes.iter().filter_map(|process| process.pid).collect();
        let Some(pid) = find_peer(local, peer, &leaders) else {
            return PeerIdentity::Unknown;
        };
        let stat = Stat::read(pid);
        let peer = PeerProcess {
            pid,
            started: stat.as_ref().map_or(0, |stat| stat.started),
            command: redact_command_line(&command_line(pid)),
        };
        let group = stat.map(|stat| stat.group);
        let is_in_tree = |leader| group == Some(leader) || descends_from(pid, leader);
        let in_tree = |process: &&DomainProcess| process.pid.is_some_and(is_in_tree);
        if let Some(process) = processes.iter().find(in_tree) {
            return PeerIdentity::Domain(process.clone(), peer);
        }
        let names = ["FULCRUM_DOMAIN_NAME", "FULCRUM_APP_PATH"];
        let Some(started) = started_by(pid, TOKEN_VAR, &names) else {
            return PeerIdentity::Unmanaged(peer);
        };
        // It has left the process tree of its domain.
        let own = processes
            .into_iter()
            .find(|process| process.token == started.token);
        if let Some(process) = own {
            return PeerIdentity::Domain(process, peer);
        }
        // This instance itself may run in a domain of another one, and what is started beside it.
        if std::env::var(TOKEN_VAR).is_ok_and(|outer| outer == started.token) {
            return PeerIdentity::Unmanaged(peer);
        }
        PeerIdentity::OtherInstance(peer, describe_owner(&started.values))
    }

    fn is_alive(&self, peer: &PeerProcess) -> bool {
        Stat::read(peer.pid).is_some_and(|stat| stat.started == peer.started && !stat.is_zombie())
    }

    fn stop_reason(&self, domain: &str, generation: u64) -> Option<String> {
        let snapshot = self.handle(domain)?.snapshot();
        let stopping = matches!(snapshot.phase, Phase::Stopping | Phase::Stuck);
        (stopping && snapshot.generation == generation).then_some(snapshot.reason)
    }

    fn heartbeat_interval(&self, domain: &str) -> Option<Duration> {
        let config = self.desired.domain(domain)?;
        Some(config.process.heartbeat.interval)
    }

    fn stop_notice(&self, domain: &str) -> Option<StopNotice> {
        let config = self.desired.domain(domain)?;
        let stop = &config.process.stop;
        Some(StopNotice {
            signal: stop.signal.clone(),
            grace: stop.grace,
        })
    }

    fn on_wrong_name(&self, process: &DomainProcess, error: &str) {
        if let Some(handle) = self.handle(&process.domain) {
            let failure = StartError::permanent(error.to_owned());
            handle.report(process.generation, Fact::Rejected(failure));
        }
    }
}

/// What a process of another instance is, by the variables that it was started with.
fn describe_owner(values: &[Option<String>]) -> String {
    let value = |index: usize| values.get(index).and_then(Option::as_deref);
    let domain = value(0).unwrap_or("(unknown)");
    match value(1) {
        Some(app) => format!("domain {domain} of the app {app}"),
        None => format!("domain {domain} of another app"),
    }
}
