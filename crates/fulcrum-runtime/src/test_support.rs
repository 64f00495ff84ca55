//! A supervisor over fake processes, for tests of what is composed around it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fulcrum_config::{App, Domain, LoadOptions, Mode};
use fulcrum_logs::{Hub, HubConfig, LogQuery};
use fulcrum_rpc::{Authorizer, Registry, ServerConfig, TokenPolicy, UnimplementedHandler};
use fulcrum_spawn::StartError;
use fulcrum_spawn::lifecycle::{ExitReport, Fact, StopSignal, Timing};
use fulcrum_spawn::process::{ProcessTracker, RunId, Spawner};
use fulcrum_spawn::supervisor::{
    Backend, DomainManager, DomainSpec, FactSender, ProcessGroup, Supervisor, Transition,
};
use tempfile::TempDir;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::sleep;

use crate::command::environment::EnvironmentBase;
use crate::events::log::EventLog;
use crate::exit::held::HeldExits;
use crate::hooks::command::HookSpawner;
use crate::hooks::runner::{HookProgress, HookRunner};
use crate::launch::setup::to_condition;
use crate::process::untracked::open_tracker;
use crate::readiness::late::LateReadiness;
use crate::readiness::serving::ServingStatus;
use crate::registration::identity::DomainIdentities;
use crate::restart::groups::GroupRestarts;
use crate::restart::policy::RestartPolicyAdapter;
use crate::shutdown::stage::ShutdownSignal;
use crate::state::desired::{self, DesiredState, DesiredStateReceiver, DesiredStateSender};
use crate::state::domain::{DomainStates, SharedDomainStates};
use crate::state::ports::AutoPorts;
use crate::traces::starts::StartTraces;
use crate::transitions::TransitionTask;

/// A valid app with these files and a `fulcrum.yml`, and its directory.
pub(crate) fn app(files: &[(&str, &str)]) -> (TempDir, App) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("fulcrum.yml"), "").expect("writable");
    for (path, text) in files {
        let file = dir.path().join(path);
        std::fs::create_dir_all(file.parent().expect("a file is in a directory"))
            .expect("writable");
        std::fs::write(file, text).expect("writable");
    }
    let options = LoadOptions {
        app: None,
        cwd: dir.path().canonicalize().expect("it exists"),
        env: BTreeMap::new(),
        flags: Vec::new(),
        mode: Mode::Dev,
        auto_ports: None,
    };
    let loaded = fulcrum_config::load(&options);
    let app = loaded.app;
    let app = app.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    (dir, app)
}

/// What the fake processes of a domain do.
#[derive(Clone, Copy)]
pub(crate) struct FakeProcess {
    /// Becomes ready after this time; `None` is never.
    pub(crate) ready_after: Option<Duration>,
    /// Exits after this time, with this code.
    pub(crate) exits: Option<(Duration, i32)>,
}

/// Becomes ready after 50 ms, and exits only when it is stopped.
pub(crate) const WELL_BEHAVED: FakeProcess = FakeProcess {
    ready_after: Some(Duration::from_millis(50)),
    exits: None,
};

/// Runs, and a probe that never succeeds decides its readiness.
pub(crate) const STARTED_ONLY: FakeProcess = FakeProcess {
    ready_after: None,
    exits: None,
};

struct FakeBackend(FakeProcess);

struct FakeGroup(UnboundedSender<StopSignal>);

impl ProcessGroup for FakeGroup {
    fn pid(&self) -> u32 {
        // Larger than any process id.
        u32::MAX
    }

    fn send(&self, _: rustix::process::Signal, _: bool) {}
    fn signal(&self, signal: StopSignal) {
        // A process that has exited receives no signals.
        let _ = self.0.send(signal);
    }
}

impl Backend for FakeBackend {
    type LaunchPlan = ();

