//! The life of an instance from its lock to its last line.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fulcrum_config::Mode;
use fulcrum_logs::{Hub, Level, Stream};
use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::wait_request::Condition;
use fulcrum_rpc::{
    InstanceLock, LockError, Registry, RuntimeDir, Unserved, bind_control, serve_control,
    serve_domains,
};
use fulcrum_spawn::prepare::Toolbox;
use fulcrum_spawn::process::{RunId, Spawner};
use fulcrum_spawn::supervisor::{Keeper, Supervisor};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::agenda::{Agenda, Choice};
use super::backend::Workshop;
use super::closing::{Closing, Stage};
use super::control::Desk;
use super::desk::{DeskRoom, Desks};
use super::environment::Surroundings;
use super::events::Journal;
use super::gatekeeper::Gate;
use super::guarding::Guarding;
use super::house::{House, Shared, now, say};
use super::install::Installer;
use super::liveness::Limits;
use super::oom::OomWatch;
use super::options::Options;
use super::reload::{self, Reloader};
use super::setup::Setups;
use super::signals::Signals;
use super::standby::{NodeMaker, Standby};
use super::starts::Starts;
use super::terminal::Screen;
use super::unserved::unserved;
use super::{
    change, escaped, forward, keeping, leftovers, limits, listen, modules, narrator, registrations,
    vitals, waiting, watching, words,
};
use crate::exit::{Code, Stop};
use crate::{load, place};

/// How long clients have to hear the end before the servers go.
const SERVERS: Duration = Duration::from_millis(300);

/// How long who needn't hear it has, and everybody after a second Ctrl-C.
const HURRY: Duration = Duration::from_millis(100);

/// Runs an instance until it is asked to end, and ends it.
///
/// # Errors
/// It can't become this app's instance, or can't listen; a domain failed for good or wasn't ready
/// in time while the command waited for it; a process survived the end.
pub(crate) async fn run(options: Options) -> Result<(), Stop> {
    let started = (Instant::now(), now());
    let choice = Choice {
        only: options.only.clone(),
        no_deps: options.no_deps,
    };
    let selected = choice
        .of(&options.app)
        .map_err(|unknown| Stop::new(Code::UnknownDomain, unknown.message(&options.app)))?;
    let defect = |error: std::io::Error| Stop::failed(format!("fulcrum can't run here: {error}"));
    let dir = place::runtime_dir(&options.app.root)?;
    let lock = take_lock(&dir, &options)?;
    let leftovers = leftovers::settle(&dir)?;
    let control = bind_control(&lock, &dir)
        .map_err(|error| Stop::failed(format!("the control socket can't be opened: {error}")))?;
    let signals = Signals::catch().map_err(defect)?;
    let port = listen::listen(&options.app, options.mode)?;
    let run = RunId::new().map_err(defect)?;
    let containment = escaped::contain(&run);
    let spawner = Spawner::start(containment.clone()).map_err(defect)?;

    let mut keeping = keeping::open(&options.app);
    let hub = keeping.hub();
    words::tell(&hub);
    let closing = Closing::default();
    let names: Vec<&str> = options
        .app
        .domains
        .iter()
        .map(|domain| domain.name.as_str())
        .collect();
    let screen = Screen::start(
        &hub,
        &names,
        options.style,
        options.json,
        options.watched,
        (options.detached && keeping.run() > 0).then_some(Stream::Fulcrum),
        closing.clone(),
    )
    .map_err(defect)?;
    let forward = forward::start(&hub, &options.app);
    for (level, word) in leftovers {
        say(&hub, level, word);
    }
    let mut guarding = Guarding::begin(&dir, &run, &containment, &hub);
    for warning in options.warnings.iter().chain(&unserved(&options.app)) {
        say(&hub, Level::Warn, warning.clone());
    }
    if let Some(moved) = &port.moved {
        say(&hub, Level::Warn, moved.clone());
    }

    let desks: Desks = Arc::new(DeskRoom::default());
    desks.add(names.iter().copied());
    let (transitions, told) = mpsc::unbounded_channel();
    let (events, heard) = mpsc::unbounded_channel();
    let roster = Arc::new(OnceLock::new());
    let times = Limits::of(&options.app).settings();
    let modules = options.watching.map(|_| modules::folder(dir.dir()));
    let modules = modules.transpose().map_err(defect)?;
    let maker = NodeMaker::default();
    let standby = Standby::start(spares(&options), maker.clone());
    let around = Arc::new(surroundings(&options, &port, modules.clone()));
    let agenda = Arc::new(Agenda {
        app: options.app,
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
        toolbox: Arc::new(toolbox()?),
        spawner,
        run,
        installer: Installer::default(),
        starts: Starts::new(),
        hub: hub.clone(),
        registry: registry.clone(),
        desks: Arc::clone(&desks),
        oom: OomWatch::start(),
        standby: standby.clone(),
        install: options.install,
    };
    maker.furnish(workshop.clone());
    let setups = Setups {
        maker,
        workshop,
        request: load::request(Some(&agenda.app.root), options.mode)?,
        choice,
        port_hint: port.moved.clone(),
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
    limits::announce(&agenda.app, &containment, &hub);
    let (reloads, wishes) = reload::mailbox();
    let house: Shared = Arc::new(House {
        mode: options.mode,
        supervisor,
        registry: registry.clone(),
        hub: hub.clone(),
        journal: Journal::new(),
        vitals: vitals::Vitals::start(
            Arc::clone(&desks),
            agendas.clone(),
            containment.clone(),
            samples,
        ),
        containment: containment.clone(),
        standby,
        desks,
        closing: closing.clone(),
        log_run: keeping.run(),
        modules: modules.clone(),
        grpc: port.listeners.address(),
        socket: dir.socket().display().to_string(),
        started,
        agendas,
        reloads,
    });
    let down = CancellationToken::new();
    let domains = serve_domains(port.listeners, registry, down.clone());
    let domains = served("the domains' port", domains, &hub, &closing);
    let clients = serve_control(control, Desk(Shared::clone(&house)), down.clone());
    let clients = served("the control socket", clients, &hub, &closing);
    tokio::spawn(registrations::carry(Shared::clone(&house), heard));
    tokio::spawn(narrator::tell(Shared::clone(&house), told));
    tokio::spawn(limits::heed(Shared::clone(&house), taken));
    tokio::spawn(escaped::tell(containment.clone(), hub.clone()));
    tokio::spawn(signals.carry(closing.clone(), hub.clone()));

    guarding.standing().await;
    if let Some(how) = options.watching {
        tokio::spawn(watching::watch(Shared::clone(&house), how));
    }
    let selected = agenda.selected.iter().map(String::as_str);
    house.supervisor.start(selected).await;
    let reloader = Reloader {
        keeper,
        agenda: writer,
        setups,
        last_invalid: None,
        last_unheeded: Vec::new(),
    };
    let reloader = tokio::spawn(reloader.run(Shared::clone(&house), wishes));
    let end = attend(&house, &agenda.selected, options.wait).await;
    house.closing.ask(Stage::Stopping);
    // From here on nobody adds a domain, so the shutdown sees all of them.
    let _ = reloader.await;
    let mut left = wind_up(&house).await;
    left.extend(escaped::end(&containment).await);
    let in_a_hurry = closing.stage() == Stage::Killing;
    closing.ask(Stage::Ended);
    down.cancel();
    let limit = if in_a_hurry { HURRY } else { SERVERS };
    // The domains are gone; other clients of their port are told, but not waited for.
    let _ = tokio::join!(
        timeout(HURRY, domains),
        timeout(limit, clients),
        forward.end(in_a_hurry)
    );
    hub.close();
    let last_words = move || {
        screen.finish(in_a_hurry);
        keeping.close();
    };
    let _ = tokio::task::spawn_blocking(last_words).await;
    guarding.end(left.is_empty()).await;
    if let Some(folder) = &modules {
        modules::clear(folder);
    }
    drop(lock);
    if left.is_empty() {
        end
    } else {
        Err(Stop::failed(format!(
            "still alive after SIGKILL: {}",
            left.join(", ")
        )))
    }
}

/// Serves in a task of its own; should it ever fail, the instance says so and ends.
fn served<E: std::fmt::Display + Send + 'static>(
    what: &'static str,
    serving: impl Future<Output = Result<(), E>> + Send + 'static,
    hub: &Hub,
    closing: &Closing,
) -> JoinHandle<()> {
    let (hub, closing) = (hub.clone(), closing.clone());
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            say(
                &hub,
                Level::Error,
                format!("{what} can't be served any more: {error}"),
            );
            closing.ask(Stage::Stopping);
        }
    })
}

