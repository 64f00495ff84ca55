//! The supervisor's backend: prepares and spawns the generations of one domain.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::{Domain, Program, SettingsCache};
use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_rpc::Registry;
use fulcrum_spawn::prepare::{PackageInstaller, StartWarning};
use fulcrum_spawn::process::{OomMonitor, Process, RunId, Spawner};
use fulcrum_spawn::standby::{StandbyPool, end_in_background};
use fulcrum_spawn::supervisor::{Backend, FactSender, ProcessGroup, StartLimiter, StartPermit};
use fulcrum_spawn::{CommandSpec, StartError};
use tokio::time::Instant;

use crate::clock;
use crate::code::Code;
use crate::command::build::{CommandContext, build_command};
use crate::command::environment::{ForProcess, environment};
use crate::exit::diagnose::ExitDiagnoser;
use crate::exit::port_conflict;
use crate::hooks::command::{HookCommand, HookKind, HookSpawner};
use crate::launch::install::{InstallRequest, ensure_installed};
use crate::launch::permit::release_when_started;
use crate::liveness::inspector;
use crate::log_lines::log_for_domain;
use crate::process::task::{self, ProcessTask};
use crate::readiness::probe_set::ProbeSet;
use crate::readiness::runner;
use crate::readiness::target::ProbeTarget;
use crate::resources::limits;
use crate::standby::{NodeStandby, NodeStandbyFactory};
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;
use crate::state::start_times::Preparation;
use crate::traces::starts::StartTraces;

/// What the backends of all domains share.
#[derive(Clone)]
pub(crate) struct LaunchContext {
    pub(crate) command: CommandContext,
    pub(crate) spawner: Spawner,
    /// The run that tokens name.
    pub(crate) run: RunId,
    pub(crate) installer: PackageInstaller,
    /// Whether missing packages may be installed.
    pub(crate) install_allowed: bool,
    pub(crate) limiter: StartLimiter,
    pub(crate) standby: StandbyPool<NodeStandby>,
    pub(crate) registry: Registry,
    pub(crate) states: SharedDomainStates,
    pub(crate) oom: OomMonitor,
    pub(crate) hub: Hub,
}

impl LaunchContext {
    /// The app root.
    pub(crate) fn app(&self) -> &Path {
        &self.command.environment.app
    }

    fn desired(&self) -> &DesiredStateReceiver {
        &self.command.desired
    }
}

/// The backend of one domain.
pub(crate) struct DomainBackend {
    pub(crate) settings: SettingsCache,
    pub(crate) context: LaunchContext,
}

/// A command that is ready to be executed.
pub(crate) struct LaunchPlan {
    spec: CommandSpec,
    /// The settings that the command was made from.
    config: Arc<Domain>,
    /// The token that the process will present.
    token: String,
    permit: StartPermit,
}

impl Backend for DomainBackend {
    type LaunchPlan = LaunchPlan;

    fn prepare(
        &mut self,
        generation: u64,
    ) -> impl Future<Output = Result<LaunchPlan, StartError>> + Send + 'static {
        prepare(self.settings.clone(), self.context.clone(), generation)
    }

    async fn spawn(
        &mut self,
        plan: LaunchPlan,
        facts: FactSender,
    ) -> Result<Arc<dyn ProcessGroup>, StartError> {
        let context = &self.context;
        let (config, permit) = (Arc::clone(&plan.config), plan.permit);
        let generation = facts.generation();
        let state = context.states.get(&config.name);
        let from = clock::now();
        let standby = context.standby.acquire(&config.name).await;
        let activated =
            standby.and_then(|one| self.activate_standby(one, &config, &plan.spec, generation));
        let (process, spec) = match activated {
            Some(activated) => activated,
            None => {
                let spec = Arc::new(plan.spec);
                if let Some(state) = &state {
                    // Before the spawn: the process may register before the spawn returns.
                    state.set_process(generation, plan.token, &spec, &config, None);
                }
                let label = format!("{}.{generation}", config.name);
                let process = context.spawner.spawn(spec.as_ref().clone(), label).await?;
                (Arc::new(process), spec)
            }
        };
        if let Some(state) = &state {
            if is_node(&config) {
                release_when_started(permit, state, generation, &process);
            }
            state.process.send_modify(|identity| {
                if let Some(identity) = identity {
                    identity.pid = Some(process.pid());
                }
            });
        }
        if let Some(state) = &state {
            let hub = &context.hub;
            inspector::follow(hub, state, &config.name, generation, &spec, &process);
        }
        let traces = &context.command.environment.traces;
        traces.spawned(&config.name, generation, from);
        limits::apply_kernel_limits(&config, &process, generation, &context.hub);
        self.start_probes(&config, spec, &process, facts.clone());
        let task = ProcessTask {
            domain: config.name.as_str().into(),
            process,
            hub: context.hub.clone(),
            registry: context.registry.clone(),
            states: Arc::clone(&context.states),
            diagnoser: ExitDiagnoser::new(
                &config,
                context.app(),
                &context.hub,
                &context.states,
                &context.oom,
            ),
            facts,
        };
        let stop = &config.process.stop;
        Ok(task::start(task, stop, context.desired().clone()))
    }
}

