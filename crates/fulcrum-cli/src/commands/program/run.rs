//! Starts the app, waits until it is ready, runs the program, and stops everything.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use fulcrum_config::{Mode, port_variable};
use fulcrum_rpc::control::wait_request::Condition;
use fulcrum_rpc::control::{ShutdownRequest, StatusRequest, WaitRequest};
use fulcrum_rpc::{ConnectError, ControlClient};
use fulcrum_spawn::prepare::{app_variables, exempt_loopback};
use fulcrum_spawn::process::ProcessHandle;

use super::args::Args;
use super::failures::report_failures;
use super::signals::{ForwardedSignals, Received};
use crate::args::duration::to_millis;
use crate::commands::background::{Background, BackgroundStart, NotServing};
use crate::commands::context::Context;
use crate::commands::detach::already_running;
use crate::commands::development::DevelopmentArgs;
use crate::commands::watch::WatchArgs;
use crate::error_code::ErrorCode;
use crate::exit::{CliError, Code};
use crate::output::{CiReporter, Output};
use crate::{client, load, paths};

/// After that many signals, the program is killed.
const MAX_SIGNALS: u32 = 3;

/// The exit codes that shells use for a program that cannot be run.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

pub(super) async fn run(
    args: Args,
    node_env: Option<&'static str>,
    context: Context,
) -> Result<(), CliError> {
    let output = &context.output;
    let mut signals = ForwardedSignals::catch().map_err(|error| CliError::cannot_run(&error))?;
    let (app, warnings) = load::load_valid(context.app(), Mode::Dev, output)?;
    for warning in &warnings {
        output.eprint(&warning.to_string());
    }
    let dir = paths::runtime_dir(&app.root)?;
    match ControlClient::connect(&dir).await {
        Err(ConnectError::NotRunning) => {}
        Ok(other) => return Err(already_running(other.instance(), &app.root)),
        Err(error) => return Err(client::connect_error(&app.root, &error)),
    }
    let development = DevelopmentArgs {
        watch: WatchArgs {
            watch: Some(false),
            ..WatchArgs::default()
        },
        ..DevelopmentArgs::default()
    };
    let start = BackgroundStart {
        mode: Mode::Dev,
        selection: &args.selection,
        development: &development,
        root: &app.root,
        is_tied: true,
        node_env,
    };
    let mut background = start.start(&dir).await.map_err(|error| match error {
        NotServing::Exited(exit) => exit.report(output),
        NotServing::Failed(error) => error,
    })?;
    let ready = wait_until_ready(&mut background, args.timeout, &mut signals, output).await;
    let is_ready = ready.is_ok();
    let result = match ready {
        Ok(()) => run_program(&args.command, node_env, &background.client, &mut signals).await,
        Err(error) => Err(error),
    };
    let reporter = CiReporter::detect(output, &app);
    report_failures(&background.client, is_ready, &reporter).await;
    stop(&mut background, &mut signals).await;
    result
}

async fn wait_until_ready(
    background: &mut Background,
    limit: Duration,
    signals: &mut ForwardedSignals,
    output: &Output,
) -> Result<(), CliError> {
    let client = background.client.clone();
    let waiting = async {
        let request = WaitRequest {
            condition: Condition::Ready.into(),
            timeout_ms: to_millis(limit),
            // Those that the instance was started with.
            domains: Vec::new(),
        };
        let progress = client.wait(request).await.map_err(client::control_error)?;
        let outcome = client::wait_for_outcome(progress, output).await?;
        client::into_result(&outcome)?;
        output.progress(&outcome.message);
        Ok(())
    };
    tokio::select! {
        result = waiting => result,
        exit = background.exited() => Err(exit.report(output)),
        received = signals.next() => Err(ended_by(&received)),
    }
}

/// Runs the program to its end. Its exit code is that of the command.
async fn run_program(
    command: &[OsString],
    node_env: Option<&str>,
    client: &ControlClient,
    signals: &mut ForwardedSignals,
) -> Result<(), CliError> {
    let environment = environment(client, node_env).await?;
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| CliError::new(ErrorCode::Usage, "no program to run"))?;
    let mut child = spawn(program, arguments, environment).map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => NOT_FOUND,
            _ => NOT_EXECUTABLE,
        };
        let program = program.to_string_lossy();
        CliError::of_program(code, format!("cannot run {program}: {error}"))
    })?;
    let handle = child.id().and_then(ProcessHandle::open);
    let mut count = 0;
    let status = loop {
        let received = tokio::select! {
            // If both are complete, the program has ended.
            biased;
            status = child.wait() => break status,
            received = signals.next() => received,
        };
        count += u32::from(received.ends());
        if let Some(handle) = &handle {
            if count >= MAX_SIGNALS {
                handle.kill();
            } else if !received.reached_the_group() {
                handle.signal(received.signal);
            }
        }
    };
    let status = status.map_err(|error| CliError::cannot_run(&error))?;
    match exit_code(status) {
        0 => Ok(()),
        code => Err(CliError::of_program(code, "")),
    }
}

/// As shells have it: a program that a signal has ended has the code 128 and the signal's number.
fn exit_code(status: ExitStatus) -> u8 {
    let by_signal = status.signal().map(|signal| 128 + signal);
    let code = status.code().or(by_signal).unwrap_or_default();
    u8::try_from(code).unwrap_or(Code::Failed as u8)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program shares the terminal and the process group of this command, as one that a shell runs"
)]
fn spawn(
    program: &OsString,
    arguments: &[OsString],
    environment: BTreeMap<OsString, OsString>,
) -> std::io::Result<tokio::process::Child> {
    tokio::process::Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment)
        .spawn()
}

/// The environment of the program: where domains register, and their ports.
async fn environment(
    client: &ControlClient,
    node_env: Option<&str>,
) -> Result<BTreeMap<OsString, OsString>, CliError> {
    let status = client
        .status(StatusRequest::default())
        .await
        .map_err(client::control_error)?;
    let mut ports = BTreeMap::new();
    for domain in &status.domains {
        if let Some(port) = domain.port.and_then(|port| u16::try_from(port).ok()) {
            ports.entry(port_variable(&domain.name)).or_insert(port);
        }
    }
    let instance = status.instance.unwrap_or_default();
    let inherited = std::env::vars_os().collect();
    let app = std::path::Path::new(&instance.app);
    let mut environment = app_variables(&inherited, &instance.grpc, app, &ports);
    if let Some(node_env) = node_env {
        environment.insert("NODE_ENV".into(), node_env.into());
    }
    exempt_loopback(&mut environment);
    Ok(environment)
}

/// Stops all domains, and waits for the end of the instance. A further signal kills them.
async fn stop(background: &mut Background, signals: &mut ForwardedSignals) {
    let client = background.client.clone();
    let request = |force| {
        let client = client.clone();
        async move {
            // An instance that is gone needs no stop.
            if let Ok(mut progress) = client.shutdown(ShutdownRequest { force }).await {
                while let Some(Ok(_)) = progress.next().await {}
            }
        }
    };
    tokio::select! {
        () = request(false) => {}
        _ = signals.next() => request(true).await,
    }
    tokio::select! {
        _ = background.exited() => {}
        _ = signals.next() => {}
    }
}

fn ended_by(received: &Received) -> CliError {
    let code = 128 + received.signal.as_raw();
    CliError::of_program(u8::try_from(code).unwrap_or(Code::Failed as u8), "")
}
