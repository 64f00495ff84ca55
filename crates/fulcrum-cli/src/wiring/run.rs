//! Runs an instance: opens and binds what it needs, hands the parts to the runtime, and closes
//! everything in order.

use std::path::PathBuf;
use std::time::Duration;

use fulcrum_config::{LoadOptions, Mode, Selection, unsupported_settings};
use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_rpc::RuntimeDir;
use fulcrum_runtime::startup::Timings;
use fulcrum_runtime::{
    ProcessParts, Runtime, RuntimeExit, RuntimeParts, ShutdownSignal, ShutdownStage, export_target,
};
use fulcrum_spawn::prepare::{
    PrepareContext, create_report_dir, remove_report_dir, sweep_in_background, without_cargo,
};
use fulcrum_spawn::process::{GuardHandle, StartupMessage};
use fulcrum_telemetry::TelemetryService;
use tokio::time::sleep;

use super::claim::Claim;
use super::http;
use super::listen::{self, BoundPort};
use super::logging::Logging;
use super::options::Options;
use super::servers::Servers;
use super::signals::Signals;
use super::{ci, telemetry, tie};
use crate::commands::guard::GUARD_COMMAND;
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::{keys, load, prepare, schema_files};

/// When directories are swept after the start.
const SWEEP_DELAY: Duration = Duration::from_secs(3);

/// Runs an instance until a shutdown is requested, and shuts it down.
///
/// # Errors
/// Another instance is running, or the port is not available; with a wait limit, a domain failed
/// permanently or was not ready in time; a process survived SIGKILL.
pub(crate) async fn run(options: Options, mut timings: Timings) -> Result<(), CliError> {
    timings.done("threads");
    check_selection(&options)?;
    let (claim, control) = Claim::new(&options.app.root)?;
    timings.done("lock");
    let signals = Signals::catch().map_err(|error| CliError::cannot_run(&error))?;
    let port = listen::listen(&options.app, options.mode)?;
    let http = http::listen(&options.app, options.mode)?;
    timings.done("listeners");
    let processes = ProcessParts::start().map_err(|error| CliError::cannot_run(&error))?;

    let shutdown = ShutdownSignal::default();
    let logging = Logging::start(&options, &shutdown)?;
    timings.done("log store");
    let hub = logging.hub.clone();
    let addresses = (
        port.listeners.address(),
        http.as_ref().map(|http| http.address().to_string()),
    );
    let keys = keys::prepare(&options, addresses, logging.screen());
    claim.stale.iter().for_each(StartupMessage::log);
    let guard = start_guard(&claim, &processes);
    log_warnings(&hub, &options, &port);
    let traces = telemetry::start(&options.app, &processes.run, &hub)?;
    let prepare = prepare_context(&hub)?;
    work_later(&options, &claim, &prepare);
    let reports = report_dir(&options, &claim)?;
    watch_tie(&options, &hub, &shutdown)?;
    let terminal = options.terminal();
    let runtime = Runtime::new(RuntimeParts {
        http,
        telemetry: traces.as_ref().map(TelemetryService::telemetry),
        export_target: traces.as_ref().and_then(export_target),
        terminal,
        load_options: load_options(&options)?,
        selection: selection(&options),
        auto_ports: options.auto_ports,
        inspect: options.inspect,
        app: options.app,
        install: options.install,
        watch: options.watching,
        typecheck: options.typecheck,
        hub: hub.clone(),
        log_run: logging.run(),
        processes,
        prepare,
        environment: without_cargo(std::env::vars_os().collect()),
        grpc: port.listeners.address(),
        port_hint: port.fallback_reason,
        socket: claim.dir.socket().display().to_string(),
        module_reports: reports.clone(),
        shutdown: shutdown.clone(),
    })?;
    timings.done("runtime");
    let servers = Servers::start(port.listeners, control, &runtime, &hub, &shutdown);
    timings.done("servers");
    timings.record(traces.as_ref());
    timings.log(&hub, || runtime.handle().events());
    let keys = keys.and_then(|keys| keys.start(&claim.dir, &shutdown, &hub));
    tokio::spawn(signals.run(shutdown.clone(), hub));

    let (exit, failure) = ci::run(runtime, options.wait, options.ci, &shutdown).await;

    keys::stop(keys).await;
    stop(servers, logging, traces, &shutdown).await;
    guard.end(exit.survivors.is_empty()).await;
    if let Some(reports) = &reports {
        remove_report_dir(reports);
    }
    drop(claim);
    match failure {
        Some(failure) => Err(failure.report()),
        None => conclude(exit),
    }
}

