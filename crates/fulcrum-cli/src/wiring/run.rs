//! Builds the parts of an instance, hands them to the runtime, and serves it.

use std::path::PathBuf;
use std::time::Duration;

use fulcrum_config::{Selection, unsupported_settings};
use fulcrum_logs::{Hub, Level, Stream, tracing_layer};
use fulcrum_rpc::{
    InstanceLock, LockError, RuntimeDir, bind_control, serve_control, serve_domains,
};
use fulcrum_runtime::context::log;
use fulcrum_runtime::events::export;
use fulcrum_runtime::parts::RuntimeParts;
use fulcrum_runtime::process::untracked;
use fulcrum_runtime::runtime::Runtime;
use fulcrum_runtime::shutdown::stage::{ShutdownSignal, ShutdownStage};
use fulcrum_runtime::state::modules;
use fulcrum_spawn::prepare::PrepareContext;
use fulcrum_spawn::process::{GuardHandle, RunId, Spawner, StartupMessage, clean_up_stale};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::options::Options;
use super::signals::Signals;
use super::terminal::OutputWriter;
use super::{listen, log_store};
use crate::commands::guard::GUARD_COMMAND;
use crate::exit::CliError;
use crate::{load, paths};

/// How long clients have to hear the end before the servers go.
const SERVER_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(300);

/// How long who needn't hear it has, and everybody after a second Ctrl-C.
const FAST_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(100);

/// Runs an instance until it is asked to end, and ends it.
///
/// # Errors
/// It can't become this app's instance, or can't listen; a domain failed for good or wasn't ready
/// in time while the command waited for it; a process survived the end.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let choice = Selection {
        only: options.only.clone(),
        no_deps: options.no_deps,
    };
    // Before anything is opened: a wrong name must leave no trace.
    choice.resolve(&options.app).map_err(|unknown| {
        CliError::new(
            crate::exit::Code::UnknownDomain,
            unknown.message(&options.app),
        )
    })?;
    let defect =
        |error: std::io::Error| CliError::failed(format!("fulcrum can't run here: {error}"));
    let dir = paths::runtime_dir(&options.app.root)?;
    let lock = take_lock(&dir, &options)?;
    let record = dir.dir().join("record");
    let stale = clean_up_stale(&record).map_err(|alive| {
        CliError::failed(format!(
            "{alive}, but its lock {} is missing\n  hint: stop it with `kill {}`",
            dir.lock_path().display(),
            alive.pid
        ))
    })?;
    let control = bind_control(&lock, &dir).map_err(|error| {
        CliError::failed(format!("the control socket can't be opened: {error}"))
    })?;
    let signals = Signals::catch().map_err(defect)?;
    let port = listen::listen(&options.app, options.mode)?;
    let run = RunId::new().map_err(defect)?;
    let tracker = untracked::open_tracker(&run);
    let spawner = Spawner::start(tracker.clone()).map_err(defect)?;

    let mut log_store = log_store::open(&options.app);
    let hub = log_store.hub();
    tracing_layer::install(&hub);
    let closing = ShutdownSignal::default();
    let names: Vec<&str> = options
        .app
        .domains
        .iter()
        .map(|domain| domain.name.as_str())
        .collect();
    let screen = OutputWriter::start(
        &hub,
        &names,
        options.style,
        options.json,
        options.exit_on_stdout_close,
        (options.detached && log_store.run() > 0).then_some(Stream::Fulcrum),
        closing.clone(),
    )
    .map_err(defect)?;
    let forward = export::start(&hub, &options.app);
    stale.iter().for_each(StartupMessage::log);
    let mut guarding = GuardHandle::start(GUARD_COMMAND, &record, &run, &tracker);
    for warning in options
        .warnings
        .iter()
        .chain(&unsupported_settings(&options.app))
    {
        log(&hub, Level::Warn, warning.clone());
    }
    if let Some(moved) = &port.fallback_reason {
        log(&hub, Level::Warn, moved.clone());
    }
    let modules = options.watching.map(|_| modules::report_dir(dir.dir()));
    let modules = modules.transpose().map_err(defect)?;
    let runtime = Runtime::new(RuntimeParts {
        request: load::request(Some(&options.app.root), options.mode)?,
        app: options.app,
        mode: options.mode,
        selection: choice,
        install: options.install,
        watch: options.watching,
        hub: hub.clone(),
        log_run: log_store.run(),
        spawner,
        tracker,
        run,
        prepare: toolbox()?,
        environment: std::env::vars_os().collect(),
        grpc: port.listeners.address(),
        port_hint: port.fallback_reason,
        socket: dir.socket().display().to_string(),
        module_reports: modules.clone(),
        shutdown: closing.clone(),
    })?;
    let down = CancellationToken::new();
    let domains = serve_domains(port.listeners, runtime.registry(), down.clone());
    let domains = spawn_server("the domains' port", domains, &hub, &closing);
    let clients = serve_control(control, runtime.control_service(), down.clone());
    let clients = spawn_server("the control socket", clients, &hub, &closing);
    tokio::spawn(signals.run(closing.clone(), hub.clone()));
    guarding.ready().await;
    let exit = runtime.run(options.wait).await;
    let in_a_hurry = closing.stage() == ShutdownStage::Killing;
    closing.request(ShutdownStage::Done);
    down.cancel();
    let limit = if in_a_hurry {
        FAST_SHUTDOWN_TIMEOUT
    } else {
        SERVER_SHUTDOWN_TIMEOUT
    };
    // The domains are gone; other clients of their port are told, but not waited for.
    let _ = tokio::join!(
        timeout(FAST_SHUTDOWN_TIMEOUT, domains),
        timeout(limit, clients),
        export::stop(forward, in_a_hurry)
    );
    hub.close();
    let last_words = move || {
        screen.finish(in_a_hurry);
        log_store.close();
    };
    let _ = tokio::task::spawn_blocking(last_words).await;
    guarding.end(exit.survivors.is_empty()).await;
    if let Some(folder) = &modules {
        modules::remove_report_dir(folder);
    }
    drop(lock);
    if exit.survivors.is_empty() {
        exit.result.map_err(CliError::from)
    } else {
        Err(CliError::failed(format!(
            "still alive after SIGKILL: {}",
            exit.survivors.join(", ")
        )))
    }
}

