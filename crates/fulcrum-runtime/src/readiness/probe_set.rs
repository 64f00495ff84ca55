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
}

impl ProbeSet {
    /// The probes that a domain is configured with.
    pub(crate) fn of(domain: &Domain) -> Self {
        let process = &domain.process;
        let probe = |settings: &ProbeSettings| {
            (settings.check != ProbeCheck::Registered).then(|| settings.clone())
        };
        Self {
            ready: probe(&process.ready),
            alive: probe(&process.alive),
            startup_grace: process.start_timeout,
            registers: matches!(domain.program, Program::Node { .. }),
        }
    }
}

/// Whether another check than the registration decides when this domain is ready.
pub(crate) fn has_readiness_probe(domain: &Domain) -> bool {
    domain.process.ready.check != ProbeCheck::Registered
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
            "a program is ready once it has registered over gRPC, and this one has not; a program \
             that does not register needs a probe, such as `process.ready: {tcp: 3000}`"
                .to_owned(),
        ),
        _ => None,
    }
}
