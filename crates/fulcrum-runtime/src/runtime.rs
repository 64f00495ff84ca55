//! The life of the domains, from the first start to the last exit.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fulcrum_config::{Mode, RegistrationMode};
use fulcrum_logs::Level;
use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::wait_request::Condition;
use fulcrum_rpc::{Authorizer, ControlHandler, Registry, TokenPolicy, UnimplementedHandler};
use fulcrum_spawn::process::OomMonitor;
use fulcrum_spawn::standby::StandbyPool;
use fulcrum_spawn::supervisor::{DomainManager, StartLimiter, Supervisor};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::command::environment::EnvironmentBase;
use crate::context::{RuntimeContext, SharedContext, now};
use crate::control::service::ControlService;
use crate::control::{change, wait};
use crate::error::{Error, ErrorKind};
use crate::events::log::EventLog;
use crate::launch::backend::LaunchContext;
use fulcrum_spawn::prepare::PackageInstaller;

use crate::launch::setup::DomainFactory;
use crate::liveness::keepalive::{liveness_timeouts, server_config};
use crate::parts::RuntimeParts;
use crate::process::untracked;
use crate::registration::events as registrations;
use crate::registration::identity::DomainIdentities;
use crate::reload::reloader::ReloadTask;
use crate::reload::request::{self, ReloadReceiver};
use crate::resources::limits;
use crate::resources::sampler::UsageSampler;
use crate::shutdown::stage::ShutdownStage;
use crate::standby::node::NodeStandbyFactory;
use crate::state::desired::DesiredState;
use crate::state::domain::{DomainStates, SharedDomainStates};
use crate::transitions;
use crate::watch::task as watching;
use fulcrum_config::FileWatchOptions;

/// The engine of one instance: the supervisor of the domains, and the tasks that carry facts
/// between the libraries.
pub struct Runtime {
    house: SharedContext,
    registry: Registry,
    reloader: ReloadTask,
    wishes: ReloadReceiver,
    watch: Option<FileWatchOptions>,
    selected: Vec<String>,
}

/// How a runtime ended.
#[derive(Debug)]
pub struct RuntimeExit {
    /// Why it ended, if not by a request for it.
    pub result: Result<(), Error>,
    /// Processes that are still alive after SIGKILL.
    pub survivors: Vec<String>,
}

impl Runtime {
    /// Builds the supervisor and starts the tasks around it. No domain is started yet. Must be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// A domain that was selected does not exist, or the settings of one are not usable.
    pub fn new(parts: RuntimeParts) -> Result<Self, Error> {
        let started = (Instant::now(), now());
        let selected = parts
            .selection
            .resolve(&parts.app)
            .map_err(|unknown| Error::new(ErrorKind::UnknownDomain, unknown.message(&parts.app)))?;
        let desks: SharedDomainStates = Arc::new(DomainStates::default());
        desks.add(parts.app.domains.iter().map(|domain| domain.name.as_str()));
        let (transitions, told) = mpsc::unbounded_channel();
        let (events, heard) = mpsc::unbounded_channel();
        let roster = Arc::new(OnceLock::new());
        let times = server_config(liveness_timeouts(&parts.app));
        let maker = NodeStandbyFactory::default();
        let standby = StandbyPool::start(standby_limit(&parts), maker.clone());
        let around = Arc::new(EnvironmentBase {
            inherited: parts.environment,
            grpc: parts.grpc.clone(),
            app: parts.app.root.clone(),
            modules: parts.module_reports.clone(),
            mode: parts.mode,
        });
        let agenda = Arc::new(DesiredState {
            app: parts.app,
            selected,
            former: BTreeSet::new(),
        });
        let (writer, agendas) = watch::channel(Arc::clone(&agenda));
        let token_policy = match agenda.app.runtime.grpc.registration {
            RegistrationMode::Token => TokenPolicy::Required,
            RegistrationMode::Open => TokenPolicy::Optional,
        };
        let identities = DomainIdentities {
            states: Arc::clone(&desks),
            supervisor: Arc::clone(&roster),
            desired: agendas.clone(),
        };
        let authorizer = Authorizer::new(token_policy, identities);
        let registry = Registry::with_config(authorizer, UnimplementedHandler, events, times);
        let workshop = LaunchContext {
            environment: around,
            agendas: agendas.clone(),
            toolbox: Arc::new(parts.prepare),
            spawner: parts.spawner,
            run: parts.run,
            installer: PackageInstaller::default(),
            starts: StartLimiter::new(),
            hub: parts.hub.clone(),
            registry: registry.clone(),
            desks: Arc::clone(&desks),
            oom: OomMonitor::start(),
            standby: standby.clone(),
            install: parts.install,
        };
        maker.set_context(workshop.clone());
        let setups = DomainFactory {
            standby_factory: maker,
            workshop,
            request: parts.request,
            choice: parts.selection,
            port_hint: parts.port_hint,
        };
        let mut keeper = DomainManager::new(transitions);
        let domains = agenda.app.domains.iter();
        let domains = domains.filter(|domain| domain.has_process());
        let domains = domains.map(|domain| setups.setup(&agenda, domain));
        // Nobody is there yet whose name they could have.
        keeper.add(domains.collect::<Result<_, _>>()?);
        keeper.set_start_order(agenda.app.waves());
        let supervisor = keeper.supervisor();
        // Set once, here; the gate was made before the domains it guards.
        let _ = roster.set(Supervisor::clone(&supervisor));

        let (samples, taken) = mpsc::unbounded_channel();
        limits::log_unenforceable(&agenda.app, &parts.tracker, &parts.hub);
        let (reloads, wishes) = request::channel();
        let house: SharedContext = Arc::new(RuntimeContext {
            mode: parts.mode,
            supervisor,
            registry: registry.clone(),
            hub: parts.hub,
            journal: EventLog::new(),
            vitals: UsageSampler::start(
                Arc::clone(&desks),
                agendas.clone(),
                parts.tracker.clone(),
                samples,
            ),
            containment: parts.tracker,
            standby,
            desks,
            closing: parts.shutdown,
            log_run: parts.log_run,
            modules: parts.module_reports,
            grpc: parts.grpc,
            socket: parts.socket,
            started,
            agendas,
            reloads,
        });
        tokio::spawn(registrations::run(SharedContext::clone(&house), heard));
        tokio::spawn(transitions::run(SharedContext::clone(&house), told));
        tokio::spawn(limits::run(SharedContext::clone(&house), taken));
        tokio::spawn(untracked::report_untracked(
            house.containment.clone(),
            house.hub.clone(),
        ));
        let reloader = ReloadTask {
            keeper,
            agenda: writer,
            setups,
            last_invalid: None,
            last_requires_restart: Vec::new(),
        };
        Ok(Self {
            house,
            registry,
            reloader,
            wishes,
            watch: parts.watch,
            selected: agenda.selected.clone(),
        })
    }

