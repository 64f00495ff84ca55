//! Prepares and starts the lives of one domain: the supervisor's door to real processes.

use std::sync::Arc;

use fulcrum_config::{Domain, Program};
use fulcrum_logs::{Hub, Level};
use fulcrum_rpc::Registry;
use fulcrum_spawn::prepare::{NodeProgram, Notice, Toolbox, plan_command, plan_node};
use fulcrum_spawn::process::{Process, RunId, Spawner};
use fulcrum_spawn::supervisor::{Backend, Group, News};
use fulcrum_spawn::{CommandSpec, Failure};

use crate::command::environment::{Surroundings, environment};
use crate::context::now;
use crate::exit::diagnose::Coroner;
use crate::launch::install::{Client, Installer};
use crate::launch::permit::{Starts, Turn};
use crate::oom_monitor::OomWatch;
use crate::process::task;
use crate::process::task::Life;
use crate::readiness::probes;
use crate::readiness::probes::{Probed, Probes};
use crate::resources::limits;
use crate::settings_cache::Settings;
use crate::standby::node::NodeSpare;
use crate::standby::pool;
use crate::standby::pool::Standby;
use crate::state::desired::{Agendas, configured};
use crate::state::domain::Desks;
use crate::state::modules;

/// What the backends of all domains share.
#[derive(Clone)]
pub(crate) struct Workshop {
    pub(crate) around: Arc<Surroundings>,
    pub(crate) agendas: Agendas,
    pub(crate) toolbox: Arc<Toolbox>,
    pub(crate) spawner: Spawner,
    /// The run that every token names.
    pub(crate) run: RunId,
    pub(crate) installer: Installer,
    pub(crate) starts: Starts,
    pub(crate) hub: Hub,
    pub(crate) registry: Registry,
    pub(crate) desks: Desks,
    pub(crate) oom: OomWatch,
    pub(crate) standby: Standby<NodeSpare>,
    /// Whether missing packages are installed at all.
    pub(crate) install: bool,
}

/// One domain's backend.
pub(crate) struct DomainBackend {
    pub(crate) settings: Settings,
    pub(crate) workshop: Workshop,
}

/// A command ready to be executed, and the token that its process will present.
pub(crate) struct Plan {
    spec: CommandSpec,
    /// The settings that it was made of.
    settings: Arc<Domain>,
    token: String,
    turn: Turn,
}

impl Backend for DomainBackend {
    type Plan = Plan;

    fn prepare(
        &mut self,
        generation: u64,
    ) -> impl Future<Output = Result<Plan, Failure>> + Send + 'static {
        let (settings, workshop) = (self.settings.clone(), self.workshop.clone());
        async move {
            let reading = tokio::task::spawn_blocking(move || settings.refresh());
            let (domain, kept) = reading.await.map_err(|error| {
                Failure::permanent(format!("the look at its settings broke down: {error}"))
            })?;
            if let Some(kept) = kept {
                workshop
                    .hub
                    .announce(&domain.name, generation, Level::Warn, kept, now());
            }
            if matches!(domain.program, Program::Node { .. }) {
                let client = Client {
                    domain: &domain.name,
                    dir: &domain.dir,
                    app: &workshop.around.app,
                    hub: &workshop.hub,
                    spawner: &workshop.spawner,
                    run: &workshop.run,
                    generation,
                    allowed: workshop.install && domain.process.install,
                };
                workshop.installer.provide(&client).await?;
            }
            let turn = workshop.starts.turn().await;
            let (name, hub) = (domain.name.clone(), workshop.hub.clone());
            let planned = tokio::task::spawn_blocking(move || plan(&domain, &workshop, turn));
            let (plan, notices) = planned.await.map_err(|error| {
                Failure::permanent(format!("the look for its command broke down: {error}"))
            })??;
            for notice in notices {
                hub.announce(&name, generation, Level::Info, notice.to_string(), now());
            }
            Ok(plan)
        }
    }

    async fn spawn(&mut self, plan: Plan, news: News) -> Result<Arc<dyn Group>, Failure> {
        let Workshop {
            spawner,
            run,
            hub,
            registry,
            desks,
            oom,
            around,
            agendas,
            standby,
            ..
        } = &self.workshop;
        let desk = desks.get(&plan.settings.name);
        let Plan {
            spec,
            settings: domain,
            token,
            turn,
        } = plan;
        let spare = standby.take(&domain.name).await;
        let warm = spare.and_then(|spare| self.activate(spare, &domain, &spec, news.generation()));
        let (process, spec) = match warm {
            Some(warm) => warm,
            None => {
                let shared = Arc::new(spec.clone());
                if let Some(desk) = &desk {
                    // Before the spawn: the process may register before we are told of it.
                    desk.begin(news.generation(), token, &shared, &domain, None);
                }
                let label = format!("{}.{}", domain.name, news.generation());
                (Arc::new(spawner.spawn(spec, label).await?), shared)
            }
        };
        if let Some(desk) = &desk {
            turn.ends(desk, news.generation(), &process);
            desk.badge.send_modify(|badge| {
                if let Some(badge) = badge {
                    badge.pid = Some(process.pid());
                }
            });
        }
        limits::enforce(&domain, &process, news.generation(), hub);
        let probed = Probed {
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
        let now = configured(agendas, &domain.name);
        probes::begin(&Probes::of(now.as_deref().unwrap_or(&domain)), probed);
        let life = Life {
            domain: domain.name.as_str().into(),
            process,
            hub: hub.clone(),
            registry: registry.clone(),
            desks: Arc::clone(desks),
            coroner: Coroner::new(&domain, &around.app, hub, desks, oom),
            news,
        };
        Ok(task::begin(life, &domain.process.stop, agendas.clone()))
    }
}

