//! Makes supervised domains out of configured ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::{App, Condition as Wanted, Domain, Request};
use fulcrum_spawn::lifecycle::Timing;
use fulcrum_spawn::supervisor::{Condition, DomainSetup, Supervisor, Transition};
use tokio::sync::mpsc;

use super::backend::{DomainBackend, Workshop};
use super::policy::Adapter;
use super::probes::{self, Probes};
use super::settings::Settings;
use super::standby::NodeMaker;
use crate::exit::{Code, Stop};

/// How long SIGKILL is given until a process counts as stuck.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// Takes every domain that has a process under supervision.
///
/// # Errors
/// Settings that the restart policy refuses, which the configuration's own check let pass.
pub(crate) fn supervise(
    app: &App,
    may_wait_for: &dyn Fn(&str) -> bool,
    workshop: &Workshop,
    request: &Request,
    port_hint: Option<&str>,
    transitions: &mpsc::UnboundedSender<Transition>,
    spares: &NodeMaker,
) -> Result<Supervisor, Stop> {
    let domains = app.domains.iter().filter(|domain| domain.has_process());
    let setups: Vec<_> = domains
        .map(|domain| setup(app, domain, may_wait_for, workshop, request, port_hint))
        .collect::<Result<_, _>>()?;
    let settings = setups.iter().map(|setup| {
        let settings = setup.backend.settings.clone();
        (setup.name.clone(), settings)
    });
    spares.furnish(workshop.clone(), settings.collect());
    Ok(Supervisor::new(setups, app.waves(), transitions))
}

fn setup(
    app: &App,
    domain: &Domain,
    may_wait_for: &dyn Fn(&str) -> bool,
    workshop: &Workshop,
    request: &Request,
    port_hint: Option<&str>,
) -> Result<DomainSetup<DomainBackend>, Stop> {
    let process = &domain.process;
    let needs: BTreeMap<String, Condition> = app
        .needs(&domain.name)
        .into_iter()
        .filter(|(name, _)| may_wait_for(name))
        .map(|(name, condition)| (name.to_owned(), translate(condition)))
        .collect();
    let mut hints: Vec<String> = port_hint.map(str::to_owned).into_iter().collect();
    hints.extend(probes::hint(domain));
    let mut policy = Adapter::new(
        &process.restart,
        process.start_timeout,
        &domain.name,
        Arc::clone(&workshop.desks),
        workshop.hub.clone(),
        hints,
    )
    .map_err(|error| {
        let text = format!("{}: process.restart.backoff: {error}", domain.name);
        Stop::new(Code::ConfigInvalid, text)
    })?;
    policy.probed = probes::decide(domain);
    Ok(DomainSetup {
        name: domain.name.clone(),
        needs,
        timing: Timing {
            start_timeout: process.start_timeout,
            stop_grace: process.stop.grace,
            kill_wait: KILL_WAIT,
        },
        policy: Box::new(policy),
        backend: DomainBackend {
            probes: Probes::of(domain),
            settings: Settings::new(domain.clone(), &workshop.around.app, request.clone()),
            workshop: workshop.clone(),
        },
    })
}

fn translate(condition: Wanted) -> Condition {
    match condition {
        Wanted::Ready => Condition::Ready,
        Wanted::Started => Condition::Started,
        Wanted::Exited => Condition::Exited,
    }
}