    fn prepare(&mut self, _: u64) -> impl Future<Output = Result<(), StartError>> + Send + 'static {
        std::future::ready(Ok(()))
    }

    async fn spawn(
        &mut self,
        (): (),
        facts: FactSender,
    ) -> Result<Arc<dyn ProcessGroup>, StartError> {
        let (sender, mut signals) = mpsc::unbounded_channel();
        let process = self.0;
        tokio::spawn(async move {
            let ready = async {
                if let Some(after) = process.ready_after {
                    sleep(after).await;
                    facts.report(Fact::Ready);
                } else if process.exits.is_none() {
                    facts.report(Fact::Started);
                }
                std::future::pending::<()>().await;
            };
            let exit = async {
                match process.exits {
                    Some((after, code)) => {
                        sleep(after).await;
                        Some(code)
                    }
                    None => std::future::pending().await,
                }
            };
            let code = tokio::select! {
                () = ready => None,
                code = exit => code,
                _ = signals.recv() => Some(0),
            };
            facts.report(Fact::Exited(ExitReport { code, signal: None }));
            facts.report(Fact::GroupEmpty);
        });
        Ok(Arc::new(FakeGroup(sender)))
    }
}

/// A supervisor of fake domains, and what tasks around it read and write.
pub(crate) struct Harness {
    _dir: TempDir,
    /// Keeps the desired state.
    _sender: DesiredStateSender,
    _manager: DomainManager<FakeBackend>,
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) supervisor: Supervisor,
    pub(crate) events: EventLog,
    pub(crate) hub: Hub,
    pub(crate) shutdown: ShutdownSignal,
    registry: Registry,
    tracker: ProcessTracker,
    transitions: Option<UnboundedReceiver<Transition>>,
}

impl Harness {
    /// Supervises the domains of an app. Those that `processes` does not name are well-behaved.
    pub(crate) fn new(files: &[(&str, &str)], processes: &[(&str, FakeProcess)]) -> Self {
        let (dir, app) = app(files);
        let names: Vec<String> = app.domains.iter().map(|one| one.name.clone()).collect();
        let states: SharedDomainStates = Arc::new(DomainStates::default());
        states.add(names.iter().map(String::as_str));
        let hub = Hub::new(HubConfig::default());
        let (sender, desired) = desired::channel(DesiredState {
            app,
            selected: names,
            removed: BTreeSet::new(),
        });
        let (transition_sender, transitions) = mpsc::unbounded_channel();
        let mut manager = DomainManager::new(transition_sender);
        let supervisor = manager.supervisor();
        let current = desired.current();
        let specs = current.app.domains.iter().map(|domain| {
            let process = processes.iter().find(|(name, _)| *name == domain.name);
            let policy = RestartPolicyAdapter::new(
                domain,
                desired.clone(),
                Arc::clone(&states),
                hub.clone(),
                None,
            );
            let dependencies = domain.process.depends_on.iter();
            DomainSpec {
                name: domain.name.clone(),
                dependencies: dependencies
                    .map(|(name, condition)| {
                        let is_job = current.app.domain(name).is_some_and(Domain::is_job);
                        (name.clone(), to_condition(*condition, is_job))
                    })
                    .collect(),
                timing: Timing {
                    start_timeout: domain.process.start_timeout,
                    time_limit: domain.process.timeout,
                    stop_grace: domain.process.stop.grace,
                    kill_wait: Duration::from_secs(5),
                },
                policy: Box::new(policy.expect("valid settings")),
                backend: FakeBackend(process.map_or(WELL_BEHAVED, |(_, process)| *process)),
            }
        });
        manager.add(specs.collect());
        let identities = DomainIdentities {
            states: Arc::clone(&states),
            supervisor: supervisor.clone(),
            desired: desired.clone(),
        };
        let registry = Registry::with_config(
            Authorizer::new(TokenPolicy::Required, identities),
            UnimplementedHandler,
            mpsc::unbounded_channel().0,
            ServerConfig::default(),
        );
        Self {
            _dir: dir,
            _sender: sender,
            _manager: manager,
            desired,
            states,
            supervisor,
            events: EventLog::new(None),
            hub,
            shutdown: ShutdownSignal::default(),
            registry,
            tracker: open_tracker(&RunId::new().expect("random numbers")),
            transitions: Some(transitions),
        }
    }

