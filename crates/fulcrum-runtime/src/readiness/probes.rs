//! Probes: questions put to a life, again and again, to learn whether it may take work
//! (`process.ready`) and whether it is stuck (`process.alive`).
//!
//! One task a life asks; it ends with the life, and with it what it is in the middle of. What the
//! answers mean together is decided in `fulcrum-health`. A domain whose `ready` is another check
//! than its registration is as ready as that check says, and nothing else; it runs from its spawn
//! on, or, since Node programs register, when it has registered or first answered. When a reload
//! changes the probes of a life, the same task goes on with the new ones.

use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::{Domain, ProbeCheck, ProbeSettings, Program};
use fulcrum_health::ProbeStatus;
use fulcrum_health::checks::host_port;
use fulcrum_logs::Hub;
use fulcrum_spawn::CommandSpec;
use fulcrum_spawn::lifecycle::Fact;
use fulcrum_spawn::process::{RunId, Spawner};
use fulcrum_spawn::supervisor::{FactSender, Transition};

use crate::context::RuntimeContext;
use crate::state::desired::{DesiredState, DesiredStateReceiver};
use crate::state::domain::SharedDomainStates;

/// The probes of one domain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProbeSet {
    pub(crate) ready: Option<ProbeSettings>,
    pub(crate) alive: Option<ProbeSettings>,
    /// Bad signs of life don't count for so long after a spawn.
    pub(crate) patience: Duration,
    /// A program that isn't Node's needn't register at all.
    registers: bool,
}

impl ProbeSet {
    pub(crate) fn of(domain: &Domain) -> Self {
        let process = &domain.process;
        let own =
            |probe: &ProbeSettings| (probe.check != ProbeCheck::Registered).then(|| probe.clone());
        Self {
            ready: own(&process.ready),
            alive: own(&process.alive),
            patience: process.start_timeout,
            registers: matches!(domain.program, Program::Node { .. }),
        }
    }
}

/// Whether another check than the registration says when this domain is ready.
pub(crate) fn has_readiness_probe(domain: &Domain) -> bool {
    domain.process.ready.check != ProbeCheck::Registered
}

fn decide_for(agenda: &DesiredState, domain: &str) -> bool {
    agenda.app.domain(domain).is_some_and(has_readiness_probe)
}

/// What news of a domain's stream, a fact about its readiness, means for its life. None where its
/// readiness is its probe's affair.
pub(crate) fn map_stream_fact(agenda: &DesiredState, domain: &str, fact: Fact) -> Option<Fact> {
    match fact {
        fact if !decide_for(agenda, domain) => Some(fact),
        Fact::Ready => Some(Fact::Started),
        _ => None,
    }
}

/// Whether a domain serves, for health checks.
pub(crate) fn is_serving(house: &RuntimeContext, domain: &str) -> bool {
    if !decide_for(&house.agenda(), domain) {
        return house.registry.is_registered(domain);
    }
    let handle = house.supervisor.domain(domain);
    handle.is_some_and(|handle| handle.snapshot().ready)
}

/// Tells health checks of a change.
pub(crate) fn update_serving_status(house: &RuntimeContext, news: &Transition) {
    if decide_for(&house.agenda(), &news.domain) {
        house
            .registry
            .set_serving(Some(&news.domain), is_serving(house, &news.domain));
        house.update_serving_status();
    }
}

/// For people: why a domain that is probed never came to be ready.
pub(crate) fn start_timeout_hint(domain: &Domain) -> Option<String> {
    let probe = &domain.process.ready;
    match (&domain.program, has_readiness_probe(domain)) {
        (_, true) => Some(format!(
            "nor did its readiness probe ({}) succeed",
            describe_check(&probe.check)
        )),
        (Program::Command(_), false) => Some(
            "a program counts as ready once it has registered over gRPC, and this one hasn't; one \
             that doesn't register needs a probe, such as `process.ready: {tcp: 3000}`"
                .to_owned(),
        ),
        _ => None,
    }
}

/// What a check asks, for people.
pub(crate) fn describe_check(check: &ProbeCheck) -> String {
    let port = |port: &Option<u16>| port.map_or_else(|| "PORT".to_owned(), |port| port.to_string());
    match check {
        ProbeCheck::Registered => "registered".to_owned(),
        ProbeCheck::Http {
            host,
            port: number,
            path,
        } => format!("http {}{path}", host_port(host, &port(number))),
        ProbeCheck::Tcp { host, port: number } => format!("tcp {}", host_port(host, &port(number))),
        ProbeCheck::Exec(argv) => format!("exec {}", argv.join(" ")),
        ProbeCheck::Log(text) => format!("log {text:?}"),
    }
}

/// One life that is to be probed.
pub(crate) struct ProbeTarget {
    pub(crate) domain: Arc<str>,
    pub(crate) spec: Arc<CommandSpec>,
    pub(crate) spawner: Spawner,
    /// Whom an exec probe's token names.
    pub(crate) run: RunId,
    pub(crate) hub: Hub,
    pub(crate) desks: SharedDomainStates,
    /// Whether its probes are still these.
    pub(crate) agendas: DesiredStateReceiver,
    pub(crate) news: FactSender,
}

/// Begins to probe a life that was just spawned, until it is over.
pub(crate) fn begin(probes: &ProbeSet, life: ProbeTarget) {
    if let Some(desk) = life.desks.get(&life.domain) {
        desk.probe_status.send_replace(ProbeStatus::default());
    }
    if probes.ready.is_some() && !probes.registers {
        life.news.report(Fact::Started);
    }
    tokio::spawn(crate::readiness::runner::run(probes.clone(), life));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_told_as_it_was_written() {
        let http = ProbeCheck::Http {
            host: "::1".to_owned(),
            port: Some(80),
            path: "/up".to_owned(),
        };
        assert_eq!(describe_check(&http), "http [::1]:80/up");
        let tcp = ProbeCheck::Tcp {
            host: "127.0.0.1".to_owned(),
            port: None,
        };
        assert_eq!(describe_check(&tcp), "tcp 127.0.0.1:PORT");
    }
}