impl DomainBackend {
    /// Makes a spare the life that was planned, with the command as it is then; where it can't
    /// become that, it is ended.
    fn activate(
        &self,
        spare: Arc<NodeSpare>,
        domain: &Arc<Domain>,
        planned: &CommandSpec,
        generation: u64,
    ) -> Option<(Arc<Process>, Arc<CommandSpec>)> {
        let hub = &self.workshop.hub;
        let Some(line) = spare.activation(domain, planned) else {
            pool::end(spare);
            return None;
        };
        let said = spare.process.drain_output();
        if !said.is_empty() {
            // Of the domain's code nothing was loaded, so it is Node that has something to say.
            let text = format!("a spare process said: {}", String::from_utf8_lossy(&said));
            hub.announce(&domain.name, generation, Level::Debug, text, now());
        }
        let mut spec = planned.clone();
        spare.own(&mut spec);
        let spec = Arc::new(spec);
        let process = Arc::clone(&spare.process);
        if let Some(desk) = self.workshop.desks.get(&domain.name) {
            let (token, pid) = (spare.token.clone(), Some(process.pid()));
            desk.begin(generation, token, &spec, domain, pid);
        }
        match process.tell(&line) {
            Ok(()) => {
                let text = format!("its spare process (pid {}) takes over", process.pid());
                hub.announce(&domain.name, generation, Level::Debug, text, now());
                Some((process, spec))
            }
            // It died this moment.
            Err(_) => {
                pool::end(spare);
                None
            }
        }
    }
}

fn plan(
    domain: &Arc<Domain>,
    workshop: &Workshop,
    turn: Turn,
) -> Result<(Plan, Vec<Notice>), Failure> {
    let token = workshop
        .run
        .token()
        .map_err(|error| Failure::passing(format!("no token can be made for it: {error}")))?;
    let (spec, notices) = command(domain, workshop, &token)?;
    let plan = Plan {
        spec,
        settings: Arc::clone(domain),
        token,
        turn,
    };
    Ok((plan, notices))
}

/// The command of a life that presents this token.
pub(crate) fn command(
    domain: &Domain,
    workshop: &Workshop,
    token: &str,
) -> Result<(CommandSpec, Vec<Notice>), Failure> {
    let around = &workshop.around;
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
        Program::None => Err(
            Failure::permanent(format!("{} has no entry point", domain.name))
                .cure("add a domain.js or domain.ts, or set process.entry"),
        ),
    }
}
