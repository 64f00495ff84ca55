//! Makes supervised domains out of configured ones.

use std::collections::BTreeMap;
use std::time::Duration;

use fulcrum_config::{Condition as Wanted, Domain, Request};
use fulcrum_spawn::lifecycle::Timing;
use fulcrum_spawn::supervisor::{Condition, DomainSetup, Revision};

use crate::error::{Error, ErrorKind};
use crate::launch::backend::{DomainBackend, Workshop};
use crate::restart::policy::Adapter;
use crate::settings_cache::Settings;
use crate::standby::node::NodeMaker;
use crate::state::desired::{Agenda, Choice};

/// How long SIGKILL is given until a process counts as stuck.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// What every domain of an instance is set up with.
pub(crate) struct Setups {
    pub(crate) workshop: Workshop,
    /// With what the configuration is read.
    pub(crate) request: Request,
    pub(crate) choice: Choice,
    /// Why a domain may look for the instance at the wrong port.
    pub(crate) port_hint: Option<String>,
    /// Makes spares of them.
    pub(crate) maker: NodeMaker,
}

impl Setups {
    /// A domain that is new.
    ///
    /// # Errors
    /// Those of [`Self::policy`].
    pub(crate) fn setup(
        &self,
        agenda: &Agenda,
        domain: &Domain,
    ) -> Result<DomainSetup<DomainBackend>, Error> {
        let policy = self.policy(domain)?;
        let Revision {
            needs,
            timing,
            backend,
        } = self.revision(agenda, domain);
        Ok(DomainSetup {
            name: domain.name.clone(),
            needs,
            timing,
            policy: Box::new(policy),
            backend,
        })
    }

    /// A domain's restart policy, without a past.
    ///
    /// # Errors
    /// Settings that it refuses, which the configuration's own check let pass.
    pub(crate) fn policy(&self, domain: &Domain) -> Result<Adapter, Error> {
        let policy = Adapter::new(domain, &self.workshop, self.port_hint.clone());
        policy.map_err(|error| {
            let text = format!("{}: process.restart.backoff: {error}", domain.name);
            Error::new(ErrorKind::ConfigInvalid, text)
        })
    }

    /// What holds from now on for one that is known.
    pub(crate) fn revision(&self, agenda: &Agenda, domain: &Domain) -> Revision<DomainBackend> {
        let process = &domain.process;
        let may_wait_for = |name: &str| {
            !self.choice.no_deps || agenda.selected.iter().any(|selected| selected == name)
        };
        let needs: BTreeMap<String, Condition> = agenda
            .app
            .needs(&domain.name)
            .into_iter()
            .filter(|(name, _)| may_wait_for(name))
            .map(|(name, condition)| (name.to_owned(), translate(condition)))
            .collect();
        let settings = Settings::new(
            domain.clone(),
            &self.workshop.around.app,
            self.request.clone(),
        );
        self.maker.knows(&domain.name, settings.clone());
        Revision {
            needs,
            timing: Timing {
                start_timeout: process.start_timeout,
                stop_grace: process.stop.grace,
                kill_wait: KILL_WAIT,
            },
            backend: DomainBackend {
                settings,
                workshop: self.workshop.clone(),
            },
        }
    }
}

fn translate(condition: Wanted) -> Condition {
    match condition {
        Wanted::Ready => Condition::Ready,
        Wanted::Started => Condition::Started,
        Wanted::Exited => Condition::Exited,
    }
}
