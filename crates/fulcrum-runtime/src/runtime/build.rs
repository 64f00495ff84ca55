//! Builds an instance from its parts.

use std::collections::BTreeSet;
use std::sync::Arc;

use fulcrum_config::{App, Mode, RegistrationMode, Selection};
use fulcrum_rpc::{
    Authorizer, DomainEvent, Registry, ServerConfig, SharedObserver, TokenPolicy,
    UnimplementedHandler,
};
use fulcrum_spawn::prepare::PackageInstaller;
use fulcrum_spawn::process::OomMonitor;
use fulcrum_spawn::standby::StandbyPool;
use fulcrum_spawn::supervisor::{DomainManager, StartLimiter, Supervisor, Transition};
use fulcrum_telemetry::metrics::Metrics;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::clock;
use crate::command::build::CommandContext;
use crate::command::environment::EnvironmentBase;
use crate::control::info::InstanceInfo;
use crate::error::{Error, ErrorKind};
use crate::events::log::EventLog;
use crate::hooks::command::HookSpawner;
use crate::hooks::runner::{HookProgress, HookRunner};
use crate::launch::backend::{DomainBackend, LaunchContext};
use crate::launch::setup::DomainFactory;
use crate::liveness::keepalive::{liveness_timeouts, server_config};
use crate::parts::RuntimeParts;
use crate::readiness::outlook;
use crate::registration::identity::DomainIdentities;
use crate::reload::request::{self, ReloadHandle};
use crate::resources::sampler::UsageSampler;
use crate::runtime::engine::Runtime;
use crate::runtime::tasks::{CompilerHandles, TaskHandles};
use crate::standby::{NodeStandbyFactory, StandbySettings};
use crate::state::desired::{self, DesiredState, DesiredStateReceiver};
use crate::state::domain::{DomainStates, SharedDomainStates};
use crate::state::inspect::{Inspectors, InvalidInspect};
use crate::traces::calls::CallTracer;
use crate::traces::observer::CallCounter;
use crate::traces::setup::instance_id;
use crate::traces::starts::StartTraces;
use crate::traces::variables::ExportTarget;

impl Runtime {
    /// Builds an instance and starts the tasks around its domains. The domains are started by
    /// [`Self::run`]. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// A selected domain does not exist, or the settings of a domain are invalid.
    pub fn new(parts: RuntimeParts) -> Result<Self, Error> {
        build(parts)
    }
}

/// Builds the supervisor and the tasks around it, and starts those.
fn build(parts: RuntimeParts) -> Result<Runtime, Error> {
    let info = instance_info(&parts);
    let (desired_sender, desired) = desired::channel(desired_state(&parts.app, &parts.selection)?);
    // Where nobody can read them, nothing is counted.
    let metrics = parts.http.as_ref().map(|_| Metrics::default());
    let states = domain_states(&parts.app, metrics.as_ref());
    let (transition_sender, transitions) = mpsc::unbounded_channel::<Transition>();
    let mut manager = DomainManager::new(transition_sender);
    let supervisor = manager.supervisor();
    let observer = call_observer(&parts, metrics.as_ref());
    let (registry, domain_events) = registry(&desired, &states, &supervisor, observer);
    announce_domains(&registry, &desired);
    let inspectors = inspectors(&parts)?;
    let (launch, standby_settings) =
        launch_context(&parts, &desired, &states, &registry, inspectors);
    let standby = launch.standby.clone();
    let command = launch.command.clone();
    let events = EventLog::new(metrics.clone());
    let hooks = hook_runner(&parts, &command, &desired, &states, &events);
    let factory = DomainFactory {
        context: launch,
        load_options: Arc::new(parts.load_options),
        selection: parts.selection,
        port_hint: parts.port_hint,
        standby_settings,
    };
    add_domains(&mut manager, &factory, &desired.current())?;

    let (sample_sender, samples) = mpsc::unbounded_channel();
    let usage = UsageSampler::start(
        Arc::clone(&states),
        desired.clone(),
        parts.processes.tracker.clone(),
        sample_sender,
    );
    let (reload, reload_requests): (ReloadHandle, _) = request::channel();
    let handles = TaskHandles {
        desired,
        states,
        supervisor,
        registry,
        standby,
        tracker: parts.processes.tracker,
        events,
        hub: parts.hub,
        shutdown: parts.shutdown,
        hooks,
        telemetry: parts.telemetry,
    };
    handles.start_tasks(domain_events, transitions, samples);
    handles.start_notifications(info.clone(), metrics.clone());
    let watch = parts.watch.map(|options| {
        let handles = handles.watch_handles(reload.clone(), parts.module_reports);
        (handles, options)
    });
    let compiler = CompilerHandles {
        prepare: command.prepare,
        environment: parts.environment,
        spawner: parts.processes.spawner,
        run: parts.processes.run,
    };
    let typecheck = parts
        .typecheck
        .then(|| handles.type_check_task(compiler, info.started));
    let endpoint = parts.http.zip(metrics).map(|(listener, metrics)| {
        handles.http_endpoint(listener, metrics, info.clone(), usage.clone())
    });
    Ok(Runtime {
        handle: handles.runtime_handle(info.started, reload.clone()),
        http: endpoint,
        control: handles.control_service(info, usage, reload),
        reload: handles.reload_task(manager, factory, desired_sender),
        reload_requests,
        watch,
        typecheck,
        finish: handles.finish_handles(),
    })
}

