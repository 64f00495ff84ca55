//! Spares of Node domains.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::sync::{Arc, OnceLock};

use fulcrum_config::{Domain, PortSetting, Program};
use fulcrum_logs::Level;
use fulcrum_spawn::CommandSpec;
use fulcrum_spawn::prepare::StandbyCommand;
use fulcrum_spawn::process::Process;
use fulcrum_spawn::standby::StandbyFactory;
use rustix::process::Signal;
use tokio::sync::watch;

use crate::context::log;
use crate::launch::backend::{LaunchContext, build_command};
use crate::process::untracked::TOKEN_VAR;
use crate::settings_cache::SettingsCache;

/// Makes spares as the domains' backends make lives. Clones make the same ones.
#[derive(Clone, Default)]
pub(crate) struct NodeStandbyFactory {
    /// Set once, when it is there: the workshop holds the standby, and that holds this.
    workshop: Arc<OnceLock<LaunchContext>>,
    /// What domains are started with; written by who sets them up.
    settings: watch::Sender<BTreeMap<String, SettingsCache>>,
}

/// A spare that was started.
pub(crate) struct NodeStandby {
    pub(crate) process: Arc<Process>,
    /// What it was started with, and will present when it registers.
    pub(crate) token: String,
    spare: StandbyCommand,
}

impl NodeStandbyFactory {
    /// From now on spares can be made.
    pub(crate) fn set_context(&self, workshop: LaunchContext) {
        let _ = self.workshop.set(workshop);
    }

    /// What a domain's lives are started with from now on.
    pub(crate) fn set_settings(&self, domain: &str, settings: SettingsCache) {
        self.settings.send_modify(|known| {
            known.insert(domain.to_owned(), settings);
        });
    }
}

impl StandbyFactory for NodeStandbyFactory {
    type Standby = NodeStandby;

    async fn start(&self, domain: &str) -> Option<NodeStandby> {
        let workshop = self.workshop.get()?;
        let settings = self.settings.borrow().get(domain)?.clone();
        let turn = workshop.starts.acquire().await;
        let planning = {
            let workshop = workshop.clone();
            tokio::task::spawn_blocking(move || {
                // What the next life will be started with, unless the files change again.
                let (domain, _) = settings.refresh();
                plan(&domain, &workshop)
            })
        };
        let (spare, token) = planning.await.ok()??;
        let badge = workshop.desks.get(domain)?.process.borrow().clone();
        let next = badge.map_or(1, |badge| badge.generation + 1);
        let label = format!("{domain}.{next}.standby");
        let process = workshop.spawner.spawn(spare.command.clone(), label).await;
        drop(turn);
        let process = Arc::new(process.ok()?);
        let text = format!("a spare process (pid {}) waits for {domain}", process.pid());
        log(&workshop.hub, Level::Debug, text);
        Some(NodeStandby {
            process,
            token,
            spare,
        })
    }

    async fn exited(spare: &NodeStandby) {
        spare.process.exited().await;
        // What it may have left behind is nothing that was asked for.
        spare.process.signal(Signal::KILL);
        spare.process.group_empty().await;
    }

    async fn end(spare: &NodeStandby) {
        spare.process.signal(Signal::KILL);
        spare.process.exited().await;
        spare.process.group_empty().await;
    }
}

impl NodeStandby {
    /// The line that makes it the life that was planned; none where it can't become that.
    pub(crate) fn activation(&self, domain: &Domain, wanted: &CommandSpec) -> Option<Vec<u8>> {
        if self.process.is_over() {
            return None;
        }
        // Chosen anew for each life.
        let port = (domain.process.port == Some(PortSetting::Auto)).then_some("PORT");
        self.spare.activation(wanted, &[TOKEN_VAR], port.as_slice())
    }

    /// What of a plan is the spare's own.
    pub(crate) fn apply_identity(&self, wanted: &mut CommandSpec) {
        if let Some(token) = wanted.env.get_mut(OsStr::new(TOKEN_VAR)) {
            *token = self.token.clone().into();
        }
    }
}

fn plan(domain: &Domain, workshop: &LaunchContext) -> Option<(StandbyCommand, String)> {
    if !matches!(domain.program, Program::Node { .. }) {
        return None;
    }
    let token = workshop.run.token().ok()?;
    // What keeps it from starting is told when it is to start.
    let (cold, _) = build_command(domain, workshop, &token).ok()?;
    let spare = StandbyCommand::of(&cold, &workshop.environment.app, &workshop.toolbox)?;
    Some((spare, token))
}
