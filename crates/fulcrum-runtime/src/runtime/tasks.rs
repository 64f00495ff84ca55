//! Gives each task the handles that it uses.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use fulcrum_logs::Hub;
use fulcrum_rpc::{DomainEvent, Registry};
use fulcrum_spawn::prepare::PrepareContext;
use fulcrum_spawn::process::{ProcessTracker, RunId, SharedProcessTable, Spawner};
use fulcrum_spawn::standby::StandbyPool;
use fulcrum_spawn::supervisor::{DomainManager, Supervisor, Transition};
use fulcrum_telemetry::Telemetry;
use fulcrum_telemetry::http::HttpListener;
use fulcrum_telemetry::metrics::Metrics;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use crate::clock;
use crate::control::call::CallService;
use crate::control::change::LifecycleExecutor;
use crate::control::eval::EvalService;
use crate::control::info::InstanceInfo;
use crate::control::inspector::InspectorAccess;
use crate::control::profile::ProfileService;
use crate::control::service::ControlService;
use crate::control::status::StatusReader;
use crate::control::traces::TraceReader;
use crate::control::wait::DomainWaiter;
use crate::events::log::EventLog;
use crate::exit::held::HeldExits;
use crate::handle::RuntimeHandle;
use crate::hooks::runner::HookRunner;
use crate::launch::backend::DomainBackend;
use crate::launch::setup::DomainFactory;
use crate::liveness::task::{LivenessHandles, LivenessTasks};
use crate::notify::task::NotifyTask;
use crate::process::untracked;
use crate::readiness::late::LateReadiness;
use crate::readiness::serving::ServingStatus;
use crate::registration::events::RegistrationTask;
use crate::reload::announce::ReloadAnnouncer;
use crate::reload::reloader::ReloadTask;
use crate::reload::request::ReloadHandle;
use crate::reload::restart::ChangeRestarter;
use crate::resources::limits::{self, MemoryLimitTask};
use crate::resources::sampler::{UsageSample, UsageSampler};
use crate::restart::groups::GroupRestarts;
use crate::runtime::engine::FinishHandles;
use crate::schedule::task::ScheduleTask;
use crate::shutdown::stage::ShutdownSignal;
use crate::standby::NodeStandby;
use crate::state::desired::{DesiredStateReceiver, DesiredStateSender};
use crate::state::domain::SharedDomainStates;
use crate::telemetry::endpoint::HttpEndpoint;
use crate::telemetry::source::TelemetrySource;
use crate::transitions::TransitionTask;
use crate::typecheck::task::TypeCheckTask;
use crate::watch::assets::AssetPublisher;
use crate::watch::code_reload::CodeReloadHandles;
use crate::watch::config_reload::ConfigReloader;
use crate::watch::task::WatchHandles;

/// All handles of an instance, while its tasks are built. No task keeps it.
pub(super) struct TaskHandles {
    pub(super) desired: DesiredStateReceiver,
    pub(super) states: SharedDomainStates,
    pub(super) supervisor: Supervisor,
    pub(super) registry: Registry,
    pub(super) standby: StandbyPool<NodeStandby>,
    pub(super) tracker: ProcessTracker,
    pub(super) events: EventLog,
    pub(super) hub: Hub,
    pub(super) shutdown: ShutdownSignal,
    pub(super) hooks: HookRunner,
    pub(super) telemetry: Option<Telemetry>,
}

/// What runs the TypeScript compiler.
pub(super) struct CompilerHandles {
    pub(super) prepare: Arc<PrepareContext>,
    pub(super) environment: BTreeMap<OsString, OsString>,
    pub(super) spawner: Spawner,
    pub(super) run: RunId,
}

impl TaskHandles {
    /// Starts the tasks that follow domains, processes and samples.
    pub(super) fn start_tasks(
        &self,
        domain_events: UnboundedReceiver<DomainEvent>,
        transitions: UnboundedReceiver<Transition>,
        samples: UnboundedReceiver<UsageSample>,
    ) {
        limits::log_unenforceable(&self.desired.current().app, &self.tracker, &self.hub);
        tokio::spawn(self.registration_task().run(domain_events));
        tokio::spawn(self.transition_task().run(transitions));
        let limits = MemoryLimitTask {
            desired: self.desired.clone(),
            supervisor: self.supervisor.clone(),
        };
        tokio::spawn(limits.run(samples));
        tokio::spawn(self.schedule_task().run());
        let (tracker, hub) = (self.tracker.clone(), self.hub.clone());
        tokio::spawn(untracked::report_untracked(tracker, hub));
    }