/// Makes the domains known to callers before they run.
fn announce_domains(registry: &Registry, desired: &DesiredStateReceiver) {
    for domain in &desired.current().app.domains {
        registry.add(&domain.name);
    }
    for name in &desired.current().selected {
        registry.set_outlook(name, outlook::at_start(desired, name));
    }
}

fn hook_runner(
    parts: &RuntimeParts,
    command: &CommandContext,
    desired: &DesiredStateReceiver,
    states: &SharedDomainStates,
    events: &EventLog,
) -> HookRunner {
    HookRunner {
        spawner: HookSpawner {
            spawner: parts.processes.spawner.clone(),
            run: parts.processes.run.clone(),
            hub: parts.hub.clone(),
        },
        environment: Arc::clone(&command.environment),
        desired: desired.clone(),
        states: Arc::clone(states),
        events: events.clone(),
        shutdown: parts.shutdown.clone(),
        progress: HookProgress::default(),
    }
}

fn instance_info(parts: &RuntimeParts) -> InstanceInfo {
    InstanceInfo {
        mode: parts.load_options.mode,
        grpc: parts.grpc.clone(),
        http: parts.http.as_ref().map(|http| http.address().to_string()),
        otlp: parts
            .export_target
            .as_ref()
            .and_then(ExportTarget::receiver),
        socket: parts.socket.clone(),
        log_run: parts.log_run,
        started: Instant::now(),
        started_at: clock::now(),
    }
}

fn desired_state(app: &App, selection: &Selection) -> Result<DesiredState, Error> {
    let selected = selection
        .resolve(app)
        .map_err(|unknown| Error::new(ErrorKind::UnknownDomain, unknown.message(app)))?;
    Ok(DesiredState {
        app: app.clone(),
        selected,
        removed: BTreeSet::new(),
    })
}

fn inspectors(parts: &RuntimeParts) -> Result<Inspectors, Error> {
    let (app, requests) = (&parts.app, parts.inspect.clone());
    let inspectors = Inspectors::new(requests, app).map_err(|invalid| match invalid {
        InvalidInspect::Unknown(unknown) => {
            Error::new(ErrorKind::UnknownDomain, unknown.message(app))
        }
        InvalidInspect::NotNode(name) => Error::failed(format!(
            "cannot inspect {name}: Fulcrum does not run it with Node\n  hint: the inspector is for \
             domains with a JavaScript or TypeScript entry, and for the command `node`"
        )),
    })?;
    inspectors.choose_ports(app);
    Ok(inspectors)
}

fn domain_states(app: &App, metrics: Option<&Metrics>) -> SharedDomainStates {
    let states = DomainStates::with_metrics(metrics.cloned());
    states.add(app.domains.iter().map(|domain| domain.name.as_str()));
    Arc::new(states)
}