impl DomainBackend {
    /// Makes a standby process run a planned command. One that cannot is ended.
    fn activate_standby(
        &self,
        standby: Arc<NodeStandby>,
        config: &Arc<Domain>,
        planned: &CommandSpec,
        generation: u64,
    ) -> Option<(Arc<Process>, Arc<CommandSpec>)> {
        let log = |text| {
            let hub = &self.context.hub;
            log_for_domain(hub, &config.name, generation, Level::Debug, text);
        };
        let Some(line) = standby.activation(config, planned) else {
            end_in_background::<NodeStandbyFactory>(standby);
            return None;
        };
        let output = standby.process.drain_output();
        if !output.is_empty() {
            // The domain's code is not loaded yet, so the output is Node's.
            let output = String::from_utf8_lossy(&output);
            log(format!("output of the standby process: {output}"));
        }
        let mut spec = planned.clone();
        standby.apply_identity(&mut spec);
        let spec = Arc::new(spec);
        let process = Arc::clone(&standby.process);
        if let Some(state) = self.context.states.get(&config.name) {
            let (token, pid) = (standby.token.clone(), Some(process.pid()));
            state.set_process(generation, token, &spec, config, pid);
        }
        match process.write_stdin(&line) {
            Ok(()) => {
                log(format!("standby process activated (pid {})", process.pid()));
                Some((process, spec))
            }
            // It has just exited.
            Err(_) => {
                end_in_background::<NodeStandbyFactory>(standby);
                None
            }
        }
    }

    /// Starts the probes of a generation, by the configuration in force.
    fn start_probes(
        &self,
        config: &Arc<Domain>,
        spec: Arc<CommandSpec>,
        process: &Arc<Process>,
        facts: FactSender,
    ) {
        let context = &self.context;
        let current = context.desired().domain(&config.name);
        let probes = ProbeSet::of(current.as_deref().unwrap_or(config));
        let target = ProbeTarget {
            domain: config.name.as_str().into(),
            spec,
            process: Arc::clone(process),
            spawner: context.spawner.clone(),
            limiter: context.limiter.clone(),
            run: context.run.clone(),
            hub: context.hub.clone(),
            states: Arc::clone(&context.states),
            desired: context.desired().clone(),
            facts,
            traces: context.command.environment.traces.clone(),
        };
        runner::start(probes, target);
    }
}

async fn prepare(
    settings: SettingsCache,
    context: LaunchContext,
    generation: u64,
) -> Result<LaunchPlan, StartError> {
    let refreshing = tokio::task::spawn_blocking(move || settings.refresh());
    let (domain, warning) = refreshing
        .await
        .map_err(|error| StartError::permanent(format!("failed to read its settings: {error}")))?;
    let (name, hub) = (domain.name.clone(), context.hub.clone());
    let traces = context.command.environment.traces.clone();
    traces.begin(&name, generation);
    let record = |traces: &StartTraces, part, from, result: &Result<(), StartError>| {
        let error = result.as_ref().err().map(ToString::to_string);
        traces.part(&name, generation, part, (from, error));
    };
    let state = context.states.get(&name);
    let spent = |part: fn(&mut Preparation) -> &mut Duration, since: Instant| {
        if let Some(state) = &state {
            let times = &state.start_times;
            times.send_modify(|times| times.on_prepared(|all| *part(all) += since.elapsed()));
        }
    };
    let log = |level, text: String| log_for_domain(&hub, &name, generation, level, text);
    if let Some(warning) = warning {
        log(Level::Warn, with_code(&warning, Code::SettingsUnreadable));
    }
    if let Some((cause, hint)) = port_holder(&domain, &context).await {
        log(Level::Warn, format!("{cause}\nhint: {hint}"));
    }
    let since = Instant::now();
    if is_node(&domain) {
        let env = install_environment(&domain, &context).await?;
        let from = clock::now();
        let installed = install_packages(&domain, &context, &env, generation).await;
        record(&traces, "install", from, &installed);
        installed?;
    }
    spent(|parts| &mut parts.install, since);
    let since = Instant::now();
    let permit = acquire_permit(&domain, &context.limiter).await;
    spent(|parts| &mut parts.queue, since);
    let limiter = context.limiter.clone();
    let hooks = HookSpawner {
        spawner: context.spawner.clone(),
        run: context.run.clone(),
        hub: context.hub.clone(),
    };
    let (since, from) = (Instant::now(), clock::now());
    let planning =
        tokio::task::spawn_blocking(move || plan_launch(&domain, &context, permit, generation));
    let planned = planning.await.map_err(|error| {
        StartError::permanent(format!("failed to prepare its command: {error}"))
    })?;
    // TypeScript that the entry imports is compiled there.
    record(
        &traces,
        "transform",
        from,
        &planned.as_ref().map(drop).map_err(Clone::clone),
    );
    spent(|parts| &mut parts.transform, since);
    let (plan, warnings) = planned?;
    for warning in warnings {
        log(Level::Info, warning.to_string());
    }
    if plan.config.process.hooks.before_start.is_empty() {
        return Ok(plan);
    }
    let since = Instant::now();
    let plan = run_before_start(plan, &hooks, &limiter, generation).await;
    spent(|parts| &mut parts.hook, since);
    plan
}

