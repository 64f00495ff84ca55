//! Probes: questions put to a life, again and again, to learn whether it may take work
//! (`process.ready`) and whether it is stuck (`process.alive`).
//!
//! One task a life asks; it ends with the life, and with it what it is in the middle of. What the
//! answers mean together is decided in `fulcrum-health`. A domain whose `ready` is another check
//! than its registration is as ready as that check says, and nothing else; it runs from its spawn
//! on, or, since Node programs register, when it has registered or first answered. When a reload
//! changes the probes of a life, the same task goes on with the new ones.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::{Check, Domain, Probe, Program};
use fulcrum_logs::Hub;
use fulcrum_spawn::CommandSpec;
use fulcrum_spawn::lifecycle::Fact;
use fulcrum_spawn::process::{RunId, Spawner};
use fulcrum_spawn::supervisor::{News, Transition};

use crate::context::House;
use crate::state::desired::{Agenda, Agendas};
use crate::state::domain::Desks;

/// A bad answer, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) why: String,
    /// How many in a row count, of how many that decide.
    pub(crate) failures: u32,
    pub(crate) of: u32,
}

impl Answer {
    pub(crate) fn new(why: String) -> Self {
        Self {
            why,
            failures: 0,
            of: 0,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, failures, of } = self;
        match failures {
            0 => f.write_str(why),
            few if few < of => write!(f, "{why} ({few} of {of} failures)"),
            many => write!(f, "{why} ({many} failures in a row)"),
        }
    }
}

/// What a life's probes said last, where that was nothing good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    /// The readiness probe has had a good answer in this life.
    pub(crate) answered: bool,
    pub(crate) ready: Option<Answer>,
    pub(crate) alive: Option<Answer>,
}

impl Answers {
    /// A reason, and what the probes say beside it.
    pub(crate) fn beside(&self, reason: &str) -> String {
        let mut text = reason.to_owned();
        for (name, answer) in [("ready", &self.ready), ("alive", &self.alive)] {
            // What made it unready stands there already.
            if let Some(answer) = answer.as_ref().filter(|one| !reason.contains(&one.why)) {
                text.push_str(&format!("; {name} probe: {answer}"));
            }
        }
        text
    }
}

/// The probes of one domain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Probes {
    pub(crate) ready: Option<Probe>,
    pub(crate) alive: Option<Probe>,
    /// Bad signs of life don't count for so long after a spawn.
    pub(crate) patience: Duration,
    /// A program that isn't Node's needn't register at all.
    registers: bool,
}

impl Probes {
    pub(crate) fn of(domain: &Domain) -> Self {
        let process = &domain.process;
        let own = |probe: &Probe| (probe.check != Check::Registered).then(|| probe.clone());
        Self {
            ready: own(&process.ready),
            alive: own(&process.alive),
            patience: process.start_timeout,
            registers: matches!(domain.program, Program::Node { .. }),
        }
    }
}

/// Whether another check than the registration says when this domain is ready.
pub(crate) fn decide(domain: &Domain) -> bool {
    domain.process.ready.check != Check::Registered
}

fn decide_for(agenda: &Agenda, domain: &str) -> bool {
    agenda.app.domain(domain).is_some_and(decide)
}

/// What news of a domain's stream, a fact about its readiness, means for its life. None where its
/// readiness is its probe's affair.
pub(crate) fn instead(agenda: &Agenda, domain: &str, fact: Fact) -> Option<Fact> {
    match fact {
        fact if !decide_for(agenda, domain) => Some(fact),
        Fact::Ready => Some(Fact::Started),
        _ => None,
    }
}

/// Whether a domain serves, for health checks.
pub(crate) fn serves(house: &House, domain: &str) -> bool {
    if !decide_for(&house.agenda(), domain) {
        return house.registry.is_registered(domain);
    }
    let handle = house.supervisor.domain(domain);
    handle.is_some_and(|handle| handle.snapshot().ready)
}

/// Tells health checks of a change.
pub(crate) fn heed(house: &House, news: &Transition) {
    if decide_for(&house.agenda(), &news.domain) {
        house
            .registry
            .set_serving(Some(&news.domain), serves(house, &news.domain));
        house.tell_health();
    }
}

/// For people: why a domain that is probed never came to be ready.
pub(crate) fn hint(domain: &Domain) -> Option<String> {
    let probe = &domain.process.ready;
    match (&domain.program, decide(domain)) {
        (_, true) => Some(format!(
            "nor did its readiness probe ({}) succeed",
            words(&probe.check)
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
pub(crate) fn words(check: &Check) -> String {
    let port = |port: &Option<u16>| port.map_or_else(|| "PORT".to_owned(), |port| port.to_string());
    match check {
        Check::Registered => "registered".to_owned(),
        Check::Http {
            host,
            port: number,
            path,
        } => format!(
            "http {}{path}",
            crate::readiness::check::address(host, &port(number))
        ),
        Check::Tcp { host, port: number } => format!(
            "tcp {}",
            crate::readiness::check::address(host, &port(number))
        ),
        Check::Exec(argv) => format!("exec {}", argv.join(" ")),
        Check::Log(text) => format!("log {text:?}"),
    }
}

/// One life that is to be probed.
pub(crate) struct Probed {
    pub(crate) domain: Arc<str>,
    pub(crate) spec: Arc<CommandSpec>,
    pub(crate) spawner: Spawner,
    /// Whom an exec probe's token names.
    pub(crate) run: RunId,
    pub(crate) hub: Hub,
    pub(crate) desks: Desks,
    /// Whether its probes are still these.
    pub(crate) agendas: Agendas,
    pub(crate) news: News,
}

/// Begins to probe a life that was just spawned, until it is over.
pub(crate) fn begin(probes: &Probes, life: Probed) {
    if let Some(desk) = life.desks.get(&life.domain) {
        desk.probes.send_replace(Answers::default());
    }
    if probes.ready.is_some() && !probes.registers {
        life.news.report(Fact::Started);
    }
    tokio::spawn(crate::readiness::runner::watch(probes.clone(), life));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_probes_say_stands_beside_the_reason_once() {
        let answer = |failures| Answer {
            why: "http 503".to_owned(),
            failures,
            of: 3,
        };
        let told = |failures, reason| {
            let answers = Answers {
                ready: Some(answer(failures)),
                ..Answers::default()
            };
            answers.beside(reason)
        };
        assert_eq!(
            told(2, "ready"),
            "ready; ready probe: http 503 (2 of 3 failures)"
        );
        assert_eq!(
            told(4, "spawned"),
            "spawned; ready probe: http 503 (4 failures in a row)"
        );
        let reason = "ready probe failed 3 times: http 503";
        assert_eq!(told(3, reason), reason);
        assert_eq!(Answers::default().beside("ready"), "ready");
    }

    #[test]
    fn a_check_is_told_as_it_was_written() {
        let http = Check::Http {
            host: "::1".to_owned(),
            port: Some(80),
            path: "/up".to_owned(),
        };
        assert_eq!(words(&http), "http [::1]:80/up");
        let tcp = Check::Tcp {
            host: "127.0.0.1".to_owned(),
            port: None,
        };
        assert_eq!(words(&tcp), "tcp 127.0.0.1:PORT");
    }
}