/// Who observes calls: nobody, if nothing takes traces or metrics.
fn call_observer(parts: &RuntimeParts, metrics: Option<&Metrics>) -> SharedObserver {
    let tracer = parts.telemetry.clone().map(CallTracer::new);
    match (metrics, tracer) {
        (Some(metrics), tracer) => SharedObserver::new(CallCounter::new(metrics.clone(), tracer)),
        (None, Some(tracer)) => SharedObserver::new(tracer),
        (None, None) => SharedObserver::default(),
    }
}

/// The registry of domains, and the events of their streams.
fn registry(
    desired: &DesiredStateReceiver,
    states: &SharedDomainStates,
    supervisor: &Supervisor,
    observer: SharedObserver,
) -> (Registry, mpsc::UnboundedReceiver<DomainEvent>) {
    let app = &desired.current().app;
    let policy = match app.runtime.grpc.registration {
        RegistrationMode::Token => TokenPolicy::Required,
        RegistrationMode::Open => TokenPolicy::Optional,
    };
    let identities = DomainIdentities {
        states: Arc::clone(states),
        supervisor: supervisor.clone(),
        desired: desired.clone(),
    };
    let authorizer = Authorizer::new(policy, identities);
    let config = ServerConfig {
        observer,
        ..server_config(&app.runtime.grpc, liveness_timeouts(app))
    };
    let (sender, events) = mpsc::unbounded_channel();
    let registry = Registry::with_config(authorizer, UnimplementedHandler, sender, config);
    (registry, events)
}

/// What generations are launched with, and where the settings for standby processes go.
fn launch_context(
    parts: &RuntimeParts,
    desired: &DesiredStateReceiver,
    states: &SharedDomainStates,
    registry: &Registry,
    inspectors: Inspectors,
) -> (LaunchContext, StandbySettings) {
    let traces = StartTraces::new(parts.telemetry.as_ref());
    let environment = EnvironmentBase {
        inherited: parts.environment.clone(),
        grpc: parts.grpc.clone(),
        app: parts.app.root.clone(),
        modules: parts.module_reports.clone(),
        mode: parts.load_options.mode,
        terminal: parts.terminal,
        auto_ports: parts.auto_ports.clone(),
        traces,
        export_target: parts.export_target.clone(),
        instance: instance_id(&parts.processes.run),
    };
    let command = CommandContext {
        environment: Arc::new(environment),
        prepare: Arc::new(parts.prepare.clone()),
        desired: desired.clone(),
        inspectors,
    };
    let limiter = StartLimiter::new();
    let settings = StandbySettings::default();
    let standby_factory = NodeStandbyFactory {
        command: command.clone(),
        spawner: parts.processes.spawner.clone(),
        run: parts.processes.run.clone(),
        limiter: limiter.clone(),
        states: Arc::clone(states),
        hub: parts.hub.clone(),
        settings: settings.clone(),
    };
    let context = LaunchContext {
        command,
        spawner: parts.processes.spawner.clone(),
        run: parts.processes.run.clone(),
        installer: PackageInstaller::default(),
        install_allowed: parts.install,
        limiter,
        standby: StandbyPool::start(standby_capacity(parts), standby_factory),
        registry: registry.clone(),
        states: Arc::clone(states),
        oom: OomMonitor::start(),
        hub: parts.hub.clone(),
    };
    (context, settings)
}

/// The maximum number of standby processes. In development one is worth its memory; in production
/// the operator decides.
fn standby_capacity(parts: &RuntimeParts) -> u32 {
    let default = match parts.load_options.mode {
        Mode::Dev => 1,
        Mode::Serve => 0,
    };
    parts.app.runtime.standby.unwrap_or(default)
}

fn add_domains(
    manager: &mut DomainManager<DomainBackend>,
    factory: &DomainFactory,
    desired: &DesiredState,
) -> Result<(), Error> {
    let domains = desired.app.domains.iter();
    let domains = domains
        .filter(|domain| domain.has_process())
        .map(|domain| factory.setup(desired, domain));
    // The manager is empty, so every domain is added.
    manager.add(domains.collect::<Result<_, _>>()?);
    manager.set_start_order(desired.app.waves());
    Ok(())
}
