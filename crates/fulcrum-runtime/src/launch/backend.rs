//! Prepares and starts the lives of one domain: the supervisor's door to real processes.

use std::sync::Arc;

use fulcrum_config::{Domain, Program};
use fulcrum_logs::{Hub, Level};
use fulcrum_rpc::Registry;
use fulcrum_spawn::prepare::{NodeProgram, PrepareContext, StartWarning, plan_command, plan_node};
use fulcrum_spawn::process::{OomMonitor, Process, RunId, Spawner};
use fulcrum_spawn::standby::{StandbyPool, end_in_background};
use fulcrum_spawn::supervisor::{Backend, FactSender, ProcessGroup, StartLimiter, StartPermit};
use fulcrum_spawn::{CommandSpec, StartError};

use crate::command::environment::{EnvironmentBase, environment};
use crate::context::now;
use crate::exit::diagnose::ExitDiagnoser;
use crate::launch::install::{InstallRequest, PackageInstaller};
use crate::launch::permit::release_when_started;
use crate::process::task;
use crate::process::task::ProcessTask;
use crate::readiness::probes;
use crate::readiness::probes::{ProbeSet, ProbeTarget};
use crate::resources::limits;
use crate::settings_cache::SettingsCache;
use crate::standby::node::{NodeStandby, NodeStandbyFactory};
use crate::state::desired::{DesiredStateReceiver, current_config};
use crate::state::domain::SharedDomainStates;
use crate::state::modules;
use fulcrum_config::SettingsCache;

/// What the backends of all domains share.
#[derive(Clone)]
pub(crate) struct LaunchContext {
    pub(crate) environment: Arc<EnvironmentBase>,
    pub(crate) agendas: DesiredStateReceiver,
    pub(crate) toolbox: Arc<PrepareContext>,
    pub(crate) spawner: Spawner,
    /// The run that every token names.
    pub(crate) run: RunId,
    pub(crate) installer: PackageInstaller,
    pub(crate) starts: StartLimiter,
    pub(crate) hub: Hub,
    pub(crate) registry: Registry,
    pub(crate) desks: SharedDomainStates,
    pub(crate) oom: OomMonitor,
    pub(crate) standby: StandbyPool<NodeStandby>,
    /// Whether missing packages are installed at all.
    pub(crate) install: bool,
}

/// One domain's backend.
pub(crate) struct DomainBackend {
    pub(crate) settings: SettingsCache,
    pub(crate) workshop: LaunchContext,
}

/// A command ready to be executed, and the token that its process will present.
pub(crate) struct LaunchPlan {
    spec: CommandSpec,
    /// The settings that it was made of.
    settings: Arc<Domain>,
    token: String,
    turn: StartPermit,
}

impl Backend for DomainBackend {
    type LaunchPlan = LaunchPlan;

    fn prepare(
        &mut self,
        generation: u64,
    ) -> impl Future<Output = Result<LaunchPlan, StartError>> + Send + 'static {
        let (settings, workshop) = (self.settings.clone(), self.workshop.clone());
        async move {
            let reading = tokio::task::spawn_blocking(move || settings.refresh());
            let (domain, kept) = reading.await.map_err(|error| {
                StartError::permanent(format!("the look at its settings broke down: {error}"))
            })?;
            if let Some(kept) = kept {
                workshop
                    .hub
                    .publish_event(&domain.name, generation, Level::Warn, kept, now());
            }
            if matches!(domain.program, Program::Node { .. }) {
                let client = InstallRequest {
                    domain: &domain.name,
                    dir: &domain.dir,
                    app: &workshop.environment.app,
                    hub: &workshop.hub,
                    spawner: &workshop.spawner,
                    run: &workshop.run,
                    generation,
                    install_allowed: workshop.install && domain.process.install,
                };
                workshop.installer.ensure_installed(&client).await?;
            }
            let turn = workshop.starts.acquire().await;
            let (name, hub) = (domain.name.clone(), workshop.hub.clone());
            let planned =
                tokio::task::spawn_blocking(move || plan_launch(&domain, &workshop, turn));
            let (plan, notices) = planned.await.map_err(|error| {
                StartError::permanent(format!("the look for its command broke down: {error}"))
            })??;
            for notice in notices {
                hub.publish_event(&name, generation, Level::Info, notice.to_string(), now());
            }
            Ok(plan)
        }
    }

    async fn spawn(
        &mut self,
        plan: LaunchPlan,
        news: FactSender,
    ) -> Result<Arc<dyn ProcessGroup>, StartError> {
        let LaunchContext {
            spawner,
            run,
            hub,
            registry,
            desks,
            oom,
            environment: around,
            agendas,
            standby,
            ..
        } = &self.workshop;
        let desk = desks.get(&plan.settings.name);
        let LaunchPlan {
            spec,
            settings: domain,
            token,
            turn,
        } = plan;
        let spare = standby.acquire(&domain.name).await;
        let warm =
            spare.and_then(|spare| self.activate_standby(spare, &domain, &spec, news.generation()));
        let (process, spec) = match warm {
            Some(warm) => warm,
            None => {
                let shared = Arc::new(spec.clone());
                if let Some(desk) = &desk {
                    // Before the spawn: the process may register before we are told of it.
                    desk.set_process(news.generation(), token, &shared, &domain, None);
                }
                let label = format!("{}.{}", domain.name, news.generation());
                (Arc::new(spawner.spawn(spec, label).await?), shared)
            }
        };
        if let Some(desk) = &desk {
            release_when_started(turn, desk, news.generation(), &process);
            desk.process.send_modify(|badge| {
                if let Some(badge) = badge {
                    badge.pid = Some(process.pid());
                }
            });
        }
        limits::apply_kernel_limits(&domain, &process, news.generation(), hub);
        let probed = ProbeTarget {
            domain: domain.name.as_str().into(),
            spec,
            spawner: spawner.clone(),
            run: run.clone(),
            hub: hub.clone(),
            desks: Arc::clone(desks),
            agendas: agendas.clone(),
            news: news.clone(),
        };
        // They are those that hold now, whenever this life was prepared.
        let now = current_config(agendas, &domain.name);
        probes::begin(&ProbeSet::of(now.as_deref().unwrap_or(&domain)), probed);
        let life = ProcessTask {
            domain: domain.name.as_str().into(),
            process,
            hub: hub.clone(),
            registry: registry.clone(),
            desks: Arc::clone(desks),
            coroner: ExitDiagnoser::new(&domain, &around.app, hub, desks, oom),
            news,
        };
        Ok(task::start(life, &domain.process.stop, agendas.clone()))
    }
}