    /// The registry that the domain server serves.
    #[must_use]
    pub fn registry(&self) -> Registry {
        self.registry.clone()
    }

    /// The service that the control server serves.
    #[must_use]
    pub fn control_service(&self) -> impl ControlHandler + use<> {
        ControlService(SharedContext::clone(&self.house))
    }

    /// Starts the domains, waits until a shutdown is requested, and stops everything. With `wait`
    /// it ends by itself when not all selected domains are ready after that time.
    pub async fn run(self, wait: Option<Duration>) -> RuntimeExit {
        let house = self.house;
        if let Some(how) = self.watch {
            tokio::spawn(watching::watch(SharedContext::clone(&house), how));
        }
        let selected = self.selected.iter().map(String::as_str);
        house.supervisor.start(selected).await;
        let reloader = tokio::spawn(self.reloader.run(SharedContext::clone(&house), self.wishes));
        let result = wait_until_shutdown(&house, &self.selected, wait).await;
        house.closing.request(ShutdownStage::Stopping);
        // From here on nobody adds a domain, so the shutdown sees all of them.
        let _ = reloader.await;
        let mut survivors = shut_down(&house).await;
        survivors.extend(untracked::kill_remaining(&house.containment).await);
        RuntimeExit { result, survivors }
    }
}

/// How many standby processes there may be altogether: during development one is worth its memory,
/// in production that is for the operator to say.
fn standby_limit(parts: &RuntimeParts) -> u32 {
    parts.app.runtime.standby.unwrap_or(match parts.mode {
        Mode::Dev => 1,
        Mode::Serve => 0,
    })
}

/// Waits for the start's end, says how it went, and then for the request to end.
async fn wait_until_shutdown(
    house: &SharedContext,
    selected: &[String],
    wait: Option<Duration>,
) -> Result<(), Error> {
    let ready = wait::wait_all(house, selected, Condition::Ready);
    let limited = async {
        match wait {
            Some(wait) => timeout(wait, ready).await.ok(),
            None => Some(ready.await),
        }
    };
    let started = tokio::select! {
        started = limited => started,
        () = house.closing.wait_for(ShutdownStage::Stopping) => return Ok(()),
    };
    match started {
        Some((Kind::Done, text)) => {
            house.update_serving_status();
            house.log(Level::Info, text);
        }
        Some((_, why)) if wait.is_some() => return Err(Error::new(ErrorKind::DomainFailed, why)),
        // Each domain's failure has been logged beside its name; the others go on.
        Some(_) => {}
        None => {
            let missing = wait::describe_pending(house, selected, Condition::Ready);
            return Err(Error::new(
                ErrorKind::TimedOut,
                format!("not ready in time: {missing}"),
            ));
        }
    }
    house.closing.wait_for(ShutdownStage::Stopping).await;
    Ok(())
}

/// Ends every domain, and says what it waits for. Gives those that could not be ended.
async fn shut_down(house: &SharedContext) -> Vec<String> {
    house.closing.request(ShutdownStage::Stopping);
    house.update_serving_status();
    house.standby.clear().await;
    let orderly = house.supervisor.shutdown();
    tokio::pin!(orderly);
    // The first line comes early enough to tell a wait from a hang.
    let mut next = Instant::now() + Duration::from_millis(500);
    loop {
        tokio::select! {
            left = &mut orderly => return left,
            () = house.closing.wait_for(ShutdownStage::Killing) => return house.supervisor.kill().await,
            () = sleep_until(next) => {
                house.log(Level::Info, change::shutdown_progress(house));
                next += Duration::from_secs(1);
            }
        }
    }
}
