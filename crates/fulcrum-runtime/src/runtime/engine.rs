//! The engine of one instance, from the first start to the last exit.

use std::time::Duration;

use fulcrum_config::FileWatchOptions;
use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_rpc::{ControlHandler, Registry};
use fulcrum_spawn::process::ProcessTracker;
use fulcrum_spawn::standby::StandbyPool;
use fulcrum_spawn::supervisor::{Supervisor, WaitCondition};
use tokio::time::{Instant, sleep_until, timeout};

use crate::code::Code;
use crate::control::service::ControlService;
use crate::error::{Error, ErrorKind};
use crate::handle::RuntimeHandle;
use crate::hooks::runner::HookRunner;
use crate::process::untracked;
use crate::readiness::serving::ServingStatus;
use crate::reload::reloader::ReloadTask;
use crate::reload::request::ReloadReceiver;
use crate::resources::footprint::release_after_start;
use crate::shutdown::blockers::shutdown_progress;
use crate::shutdown::stage::{ShutdownSignal, ShutdownStage};
use crate::standby::NodeStandby;
use crate::state::domain::SharedDomainStates;
use crate::telemetry::endpoint::HttpEndpoint;
use crate::typecheck::task::TypeCheckTask;
use crate::watch::task::{self as watch, WatchHandles};

/// How long a shutdown takes until its progress is first logged. Early enough to show that it is
/// not stuck.
const FIRST_PROGRESS: Duration = Duration::from_millis(500);

/// The time between later progress lines.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// The engine of one instance: the supervisor of the domains, and the tasks around it.
pub struct Runtime {
    pub(super) handle: RuntimeHandle,
    pub(super) control: ControlService,
    pub(super) http: Option<HttpEndpoint>,
    pub(super) reload: ReloadTask,
    pub(super) reload_requests: ReloadReceiver,
    pub(super) watch: Option<(WatchHandles, FileWatchOptions)>,
    pub(super) typecheck: Option<TypeCheckTask>,
    pub(super) finish: FinishHandles,
}

/// What the wait for a start and the shutdown use.
pub(super) struct FinishHandles {
    pub(super) states: SharedDomainStates,
    pub(super) supervisor: Supervisor,
    pub(super) serving: ServingStatus,
    pub(super) standby: StandbyPool<NodeStandby>,
    pub(super) hooks: HookRunner,
    pub(super) tracker: ProcessTracker,
    pub(super) shutdown: ShutdownSignal,
    pub(super) hub: Hub,
}

/// How an instance ended.
#[derive(Debug)]
pub struct RuntimeExit {
    /// Why it ended; `Ok` if a shutdown was requested.
    pub result: Result<(), Error>,
    /// Descriptions of the processes that are still alive after SIGKILL.
    pub survivors: Vec<String>,
}

impl Runtime {
    /// A handle that controls the instance, also while it runs.
    #[must_use]
    pub fn handle(&self) -> RuntimeHandle {
        self.handle.clone()
    }

    /// The registry of domains. The caller serves it at the address [`RuntimeParts::grpc`](crate::RuntimeParts::grpc), with
    /// [`serve_domains`](fulcrum_rpc::serve_domains).
    #[must_use]
    pub fn registry(&self) -> Registry {
        self.handle.registry.clone()
    }

    /// The control API. The caller may serve it with [`serve_control`](fulcrum_rpc::serve_control).
    #[must_use]
    pub fn control_service(&self) -> impl ControlHandler + use<> {
        self.control.clone()
    }

    /// Starts the domains, waits until a shutdown is requested, and stops everything. With `wait`
    /// the instance also ends if not all selected domains are ready within that time.
    pub async fn run(self, wait: Option<Duration>) -> RuntimeExit {
        let (handle, finish) = (self.handle, self.finish);
        if let Some((handles, options)) = self.watch {
            tokio::spawn(watch::run(handles, options));
        }
        // Until the domains have stopped.
        let _serving = self.http.map(HttpEndpoint::start);
        let selected = handle.desired.current().selected.clone();
        let names = selected.iter().map(String::as_str);
        finish.supervisor.start(names).await;
        finish.record_initial(&selected);
        if let Some(task) = self.typecheck {
            tokio::spawn(task.run());
        }
        let reload = tokio::spawn(self.reload.run(self.reload_requests));
        let result = finish.wait_until_shutdown(&handle, &selected, wait).await;
        finish.shutdown.request(ShutdownStage::Stopping);
        // From here on no domain is added, so the shutdown stops all of them.
        let _ = reload.await;
        let mut survivors = finish.shut_down().await;
        finish.hooks.finish(&finish.supervisor).await;
        survivors.extend(untracked::kill_remaining(&finish.tracker).await);
        RuntimeExit { result, survivors }
    }
}

impl FinishHandles {
    /// Records that these domains were started with the instance.
    fn record_initial(&self, selected: &[String]) {
        let now = Instant::now();
        for state in selected.iter().filter_map(|name| self.states.get(name)) {
            let times = &state.start_times;
            times.send_modify(|times| times.initial_until = Some(now));
        }
    }

    /// Waits until the start is complete, logs its outcome, and waits until a shutdown is requested.
    async fn wait_until_shutdown(
        &self,
        handle: &RuntimeHandle,
        selected: &[String],
        wait: Option<Duration>,
    ) -> Result<(), Error> {
        let waiter = &handle.waiter;
        let limited = async {
            match wait {
                Some(limit) => {
                    let ready = waiter.wait_all(selected, WaitCondition::Ready);
                    let ready = timeout(limit, ready).await.ok()?;
                    Some(ready.map_err(Some))
                }
                None => Some(waiter.wait_for_start(selected).await),
            }
        };
        let started = tokio::select! {
            started = limited => started,
            () = self.shutdown.wait_for(ShutdownStage::Stopping) => return Ok(()),
        };
        tokio::spawn(release_after_start());
        match started {
            Some(Ok(text)) => {
                self.serving.update_app();
                self.hub.log(Level::Info, text);
            }
            Some(Err(Some(text))) if wait.is_some() => {
                return Err(Error::new(ErrorKind::DomainFailed, text));
            }
            // Each failure is logged with its domain; the other domains run.
            Some(Err(waiting)) => {
                if let Some(text) = waiting {
                    self.hub
                        .log(Level::Error, with_code(&text, Code::NotAllReady));
                }
            }
            None => {
                let pending = waiter.describe_pending(selected, WaitCondition::Ready);
                let text = format!("not ready in time: {pending}");
                return Err(Error::new(ErrorKind::TimedOut, text));
            }
        }
        self.shutdown.wait_for(ShutdownStage::Stopping).await;
        Ok(())
    }

    /// Stops every domain, and logs what the shutdown waits for. Returns the domains whose
    /// processes are still alive after SIGKILL.
    async fn shut_down(&self) -> Vec<String> {
        self.serving.update_app();
        self.standby.clear().await;
        let stopping = self.supervisor.shutdown();
        tokio::pin!(stopping);
        let mut next = Instant::now() + FIRST_PROGRESS;
        loop {
            tokio::select! {
                alive = &mut stopping => return alive,
                () = self.shutdown.wait_for(ShutdownStage::Killing) => {
                    return self.supervisor.kill().await;
                }
                () = sleep_until(next) => {
                    self.hub.log(Level::Info, shutdown_progress(&self.supervisor));
                    next += PROGRESS_INTERVAL;
                }
            }
        }
    }
}