    fn schedule_task(&self) -> ScheduleTask {
        ScheduleTask {
            desired: self.desired.clone(),
            states: Arc::clone(&self.states),
            supervisor: self.supervisor.clone(),
            events: self.events.clone(),
            hub: self.hub.clone(),
            shutdown: self.shutdown.clone(),
            clock: Arc::new(clock::now),
        }
    }

    fn registration_task(&self) -> RegistrationTask {
        RegistrationTask {
            desired: self.desired.clone(),
            states: Arc::clone(&self.states),
            supervisor: self.supervisor.clone(),
            liveness: LivenessTasks::new(LivenessHandles {
                desired: self.desired.clone(),
                states: Arc::clone(&self.states),
                supervisor: self.supervisor.clone(),
                registry: self.registry.clone(),
                events: self.events.clone(),
                hub: self.hub.clone(),
                processes: SharedProcessTable::default(),
            }),
            serving: self.serving_status(),
            standby: self.standby.clone(),
            traces: self.hooks.environment.traces.clone(),
            events: self.events.clone(),
            hub: self.hub.clone(),
        }
    }

    fn transition_task(&self) -> TransitionTask {
        TransitionTask {
            exits: HeldExits::default(),
            desired: self.desired.clone(),
            states: Arc::clone(&self.states),
            supervisor: self.supervisor.clone(),
            registry: self.registry.clone(),
            tracker: self.tracker.clone(),
            groups: GroupRestarts::new(
                self.desired.clone(),
                self.supervisor.clone(),
                self.shutdown.clone(),
            ),
            serving: self.serving_status(),
            late: LateReadiness {
                desired: self.desired.clone(),
                states: Arc::clone(&self.states),
                supervisor: self.supervisor.clone(),
                hub: self.hub.clone(),
            },
            hooks: self.hooks.clone(),
            traces: self.hooks.environment.traces.clone(),
            events: self.events.clone(),
            hub: self.hub.clone(),
        }
    }

    pub(super) fn reload_task(
        &self,
        manager: DomainManager<DomainBackend>,
        factory: DomainFactory,
        desired: DesiredStateSender,
    ) -> ReloadTask {
        ReloadTask {
            manager,
            factory,
            desired,
            states: Arc::clone(&self.states),
            registry: self.registry.clone(),
            restarter: self.restarter(),
            serving: self.serving_status(),
            announcer: ReloadAnnouncer::new(
                self.hub.clone(),
                self.events.clone(),
                self.supervisor.clone(),
                self.tracker.clone(),
            ),
        }
    }

    pub(super) fn watch_handles(
        &self,
        reload: ReloadHandle,
        module_reports: Option<PathBuf>,
    ) -> WatchHandles {
        WatchHandles {
            desired: self.desired.clone(),
            states: Arc::clone(&self.states),
            supervisor: self.supervisor.clone(),
            module_reports,
            assets: AssetPublisher {
                desired: self.desired.clone(),
                supervisor: self.supervisor.clone(),
                registry: self.registry.clone(),
                events: self.events.clone(),
            },
            config: ConfigReloader {
                reload,
                states: Arc::clone(&self.states),
                hub: self.hub.clone(),
            },
            code: CodeReloadHandles {
                desired: self.desired.clone(),
                states: Arc::clone(&self.states),
                restarter: self.restarter(),
                standby: self.standby.clone(),
                events: self.events.clone(),
                hub: self.hub.clone(),
            },
            events: self.events.clone(),
            hub: self.hub.clone(),
            shutdown: self.shutdown.clone(),
        }
    }

