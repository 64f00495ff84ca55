//! Prepares and starts the lives of one domain: the supervisor's door to real processes.

use std::sync::Arc;

use fulcrum_config::{Domain, Program};
use fulcrum_logs::{Hub, Level};
use fulcrum_rpc::Registry;
use fulcrum_spawn::prepare::{NodeProgram, Notice, Toolbox, plan_command, plan_node};
use fulcrum_spawn::process::{RunId, Spawner};
use fulcrum_spawn::supervisor::{Backend, Group, News};
use fulcrum_spawn::{CommandSpec, Failure};

use super::agenda::{Agendas, configured};
use super::desk::{Badge, Desks};
use super::environment::{Surroundings, environment};
use super::house::now;
use super::install::{Client, Installer};
use super::life::{self, Life};
use super::limits;
use super::obituary::Coroner;
use super::oom::OomWatch;
use super::probes::{self, Probed, Probes};
use super::settings::Settings;
use super::starts::{Starts, Turn};

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
            ..
        } = &self.workshop;
        let domain = Arc::clone(&plan.settings);
        let spec = Arc::new(plan.spec.clone());
        let probed = Arc::clone(&spec);
        let badge = Badge {
            generation: news.generation(),
            token: plan.token,
            pid: None,
            spec,
            settings: Arc::clone(&domain),
            over: false,
        };
        if let Some(desk) = desks.get(&domain.name) {
            // Before the spawn: the process may register before we are told of it.
            desk.badge.send_replace(Some(badge));
            desk.last_beat.send_replace(None);
            desk.lag.send_replace(None);
        }
        let label = format!("{}.{}", domain.name, news.generation());
        let process = Arc::new(spawner.spawn(plan.spec, label).await?);
        if let Some(desk) = desks.get(&domain.name) {
            plan.turn.ends(&desk, news.generation(), &process);
            desk.badge.send_modify(|badge| {
                if let Some(badge) = badge {
                    badge.pid = Some(process.pid());
                }
            });
        }
        limits::enforce(&domain, &process, news.generation(), hub);
        let probed = Probed {
            domain: domain.name.as_str().into(),
            spec: probed,
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
        Ok(life::begin(life, &domain.process.stop, agendas.clone()))
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
    let around = &workshop.around;
    let level = workshop.agendas.borrow().app.runtime.logs.level.clone();
    let env = environment(around, domain, &level, &token)?;
    let process = &domain.process;
    let (spec, notices) = match &domain.program {
        Program::Node { entry } => {
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
            };
            plan_node(&program, &workshop.toolbox)?
        }
        Program::Command(argv) => {
            let argv: Vec<String> = argv.iter().chain(&process.args).cloned().collect();
            let path = env
                .get(std::ffi::OsStr::new("PATH"))
                .cloned()
                .unwrap_or_default();
            plan_command(&argv, &process.cwd, env, &path)?
        }
        Program::None => {
            return Err(
                Failure::permanent(format!("{} has no entry point", domain.name))
                    .cure("add a domain.js or domain.ts, or set process.entry"),
            );
        }
    };
    let settings = Arc::clone(domain);
    let plan = Plan {
        spec,
        settings,
        token,
        turn,
    };
    Ok((plan, notices))
}