/// Ends what the domains needed, in order. Fast after a second Ctrl-C.
async fn stop(
    servers: Servers,
    mut logging: Logging,
    traces: Option<TelemetryService>,
    shutdown: &ShutdownSignal,
) {
    let fast = shutdown.stage() == ShutdownStage::Killing;
    shutdown.request(ShutdownStage::Done);
    let hub = logging.hub.clone();
    tokio::join!(
        servers.stop(fast),
        logging.stop_export(fast),
        telemetry::stop(traces, fast, &hub)
    );
    logging.close(fast).await;
}

/// What commands are prepared with. Logs that the cache is elsewhere.
fn prepare_context(hub: &Hub) -> Result<PrepareContext, CliError> {
    let (context, cache_warning) = prepare::context()?;
    if let Some(warning) = cache_warning {
        hub.log(Level::Warn, with_code(&warning, ErrorCode::CacheMoved));
    }
    Ok(context)
}

/// The directory in which domains report the files that they load, if those are watched.
fn report_dir(options: &Options, claim: &Claim) -> Result<Option<PathBuf>, CliError> {
    let reports = options.watching.map(|_| create_report_dir(claim.dir.dir()));
    reports
        .transpose()
        .map_err(|error| CliError::cannot_run(&error))
}

/// The result of the instance; a process that is left is a failure.
fn conclude(exit: RuntimeExit) -> Result<(), CliError> {
    if exit.survivors.is_empty() {
        return exit.result.map_err(CliError::from);
    }
    let survivors = exit.survivors.join(", ");
    Err(CliError::new(
        ErrorCode::SurvivedKill,
        format!("still running after SIGKILL: {survivors}"),
    ))
}

/// How the configuration is read again.
fn load_options(options: &Options) -> Result<LoadOptions, CliError> {
    load::instance_request(Some(&options.app.root), options.mode, &options.auto_ports)
}

fn selection(options: &Options) -> Selection {
    Selection {
        only: options.only.clone(),
        no_deps: options.no_deps,
    }
}

fn start_guard(claim: &Claim, processes: &ProcessParts) -> GuardHandle {
    let (run, tracker) = (&processes.run, &processes.tracker);
    GuardHandle::start(GUARD_COMMAND, &claim.record(), run, tracker)
}

/// Ends the instance with the command that started it, if it is tied to one.
fn watch_tie(options: &Options, hub: &Hub, shutdown: &ShutdownSignal) -> Result<(), CliError> {
    match options.is_tied {
        true => tie::watch(hub, shutdown).map_err(|error| CliError::cannot_run(&error)),
        false => Ok(()),
    }
}

/// Starts what can wait.
fn work_later(options: &Options, claim: &Claim, prepare: &PrepareContext) {
    let limit = options.app.runtime.cache_size;
    let sweeping = sweep_later(claim.dir.clone(), prepare.cache.clone(), limit);
    tokio::spawn(sweeping);
    if options.mode == Mode::Dev {
        tokio::spawn(refresh_schemas_later(options.app.root.clone()));
    }
}

/// Sweeps the cache and the directories of dead instances, when most domains have started: it reads
/// many directories.
async fn sweep_later(dir: RuntimeDir, cache: PathBuf, limit: u64) {
    sleep(SWEEP_DELAY).await;
    sweep_in_background(cache, limit);
    dir.sweep_in_background();
}

/// Writes the schemas that editors read, when most domains have started. Nothing depends on them.
async fn refresh_schemas_later(root: PathBuf) {
    sleep(SWEEP_DELAY).await;
    let _ = tokio::task::spawn_blocking(move || schema_files::refresh(&root)).await;
}

/// Rejects unknown names before anything is opened.
fn check_selection(options: &Options) -> Result<(), CliError> {
    let resolved = selection(options).resolve(&options.app);
    resolved
        .map(drop)
        .map_err(|unknown| CliError::new(ErrorCode::UnknownDomain, unknown.message(&options.app)))
}

fn log_warnings(hub: &Hub, options: &Options, port: &BoundPort) {
    let unsupported = unsupported_settings(&options.app);
    for warning in options.warnings.iter().chain(&unsupported) {
        hub.log(
            Level::Warn,
            with_code(warning, fulcrum_config::Code::NotSupported),
        );
    }
    if let Some(reason) = &port.fallback_reason {
        hub.log(Level::Warn, with_code(reason, ErrorCode::PortMoved));
    }
}
