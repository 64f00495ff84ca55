//! Sets up configured domains for supervision.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::{DependencyCondition, Domain, LoadOptions, Selection, SettingsCache};
use fulcrum_spawn::lifecycle::Timing;
use fulcrum_spawn::supervisor::{Condition, DomainSpec, DomainUpdate};

use crate::error::{Error, ErrorKind};
use crate::launch::backend::{DomainBackend, LaunchContext};
use crate::restart::policy::RestartPolicyAdapter;
use crate::standby::StandbySettings;
use crate::state::desired::DesiredState;

/// How long a process may take to exit after SIGKILL before its domain counts as stuck.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// How long the start of a domain with an inspector may take: longer than an instance runs.
const DEBUGGED_START_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What every domain of an instance is set up with.
pub(crate) struct DomainFactory {
    pub(crate) context: LaunchContext,
    /// The options that the configuration is loaded with.
    pub(crate) load_options: Arc<LoadOptions>,
    pub(crate) selection: Selection,
    /// Why a domain may connect to another port than that of the instance.
    pub(crate) port_hint: Option<String>,
    /// Receives the settings that standby processes are started from.
    pub(crate) standby_settings: StandbySettings,
}

impl DomainFactory {
    /// Sets up a new domain.
    ///
    /// # Errors
    /// Those of [`Self::policy`].
    pub(crate) fn setup(
        &self,
        desired: &DesiredState,
        domain: &Domain,
    ) -> Result<DomainSpec<DomainBackend>, Error> {
        let policy = self.policy(domain)?;
        let DomainUpdate {
            dependencies,
            timing,
            backend,
        } = self.update(desired, domain);
        Ok(DomainSpec {
            name: domain.name.clone(),
            dependencies,
            timing,
            policy: Box::new(policy),
            backend,
        })
    }

    /// A new restart policy for a domain.
    ///
    /// # Errors
    /// The policy rejects settings that the checks of the configuration accepted.
    pub(crate) fn policy(&self, domain: &Domain) -> Result<RestartPolicyAdapter, Error> {
        let policy = RestartPolicyAdapter::new(
            domain,
            self.context.command.desired.clone(),
            Arc::clone(&self.context.states),
            self.context.hub.clone(),
            self.port_hint.clone(),
        );
        policy.map_err(|error| {
            let text = format!("{}: process.restart.backoff: {error}", domain.name);
            Error::new(ErrorKind::ConfigInvalid, text)
        })
    }

    /// A debugger may stop a domain at its first line, for as long as it takes.
    fn start_timeout(&self, domain: &Domain) -> Duration {
        match self.context.command.inspectors.is_inspected(domain) {
            true => DEBUGGED_START_TIMEOUT,
            false => domain.process.start_timeout,
        }
    }

    /// The settings in force for a domain that is supervised already.
    pub(crate) fn update(
        &self,
        desired: &DesiredState,
        domain: &Domain,
    ) -> DomainUpdate<DomainBackend> {
        let process = &domain.process;
        let is_awaited = |name: &str| {
            !self.selection.no_deps || desired.selected.iter().any(|selected| selected == name)
        };
        let dependencies: BTreeMap<String, Condition> = desired
            .app
            .dependencies(&domain.name)
            .into_iter()
            .filter(|(name, _)| is_awaited(name))
            .map(|(name, condition)| {
                let is_job = desired.app.domain(name).is_some_and(Domain::is_job);
                (name.to_owned(), to_condition(condition, is_job))
            })
            .collect();
        let settings = SettingsCache::new(
            domain.clone(),
            self.context.app(),
            Arc::clone(&self.load_options),
        );
        self.standby_settings.set(&domain.name, settings.clone());
        DomainUpdate {
            dependencies,
            timing: Timing {
                start_timeout: self.start_timeout(domain),
                time_limit: process.timeout.filter(|_| domain.is_job()),
                stop_grace: process.stop.grace,
                kill_wait: KILL_WAIT,
            },
            backend: DomainBackend {
                settings,
                context: self.context.clone(),
            },
        }
    }
}

/// A job takes no work: it is awaited to its end.
pub(crate) fn to_condition(condition: DependencyCondition, is_job: bool) -> Condition {
    match condition {
        DependencyCondition::Ready if is_job => Condition::Completed,
        DependencyCondition::Ready => Condition::Ready,
        DependencyCondition::Started => Condition::Started,
        DependencyCondition::Completed => Condition::Completed,
    }
}