/// How many spare processes there may be altogether: while somebody works on the code one is worth
/// its memory, in production that is for who runs it to say.
fn spares(options: &Options) -> u32 {
    options.app.runtime.standby.unwrap_or(match options.mode {
        Mode::Dev => 1,
        Mode::Serve => 0,
    })
}

fn surroundings(options: &Options, port: &listen::Port, modules: Option<PathBuf>) -> Surroundings {
    Surroundings {
        inherited: std::env::vars_os().collect(),
        grpc: port.listeners.address(),
        app: options.app.root.clone(),
        modules,
        mode: options.mode,
    }
}

fn take_lock(dir: &RuntimeDir, options: &Options) -> Result<InstanceLock, Stop> {
    dir.try_lock().map_err(|error| match error {
        LockError::Held { pid } => {
            let pid = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
            Stop::failed(format!(
                "{} runs already{pid}: `fulcrum domains list` shows it, `fulcrum down` stops it",
                options.app.root.display()
            ))
        }
        LockError::Io(error) => Stop::failed(format!(
            "the lock {} can't be taken: {error}",
            dir.lock_path().display()
        )),
    })
}

fn toolbox() -> Result<Toolbox, Stop> {
    let program = std::env::current_exe()
        .map_err(|error| Stop::failed(format!("fulcrum can't find itself: {error}")))?;
    let strip = vec![program.into_os_string(), "__strip".into()];
    let mut toolbox = Toolbox::new(place::cache_dir(), strip);
    toolbox.nvm_dir = std::env::var_os("NVM_DIR").map(PathBuf::from);
    Ok(toolbox)
}

/// Waits for the start's end, says how it went, and then for the wish to end.
async fn attend(house: &Shared, selected: &[String], wait: Option<Duration>) -> Result<(), Stop> {
    let ready = waiting::all(house, selected, Condition::Ready);
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
        Some((_, why)) if wait.is_some() => return Err(Stop::new(Code::DomainFailed, why)),
        // Each domain's failure has been told beside its name; the others go on.
        Some(_) => {}
        None => {
            let missing = waiting::missing(house, selected, Condition::Ready);
            return Err(Stop::new(
                Code::TimedOut,
                format!("not ready in time: {missing}"),
            ));
        }
    }
    house.closing.reached(Stage::Stopping).await;
    Ok(())
}

/// Ends every domain, and says what it waits for. Gives those that could not be ended.
async fn wind_up(house: &Shared) -> Vec<String> {
    house.closing.ask(Stage::Stopping);
    house.tell_health();
    house.standby.drop_all().await;
    let orderly = house.supervisor.shutdown();
    tokio::pin!(orderly);
    // The first word comes early enough to tell a wait from a hang.
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
