//! The life of the domains, from the first start to the last exit.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fulcrum_config::Mode;
use fulcrum_logs::Level;
use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::wait_request::Condition;
use fulcrum_rpc::{ControlHandler, Registry, Unserved};
use fulcrum_spawn::supervisor::{Keeper, Supervisor};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::command::environment::Surroundings;
use crate::context::{House, Shared, now};
use crate::control::service::Desk;
use crate::control::{change, wait};
use crate::error::{Error, ErrorKind};
use crate::events::log::Journal;
use crate::launch::backend::Workshop;
use crate::launch::install::Installer;
use crate::launch::permit::Starts;
use crate::launch::setup::Setups;
use crate::liveness::timeouts::Limits;
use crate::oom_monitor::OomWatch;
use crate::parts::RuntimeParts;
use crate::process::untracked;
use crate::registration::authorizer::Gate;
use crate::registration::events as registrations;
use crate::reload::reloader::Reloader;
use crate::reload::request::{self, Wishes};
use crate::resources::limits;
use crate::resources::sampler::Vitals;
use crate::shutdown::stage::Stage;
use crate::standby::node::NodeMaker;
use crate::standby::pool::Standby;
use crate::state::desired::Agenda;
use crate::state::domain::{DeskRoom, Desks};
use crate::transitions;
use crate::watch::options::Watching;
use crate::watch::task as watching;

/// The engine of one instance: the supervisor of the domains, and the tasks that carry facts
/// between the libraries.
pub struct Runtime {
    house: Shared,
    registry: Registry,
    reloader: Reloader,
    wishes: Wishes,
    watch: Option<Watching>,
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
            .of(&parts.app)
            .map_err(|unknown| Error::new(ErrorKind::UnknownDomain, unknown.message(&parts.app)))?;
        let desks: Desks = Arc::new(DeskRoom::default());
        desks.add(parts.app.domains.iter().map(|domain| domain.name.as_str()));
        let (transitions, told) = mpsc::unbounded_channel();
        let (events, heard) = mpsc::unbounded_channel();
        let roster = Arc::new(OnceLock::new());
        let times = Limits::of(&parts.app).settings();
        let maker = NodeMaker::default();
        let standby = Standby::start(standby_limit(&parts), maker.clone());
        let around = Arc::new(Surroundings {
            inherited: parts.environment,
            grpc: parts.grpc.clone(),
            app: parts.app.root.clone(),
            modules: parts.module_reports.clone(),
            mode: parts.mode,
        });
        let agenda = Arc::new(Agenda {
            app: parts.app,
            selected,
            former: BTreeSet::new(),
        });
        let (writer, agendas) = watch::channel(Arc::clone(&agenda));
        let gate = Gate {
            registration: agenda.app.runtime.grpc.registration,
            desks: Arc::clone(&desks),
            supervisor: Arc::clone(&roster),
            looking: tokio::sync::Semaphore::new(1),
            agendas: agendas.clone(),
        };
        let registry = Registry::with_settings(gate, Unserved, events, times);
        let workshop = Workshop {
            around,
            agendas: agendas.clone(),
            toolbox: Arc::new(parts.prepare),
            spawner: parts.spawner,
            run: parts.run,
            installer: Installer::default(),
            starts: Starts::new(),
            hub: parts.hub.clone(),
            registry: registry.clone(),
            desks: Arc::clone(&desks),
            oom: OomWatch::start(),
            standby: standby.clone(),
            install: parts.install,
        };
        maker.furnish(workshop.clone());
        let setups = Setups {
            maker,
            workshop,
            request: parts.request,
            choice: parts.selection,
            port_hint: parts.port_hint,
        };
        let mut keeper = Keeper::new(transitions);
        let domains = agenda.app.domains.iter();
        let domains = domains.filter(|domain| domain.has_process());
        let domains = domains.map(|domain| setups.setup(&agenda, domain));
        // Nobody is there yet whose name they could have.
        keeper.add(domains.collect::<Result<_, _>>()?);
        keeper.order(agenda.app.waves());
        let supervisor = keeper.supervisor();
        // Set once, here; the gate was made before the domains it guards.
        let _ = roster.set(Supervisor::clone(&supervisor));