/// Serves in a task of its own; should it ever fail, the instance says so and ends.
fn spawn_server<E: std::fmt::Display + Send + 'static>(
    what: &'static str,
    serving: impl Future<Output = Result<(), E>> + Send + 'static,
    hub: &Hub,
    closing: &ShutdownSignal,
) -> JoinHandle<()> {
    let (hub, closing) = (hub.clone(), closing.clone());
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            log(
                &hub,
                Level::Error,
                format!("{what} can't be served any more: {error}"),
            );
            closing.request(ShutdownStage::Stopping);
        }
    })
}

fn take_lock(dir: &RuntimeDir, options: &Options) -> Result<InstanceLock, CliError> {
    dir.try_lock().map_err(|error| match error {
        LockError::Held { pid } => {
            let pid = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
            CliError::failed(format!(
                "{} runs already{pid}: `fulcrum domains list` shows it, `fulcrum down` stops it",
                options.app.root.display()
            ))
        }
        LockError::Io(error) => CliError::failed(format!(
            "the lock {} can't be taken: {error}",
            dir.lock_path().display()
        )),
    })
}

fn toolbox() -> Result<PrepareContext, CliError> {
    let program = std::env::current_exe()
        .map_err(|error| CliError::failed(format!("fulcrum can't find itself: {error}")))?;
    let strip = vec![program.into_os_string(), "__strip".into()];
    let mut toolbox = PrepareContext::new(paths::cache_dir(), strip);
    toolbox.nvm_dir = std::env::var_os("NVM_DIR").map(PathBuf::from);
    Ok(toolbox)
}
