//! Standby processes of Node domains.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::sync::Arc;

use fulcrum_config::{Domain, JsRuntime, PortSetting, Program, SettingsCache};
use fulcrum_logs::{Hub, Level};
use fulcrum_spawn::CommandSpec;
use fulcrum_spawn::prepare::StandbyCommand;
use fulcrum_spawn::process::{Process, RunId, Spawner};
use fulcrum_spawn::standby::StandbyFactory;
use fulcrum_spawn::supervisor::StartLimiter;
use rustix::process::Signal;
use tokio::sync::watch;

use crate::command::build::{CommandContext, build_command};
use crate::command::environment::ForProcess;
use crate::state::domain::SharedDomainStates;
use crate::state::process::TOKEN_VAR;
use crate::traces::variables::OF_GENERATION;

/// Starts standby processes from the same settings as generations.
#[derive(Clone)]
pub(crate) struct NodeStandbyFactory {
    pub(crate) command: CommandContext,
    pub(crate) spawner: Spawner,
    /// The run that tokens name.
    pub(crate) run: RunId,
    pub(crate) limiter: StartLimiter,
    pub(crate) states: SharedDomainStates,
    pub(crate) hub: Hub,
    /// The settings of each domain. Written by the domain factory.
    pub(crate) settings: StandbySettings,
}

/// The settings that standby processes are started from, by domain.
#[derive(Clone, Default)]
pub(crate) struct StandbySettings(watch::Sender<BTreeMap<String, SettingsCache>>);

impl StandbySettings {
    /// Sets the settings of a domain.
    pub(crate) fn set(&self, domain: &str, settings: SettingsCache) {
        self.0.send_modify(|all| {
            all.insert(domain.to_owned(), settings);
        });
    }

    fn get(&self, domain: &str) -> Option<SettingsCache> {
        self.0.borrow().get(domain).cloned()
    }
}

/// A standby process of a Node domain.
pub(crate) struct NodeStandby {
    pub(crate) process: Arc<Process>,
    /// The token in its environment, with which it will register.
    pub(crate) token: String,
    command: StandbyCommand,
}

impl StandbyFactory for NodeStandbyFactory {
    type Standby = NodeStandby;

    async fn start(&self, domain: &str) -> Option<NodeStandby> {
        let settings = self.settings.get(domain)?;
        let permit = self.limiter.acquire().await;
        let factory = self.clone();
        let planning = tokio::task::spawn_blocking(move || {
            // The settings of the next generation, unless files change again.
            let (domain, _) = settings.refresh();
            factory.plan(&domain)
        });
        let (command, token) = planning.await.ok()??;
        let current = self.states.get(domain)?.process.borrow().clone();
        let next = current.map_or(1, |process| process.generation + 1);
        let label = format!("{domain}.{next}.standby");
        let process = self.spawner.spawn(command.command.clone(), label).await;
        drop(permit);
        let process = Arc::new(process.ok()?);
        let text = format!(
            "standby process of {domain} started (pid {})",
            process.pid()
        );
        self.hub.log(Level::Debug, text);
        Some(NodeStandby {
            process,
            token,
            command,
        })
    }

    async fn exited(standby: &NodeStandby) {
        standby.process.exited().await;
        // Processes that it may have started are not wanted.
        standby.process.signal(Signal::KILL);
        standby.process.group_empty().await;
    }

    async fn end(standby: &NodeStandby) {
        standby.process.signal(Signal::KILL);
        standby.process.exited().await;
        standby.process.group_empty().await;
    }
}

impl NodeStandbyFactory {
    fn plan(&self, domain: &Domain) -> Option<(StandbyCommand, String)> {
        let is_node = matches!(domain.program, Program::Node { .. })
            && domain.process.runtime == JsRuntime::Node;
        // The generation that runs holds the port of the inspector.
        let is_inspected = self.command.inspectors.is_inspected(domain);
        if domain.is_job() || !is_node || is_inspected {
            return None;
        }
        let token = self.run.token().ok()?;
        let process = ForProcess {
            token: &token,
            generation: 0,
        };
        // An error is reported when the domain is started.
        let (command, _) = build_command(domain, &self.command, process).ok()?;
        let app = &self.command.environment.app;
        let standby = StandbyCommand::new(&command, app, &self.command.prepare)?;
        Some((standby, token))
    }
}

impl NodeStandby {
    /// The line that makes it run a planned command; `None` if it cannot.
    pub(crate) fn activation(&self, domain: &Domain, planned: &CommandSpec) -> Option<Vec<u8>> {
        if self.process.is_over() {
            return None;
        }
        // Chosen again for each generation.
        let port = (domain.process.port == Some(PortSetting::Auto)).then_some("PORT");
        let passed = [port.as_slice(), &OF_GENERATION].concat();
        self.command.activation(planned, &[TOKEN_VAR], &passed)
    }

    /// Replaces the token of a planned command by that of the standby process.
    pub(crate) fn apply_identity(&self, planned: &mut CommandSpec) {
        if let Some(token) = planned.env.get_mut(OsStr::new(TOKEN_VAR)) {
            *token = self.token.clone().into();
        }
    }
}