    /// Starts the transition task, and then all domains.
    pub(crate) async fn start(&mut self) {
        self.start_tasks();
        let desired = self.desired.current();
        self.supervisor
            .start(desired.selected.iter().map(String::as_str))
            .await;
    }

    /// Starts the transition task.
    pub(crate) fn start_tasks(&mut self) {
        let task = TransitionTask {
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
            serving: ServingStatus {
                desired: self.desired.clone(),
                supervisor: self.supervisor.clone(),
                registry: self.registry.clone(),
                shutdown: self.shutdown.clone(),
                waits_for: Arc::default(),
            },
            late: LateReadiness {
                desired: self.desired.clone(),
                states: Arc::clone(&self.states),
                supervisor: self.supervisor.clone(),
                hub: self.hub.clone(),
            },
            hooks: self.hooks(),
            traces: StartTraces::default(),
            events: self.events.clone(),
            hub: self.hub.clone(),
        };
        let transitions = self.transitions.take().expect("started once");
        tokio::spawn(task.run(transitions));
    }

    /// Runs hooks with real processes.
    fn hooks(&self) -> HookRunner {
        static SPAWNER: OnceLock<(Spawner, RunId)> = OnceLock::new();
        let (spawner, run) = SPAWNER.get_or_init(|| {
            let run = RunId::new().expect("random numbers");
            let spawner = Spawner::start(open_tracker(&run));
            (spawner.expect("a thread"), run)
        });
        HookRunner {
            spawner: HookSpawner {
                spawner: spawner.clone(),
                run: run.clone(),
                hub: self.hub.clone(),
            },
            environment: Arc::new(EnvironmentBase {
                inherited: BTreeMap::new(),
                grpc: String::new(),
                app: self._dir.path().to_owned(),
                modules: None,
                mode: Mode::Dev,
                terminal: None,
                auto_ports: AutoPorts::default(),
                traces: StartTraces::default(),
                export_target: None,
                instance: String::new(),
            }),
            desired: self.desired.clone(),
            states: Arc::clone(&self.states),
            events: self.events.clone(),
            shutdown: self.shutdown.clone(),
            progress: HookProgress::default(),
        }
    }

    /// Waits for an event of a domain, and returns its reason.
    pub(crate) async fn wait_for_event(&self, domain: &str, kind: &str) -> String {
        self.wait_for_nth_event(domain, kind, 1).await
    }

    /// Waits until an event of this kind has occurred `times` times, and returns the last reason.
    pub(crate) async fn wait_for_nth_event(&self, domain: &str, kind: &str, times: u32) -> String {
        let mut events = self.events.subscribe();
        // Repeats replace the event that they repeat.
        let mut counts = BTreeMap::new();
        loop {
            let event = events.next().await.expect("the event log is open");
            if event.domain == domain && event.kind == kind {
                let of_event = (event.generation, event.first_time, event.reason.clone());
                counts.insert(of_event, event.count);
                if counts.values().sum::<u64>() >= u64::from(times) {
                    return event.reason;
                }
            }
        }
    }

    /// The kinds of the events of a domain so far.
    pub(crate) fn event_kinds(&self, domain: &str) -> Vec<&'static str> {
        let mut events = self.events.subscribe();
        let of_domain = events.recent().filter(|event| event.domain == domain);
        of_domain.map(|event| event.kind).collect()
    }

    /// The log lines of a domain so far.
    pub(crate) fn log_lines(&self, domain: &str) -> Vec<String> {
        let lines = self.hub.tail(&LogQuery::domain(domain));
        lines.iter().map(|line| line.text().into_owned()).collect()
    }
}