impl DomainBackend {
    /// Makes a spare the life that was planned, with the command as it is then; where it can't
    /// become that, it is ended.
    fn activate_standby(
        &self,
        spare: Arc<NodeStandby>,
        domain: &Arc<Domain>,
        planned: &CommandSpec,
        generation: u64,
    ) -> Option<(Arc<Process>, Arc<CommandSpec>)> {
        let hub = &self.workshop.hub;
        let Some(line) = spare.activation(domain, planned) else {
            end_in_background::<NodeStandbyFactory>(spare);
            return None;
        };
        let said = spare.process.drain_output();
        if !said.is_empty() {
            // Of the domain's code nothing was loaded, so it is Node that has something to say.
            let text = format!("a spare process said: {}", String::from_utf8_lossy(&said));
            hub.publish_event(&domain.name, generation, Level::Debug, text, now());
        }
        let mut spec = planned.clone();
        spare.apply_identity(&mut spec);
        let spec = Arc::new(spec);
        let process = Arc::clone(&spare.process);
        if let Some(desk) = self.workshop.desks.get(&domain.name) {
            let (token, pid) = (spare.token.clone(), Some(process.pid()));
            desk.set_process(generation, token, &spec, domain, pid);
        }
        match process.write_stdin(&line) {
            Ok(()) => {
                let text = format!("its spare process (pid {}) takes over", process.pid());
                hub.publish_event(&domain.name, generation, Level::Debug, text, now());
                Some((process, spec))
            }
            // It died this moment.
            Err(_) => {
                end_in_background::<NodeStandbyFactory>(spare);
                None
            }
        }
    }
}

fn plan_launch(
    domain: &Arc<Domain>,
    workshop: &LaunchContext,
    turn: StartPermit,
) -> Result<(LaunchPlan, Vec<StartWarning>), StartError> {
    let token = workshop
        .run
        .token()
        .map_err(|error| StartError::transient(format!("no token can be made for it: {error}")))?;
    let (spec, notices) = build_command(domain, workshop, &token)?;
    let plan = LaunchPlan {
        spec,
        settings: Arc::clone(domain),
        token,
        turn,
    };
    Ok((plan, notices))
}

/// The command of a life that presents this token.
pub(crate) fn build_command(
    domain: &Domain,
    workshop: &LaunchContext,
    token: &str,
) -> Result<(CommandSpec, Vec<StartWarning>), StartError> {
    let around = &workshop.environment;
    let level = workshop.agendas.borrow().app.runtime.logs.level.clone();
    let env = environment(around, domain, &level, token)?;
    let process = &domain.process;
    match &domain.program {
        Program::Node { entry } => {
            let modules = around.modules.as_ref();
            let modules = modules.map(|folder| modules::file(folder, &domain.name));
            let program = NodeProgram {
                name: &domain.name,
                entry,
                dir: &domain.dir,
                app_root: &around.app,
                node: process.node.as_deref(),
                node_args: &process.node_args,
                args: &process.args,
                cwd: &process.cwd,
                env,
                parent: std::process::id(),
                modules: modules.as_deref(),
            };
            plan_node(&program, &workshop.toolbox)
        }
        Program::Command(argv) => {
            let argv: Vec<String> = argv.iter().chain(&process.args).cloned().collect();
            let path = env
                .get(std::ffi::OsStr::new("PATH"))
                .cloned()
                .unwrap_or_default();
            plan_command(&argv, &process.cwd, env, &path)
        }
        Program::NoProcess => Err(StartError::permanent(format!(
            "{} has no entry point",
            domain.name
        ))
        .hint("add a domain.js or domain.ts, or set process.entry")),
    }
}