/// Installs the packages of a Node domain that are missing.
async fn install_packages(
    domain: &Domain,
    context: &LaunchContext,
    env: &BTreeMap<OsString, OsString>,
    generation: u64,
) -> Result<(), StartError> {
    let request = InstallRequest {
        domain,
        app: context.app().to_path_buf(),
        env,
        context: &context.command.prepare,
        hub: &context.hub,
        spawner: &context.spawner,
        run: &context.run,
        generation,
        install_allowed: context.install_allowed && domain.process.install,
        states: &context.states,
    };
    ensure_installed(&context.installer, &request).await
}

/// Who listens on the port of a domain that is about to start, and what to do about it. The start goes
/// on: the domain may use another address, or not listen at all.
async fn port_holder(domain: &Arc<Domain>, context: &LaunchContext) -> Option<(String, String)> {
    domain.process.port?;
    let (domain, context) = (Arc::clone(domain), context.clone());
    // Reads /proc, which may block.
    let looking = tokio::task::spawn_blocking(move || {
        let app = &context.desired().current().app;
        let port = context.command.environment.auto_ports.of(&domain, app);
        let address = format!(":::{}", port.ok()??);
        port_conflict::diagnose(&address, &context.states, &domain.name)
    });
    looking.await.ok().flatten()
}

/// Runs the hook before a start. It holds no permit: it may wait for another domain.
async fn run_before_start(
    plan: LaunchPlan,
    hooks: &HookSpawner,
    limiter: &StartLimiter,
    generation: u64,
) -> Result<LaunchPlan, StartError> {
    let LaunchPlan {
        spec,
        config,
        token,
        permit,
    } = plan;
    drop(permit);
    let hook = HookCommand {
        kind: HookKind::BeforeStart,
        domain: &config.name,
        generation,
        settings: &config.process.hooks,
        cwd: &config.process.cwd,
        env: spec.env.clone(),
        end: None,
    };
    hooks.run(hook).await?;
    let permit = acquire_permit(&config, limiter).await;
    Ok(LaunchPlan {
        spec,
        config,
        token,
        permit,
    })
}

async fn acquire_permit(domain: &Domain, limiter: &StartLimiter) -> StartPermit {
    match is_node(domain) {
        true => limiter.acquire().await,
        false => limiter.acquire_fork().await,
    }
}

/// The environment of the domain, by which its Node is found.
async fn install_environment(
    domain: &Arc<Domain>,
    context: &LaunchContext,
) -> Result<BTreeMap<OsString, OsString>, StartError> {
    let (domain, base) = (Arc::clone(domain), Arc::clone(&context.command.environment));
    let desired = context.desired().clone();
    tokio::task::spawn_blocking(move || {
        environment(
            &base,
            &domain,
            &desired.current().app,
            ForProcess::default(),
        )
    })
    .await
    .map_err(|error| StartError::permanent(format!("failed to read its environment: {error}")))?
}

/// Whether Fulcrum runs the domain with Node, so that its start is computation.
fn is_node(domain: &Domain) -> bool {
    matches!(domain.program, Program::Node { .. })
}

fn plan_launch(
    config: &Arc<Domain>,
    context: &LaunchContext,
    permit: StartPermit,
    generation: u64,
) -> Result<(LaunchPlan, Vec<StartWarning>), StartError> {
    let token = context
        .run
        .token()
        .map_err(|error| StartError::from_io(format!("cannot create a token: {error}"), &error))?;
    let process = ForProcess {
        token: &token,
        generation,
    };
    let (spec, warnings) = build_command(config, &context.command, process)?;
    let plan = LaunchPlan {
        spec,
        config: Arc::clone(config),
        token,
        permit,
    };
    Ok((plan, warnings))
}