        let (samples, taken) = mpsc::unbounded_channel();
        limits::announce(&agenda.app, &parts.tracker, &parts.hub);
        let (reloads, wishes) = request::mailbox();
        let house: Shared = Arc::new(House {
            mode: parts.mode,
            supervisor,
            registry: registry.clone(),
            hub: parts.hub,
            journal: Journal::new(),
            vitals: Vitals::start(
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
        tokio::spawn(registrations::carry(Shared::clone(&house), heard));
        tokio::spawn(transitions::tell(Shared::clone(&house), told));
        tokio::spawn(limits::heed(Shared::clone(&house), taken));
        tokio::spawn(untracked::tell(
            house.containment.clone(),
            house.hub.clone(),
        ));
        let reloader = Reloader {
            keeper,
            agenda: writer,
            setups,
            last_invalid: None,
            last_unheeded: Vec::new(),
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
        Desk(Shared::clone(&self.house))
    }

    /// Starts the domains, waits until a shutdown is requested, and stops everything. With `wait`
    /// it ends by itself when not all selected domains are ready after that time.
    pub async fn run(self, wait: Option<Duration>) -> RuntimeExit {
        let house = self.house;
        if let Some(how) = self.watch {
            tokio::spawn(watching::watch(Shared::clone(&house), how));
        }
        let selected = self.selected.iter().map(String::as_str);
        house.supervisor.start(selected).await;
        let reloader = tokio::spawn(self.reloader.run(Shared::clone(&house), self.wishes));
        let result = wait_until_shutdown(&house, &self.selected, wait).await;
        house.closing.ask(Stage::Stopping);
        // From here on nobody adds a domain, so the shutdown sees all of them.
        let _ = reloader.await;
        let mut survivors = shut_down(&house).await;
        survivors.extend(untracked::end(&house.containment).await);
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
    house: &Shared,
    selected: &[String],
    wait: Option<Duration>,
) -> Result<(), Error> {
    let ready = wait::all(house, selected, Condition::Ready);
    let limited = async {
        match wait {
            Some(wait) => timeout(wait, ready).await.ok(),
            None => Some(ready.await),
        }
    };
    let started = tokio::select! {
        started = limited => started,
        () = house.closing.reached(Stage::Stopping) => return Ok(()),
    };
    match started {
        Some((Kind::Done, text)) => {
            house.tell_health();
            house.say(Level::Info, text);
        }
        Some((_, why)) if wait.is_some() => return Err(Error::new(ErrorKind::DomainFailed, why)),
        // Each domain's failure has been logged beside its name; the others go on.
        Some(_) => {}
        None => {
            let missing = wait::missing(house, selected, Condition::Ready);
            return Err(Error::new(
                ErrorKind::TimedOut,
                format!("not ready in time: {missing}"),
            ));
        }
    }
    house.closing.reached(Stage::Stopping).await;
    Ok(())
}

/// Ends every domain, and says what it waits for. Gives those that could not be ended.
async fn shut_down(house: &Shared) -> Vec<String> {
    house.closing.ask(Stage::Stopping);
    house.tell_health();
    house.standby.drop_all().await;
    let orderly = house.supervisor.shutdown();
    tokio::pin!(orderly);
    // The first line comes early enough to tell a wait from a hang.
    let mut next = Instant::now() + Duration::from_millis(500);
    loop {
        tokio::select! {
            left = &mut orderly => return left,
            () = house.closing.reached(Stage::Killing) => return house.supervisor.kill().await,
            () = sleep_until(next) => {
                house.say(Level::Info, change::blockers(house));
                next += Duration::from_secs(1);
            }
        }
    }
}
