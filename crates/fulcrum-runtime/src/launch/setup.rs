//! Makes supervised domains out of configured ones.

use std::collections::BTreeMap;
use std::time::Duration;

use fulcrum_config::{DependencyCondition as Wanted, Domain, LoadOptions};
use fulcrum_spawn::lifecycle::Timing;
use fulcrum_spawn::supervisor::{Condition, DomainSpec, DomainUpdate};

use crate::error::{Error, ErrorKind};
use crate::launch::backend::{DomainBackend, LaunchContext};
use crate::restart::policy::RestartPolicyAdapter;
use crate::standby::node::NodeStandbyFactory;
use crate::state::desired::DesiredState;
use fulcrum_config::{Selection, SettingsCache};

/// How long SIGKILL is given until a process counts as stuck.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// What every domain of an instance is set up with.
pub(crate) struct DomainFactory {
    pub(crate) workshop: LaunchContext,
    /// With what the configuration is read.
    pub(crate) request: LoadOptions,
    pub(crate) choice: Selection,
    /// Why a domain may look for the instance at the wrong port.
    pub(crate) port_hint: Option<String>,
    /// Makes spares of them.
    pub(crate) standby_factory: NodeStandbyFactory,
}

impl DomainFactory {
    /// A domain that is new.
    ///
    /// # Errors
    /// Those of [`Self::policy`].
    pub(crate) fn setup(
        &self,
        agenda: &DesiredState,
        domain: &Domain,
    ) -> Result<DomainSpec<DomainBackend>, Error> {
        let policy = self.policy(domain)?;
        let DomainUpdate {
            dependencies: needs,
            timing,
            backend,
        } = self.revision(agenda, domain);
        Ok(DomainSpec {
            name: domain.name.clone(),
            dependencies: needs,
            timing,
            policy: Box::new(policy),
            backend,
        })
    }

    /// A domain's restart policy, without a past.
    ///
    /// # Errors
    /// Settings that it refuses, which the configuration's own check let pass.
    pub(crate) fn policy(&self, domain: &Domain) -> Result<RestartPolicyAdapter, Error> {
        let policy = RestartPolicyAdapter::new(domain, &self.workshop, self.port_hint.clone());
        policy.map_err(|error| {
            let text = format!("{}: process.restart.backoff: {error}", domain.name);
            Error::new(ErrorKind::ConfigInvalid, text)
        })
    }

    /// What holds from now on for one that is known.
    pub(crate) fn revision(
        &self,
        agenda: &DesiredState,
        domain: &Domain,
    ) -> DomainUpdate<DomainBackend> {
        let process = &domain.process;
        let may_wait_for = |name: &str| {
            !self.choice.no_deps || agenda.selected.iter().any(|selected| selected == name)
        };
        let needs: BTreeMap<String, Condition> = agenda
            .app
            .dependencies(&domain.name)
            .into_iter()
            .filter(|(name, _)| may_wait_for(name))
            .map(|(name, condition)| (name.to_owned(), to_condition(condition)))
            .collect();
        let settings = SettingsCache::new(
            domain.clone(),
            &self.workshop.environment.app,
            self.request.clone(),
        );
        self.standby_factory
            .set_settings(&domain.name, settings.clone());
        DomainUpdate {
            dependencies: needs,
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

fn to_condition(condition: Wanted) -> Condition {
    match condition {
        Wanted::Ready => Condition::Ready,
        Wanted::Started => Condition::Started,
        Wanted::Exited => Condition::Exited,
    }
}
