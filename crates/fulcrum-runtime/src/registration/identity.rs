//! The processes of the domains, as the registration authorizer compares them.

use std::net::SocketAddr;
use std::time::Duration;

use fulcrum_rpc::{DomainProcess, IdentitySource, PeerIdentity, StopNotice};
use fulcrum_spawn::StartError;
use fulcrum_spawn::lifecycle::{Fact, Phase};
use fulcrum_spawn::process::{Stat, descends_from, find_peer};
use fulcrum_spawn::supervisor::{DomainHandle, Supervisor};

use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;

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
        let group = Stat::read(pid).map(|stat| stat.group);
        let is_in_tree = |leader| group == Some(leader) || descends_from(pid, leader);
        processes
            .into_iter()
            .find(|process| process.pid.is_some_and(is_in_tree))
            .map_or(PeerIdentity::Unmanaged(Some(pid)), PeerIdentity::Domain)
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