    pub(super) fn control_service(
        &self,
        info: InstanceInfo,
        usage: UsageSampler,
        reload: ReloadHandle,
    ) -> ControlService {
        let mode = info.mode;
        let inspectors = InspectorAccess {
            desired: self.desired.clone(),
            states: Arc::clone(&self.states),
            hub: self.hub.clone(),
        };
        ControlService {
            desired: self.desired.clone(),
            waiter: self.waiter(info.started),
            status: self.status_reader(info),
            usage,
            lifecycle: LifecycleExecutor {
                supervisor: self.supervisor.clone(),
                events: self.events.clone(),
            },
            reload,
            calls: CallService {
                desired: self.desired.clone(),
                registry: self.registry.clone(),
            },
            evaluations: EvalService {
                mode,
                inspectors: inspectors.clone(),
            },
            profiles: ProfileService { inspectors },
            traces: TraceReader {
                telemetry: self.telemetry.clone(),
                desired: self.desired.clone(),
                hub: self.hub.clone(),
            },
            events: self.events.clone(),
            hub: self.hub.clone(),
            shutdown: self.shutdown.clone(),
        }
    }

    pub(super) fn http_endpoint(
        &self,
        listener: HttpListener,
        metrics: Metrics,
        info: InstanceInfo,
        usage: UsageSampler,
    ) -> HttpEndpoint {
        let source = TelemetrySource {
            status: self.status_reader(info.clone()),
            info,
            desired: self.desired.clone(),
            states: Arc::clone(&self.states),
            supervisor: self.supervisor.clone(),
            registry: self.registry.clone(),
            usage,
            hub: self.hub.clone(),
            shutdown: self.shutdown.clone(),
            http_connections: listener.connections(),
        };
        HttpEndpoint {
            listener,
            source,
            metrics,
            hub: self.hub.clone(),
        }
    }

    fn status_reader(&self, info: InstanceInfo) -> StatusReader {
        StatusReader {
            info,
            desired: self.desired.clone(),
            states: Arc::clone(&self.states),
            supervisor: self.supervisor.clone(),
            hub: self.hub.clone(),
            environment: Arc::clone(&self.hooks.environment),
        }
    }

    /// Starts to notify webhooks; those of the configuration in force, so that a reload may add some.
    pub(super) fn start_notifications(&self, info: InstanceInfo, metrics: Option<Metrics>) {
        let task = NotifyTask {
            info,
            desired: self.desired.clone(),
            states: Arc::clone(&self.states),
            supervisor: self.supervisor.clone(),
            hub: self.hub.clone(),
            metrics,
        };
        tokio::spawn(task.run(self.events.subscribe()));
    }

    pub(super) fn type_check_task(
        &self,
        compiler: CompilerHandles,
        started: Instant,
    ) -> TypeCheckTask {
        TypeCheckTask {
            desired: self.desired.clone(),
            waiter: self.waiter(started),
            spawner: compiler.spawner,
            run: compiler.run,
            prepare: compiler.prepare,
            environment: compiler.environment,
            hub: self.hub.clone(),
            shutdown: self.shutdown.clone(),
        }
    }

    pub(super) fn runtime_handle(&self, started: Instant, reload: ReloadHandle) -> RuntimeHandle {
        RuntimeHandle {
            desired: self.desired.clone(),
            supervisor: self.supervisor.clone(),
            registry: self.registry.clone(),
            waiter: self.waiter(started),
            reload,
            events: self.events.clone(),
            hub: self.hub.clone(),
            shutdown: self.shutdown.clone(),
        }
    }

    pub(super) fn finish_handles(&self) -> FinishHandles {
        FinishHandles {
            states: Arc::clone(&self.states),
            supervisor: self.supervisor.clone(),
            serving: self.serving_status(),
            standby: self.standby.clone(),
            hooks: self.hooks.clone(),
            tracker: self.tracker.clone(),
            shutdown: self.shutdown.clone(),
            hub: self.hub.clone(),
        }
    }

    fn serving_status(&self) -> ServingStatus {
        ServingStatus {
            desired: self.desired.clone(),
            supervisor: self.supervisor.clone(),
            registry: self.registry.clone(),
            shutdown: self.shutdown.clone(),
            waits_for: Arc::default(),
        }
    }

    fn restarter(&self) -> ChangeRestarter {
        ChangeRestarter {
            supervisor: self.supervisor.clone(),
            shutdown: self.shutdown.clone(),
        }
    }

    fn waiter(&self, started: Instant) -> DomainWaiter {
        DomainWaiter {
            desired: self.desired.clone(),
            states: Arc::clone(&self.states),
            supervisor: self.supervisor.clone(),
            started,
        }
    }
}
