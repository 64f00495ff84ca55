//! The probes of a domain, as it is configured.

use std::time::Duration;

use fulcrum_config::{Domain, ProbeCheck, ProbeSettings, Program};

use crate::readiness::check::describe_check;

/// The probes of one domain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProbeSet {
    pub(crate) ready: Option<ProbeSettings>,
    pub(crate) alive: Option<ProbeSettings>,
    /// Failures of the liveness probe do not count for this long after a spawn.
    pub(crate) startup_grace: Duration,
    /// Whether the domain registers. Node domains do, other programs need not.
    pub(crate) registers: bool,
    /// A job is never ready: it is awaited to its end.
    pub(crate) is_job: bool,
}

impl ProbeSet {
    /// The probes that a domain is configured with.
    pub(crate) fn of(domain: &Domain) -> Self {
        let process = &domain.process;
        let probe = |settings: &ProbeSettings| {
            (settings.check != ProbeCheck::Registered).then(|| settings.clone())
        };
        Self {
            ready: probe(&process.ready).filter(|_| !domain.is_job()),
            alive: probe(&process.alive),
            startup_grace: process.start_timeout,
            registers: matches!(domain.program, Program::Node { .. }),
            is_job: domain.is_job(),
        }
    }
}

/// Whether a probe decides when this domain is ready, and not its registration.
pub(crate) fn has_readiness_probe(domain: &Domain) -> bool {
    !domain.is_job()
        && !matches!(
            domain.process.ready.check,
            ProbeCheck::Registered | ProbeCheck::Started
        )
}

/// Whether this domain becomes ready only by its registration.
pub(crate) fn must_register(domain: &Domain) -> bool {
    !domain.is_job() && domain.process.ready.check == ProbeCheck::Registered
}

/// When this domain is ready, as text.
pub(crate) fn describe_readiness(domain: &Domain, is_known_to_register: bool) -> String {
    if domain.is_job() {
        return "a job: never ready, and completed when it exits with success".to_owned();
    }
    match &domain.process.ready.check {
        ProbeCheck::Registered => "when it has registered".to_owned(),
        ProbeCheck::Started if is_known_to_register => {
            "when it has registered, since this program does".to_owned()
        }
        ProbeCheck::Started => "started: while it runs, or when it has registered".to_owned(),
        check => describe_check(check),
    }
}

/// Why a domain may never have become ready, as text.
pub(crate) fn start_timeout_hint(domain: &Domain) -> Option<String> {
    let probe = &domain.process.ready;
    match (&domain.program, has_readiness_probe(domain)) {
        (_, true) => Some(format!(
            "its readiness probe ({}) did not succeed either",
            describe_check(&probe.check)
        )),
        (Program::Command(_), false) => Some(
            "it is ready once it has registered over gRPC, and it has not; for a program that \
             does not register, set `process.ready: started` or a probe, such as `{tcp: 3000}`"
                .to_owned(),
        ),
        _ => None,
    }
}
