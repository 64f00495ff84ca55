//! `--detach`: starts the instance in the background and waits until it serves clients.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use fulcrum_config::Mode;
use fulcrum_rpc::control::wait_request::Condition;
use fulcrum_rpc::control::{Instance, WaitRequest};
use fulcrum_rpc::{ConnectError, ControlClient, RuntimeDir};
use fulcrum_runtime::format::format_duration;
use tokio::process::Child;

use super::log_file::LogFile;
use super::start_args::StartArgs;
use super::watch::WatchArgs;
use crate::args::duration::to_millis;
use crate::commands::context::Context;
use crate::commands::{background_instance, reload};
use crate::error_code::ErrorCode;
use crate::exit::{CliError, Code};
use crate::output::Output;
use crate::{client, load, paths};

/// How long the instance may take to accept clients. It installs and starts nothing before that.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause between two connection attempts.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How many lines of the log are printed when the instance exits early.
const TAIL_LINES: usize = 20;

pub(crate) async fn run(
    mode: Mode,
    start: StartArgs,
    watch: WatchArgs,
    context: Context,
) -> Result<(), CliError> {
    let output = &context.output;
    let (app, warnings) = load::load_valid(context.app(), mode, output)?;
    for warning in &warnings {
        output.eprint(&warning.to_string());
    }
    let dir = paths::runtime_dir(&app.root)?;
    let is_joined = |other: &ControlClient| start.wait && other.instance().mode == mode_name(mode);
    match ControlClient::connect(&dir).await {
        Ok(other) if is_joined(&other) => return join(&other, &start, output).await,
        Ok(other) => return Err(already_running(other.instance(), &app.root)),
        Err(ConnectError::NotRunning) => {}
        Err(error) => return Err(client::connect_error(&app.root, &error)),
    }
    let log = LogFile::create(&app.root, &dir)
        .map_err(|error| CliError::new(ErrorCode::CannotStart, error.to_string()))?;
    let mut child = spawn(mode, &start, watch, &app.root, &log).map_err(|error| {
        CliError::new(
            ErrorCode::CannotStart,
            format!("cannot start the instance: {error}"),
        )
    })?;
    let client = match wait_until_serving(&mut child, &dir, &app.root, &log).await {
        Ok(client) => client,
        Err(NotServing::Exited(status)) => {
            // Of several commands at once, the instance of one is the app's.
            return match ControlClient::connect(&dir).await {
                Ok(other) if is_joined(&other) => join(&other, &start, output).await,
                _ => Err(report_early_exit(status, &log, output)),
            };
        }
        Err(NotServing::Failed(error)) => return Err(error),
    };
    let instance = client.instance();
    output.progress(&format!(
        "running (pid {}), gRPC {}",
        instance.pid, instance.grpc
    ));
    if !start.wait {
        return Ok(());
    }
    tokio::select! {
        status = child.wait() => Err(report_early_exit(status.ok(), &log, output)),
        result = wait(&client, Vec::new(), start.wait_timeout(), output) => result,
    }
}

/// Waits for an instance that runs already. What this command would have started is the same but
/// for settings that have changed since.
async fn join(client: &ControlClient, start: &StartArgs, output: &Output) -> Result<(), CliError> {
    let instance = client.instance();
    output.progress(&format!(
        "already running (pid {}), gRPC {}",
        instance.pid, instance.grpc
    ));
    if reload::is_needed(client).await {
        output.progress("  hint: the configuration has changed; apply it with `fulcrum reload`");
    }
    let names = start.selection.only.clone();
    wait(client, names, start.wait_timeout(), output).await
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Dev => "dev",
        Mode::Serve => "serve",
    }
}

fn already_running(instance: &Instance, root: &Path) -> CliError {
    let Instance { pid, mode, .. } = instance;
    CliError::new(
        ErrorCode::AlreadyRunning,
        format!(
            "an instance for {} is already running (pid {pid}, {mode})\n  \
         hint: stop it with `fulcrum down`, or wait for it with `fulcrum domains wait`",
            root.display()
        ),
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "the instance must not end with the process group of this command"
)]
fn spawn(
    mode: Mode,
    start: &StartArgs,
    watch: WatchArgs,
    root: &Path,
    log: &LogFile,
) -> std::io::Result<Child> {
    tokio::process::Command::new(std::env::current_exe()?)
        .args(background_instance::arguments(
            mode,
            &start.selection,
            watch,
            root,
        ))
        // Any other directory could not be unmounted while the instance runs.
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(log.handle()?)
        .stderr(log.handle()?)
        .spawn()
}

/// Why an instance accepts no clients.
enum NotServing {
    /// Its process exited.
    Exited(Option<ExitStatus>),
    Failed(CliError),
}

/// Waits until the instance accepts clients.
async fn wait_until_serving(
    child: &mut Child,
    dir: &RuntimeDir,
    root: &Path,
    log: &LogFile,
) -> Result<ControlClient, NotServing> {
    let pid = child.id();
    let connect = async {
        loop {
            match ControlClient::connect(dir).await {
                Ok(client) if Some(client.instance().pid) == pid => return Ok(client),
                Err(
                    error @ (ConnectError::VersionMismatch { .. } | ConnectError::OtherUser { .. }),
                ) => {
                    return Err(NotServing::Failed(client::connect_error(root, &error)));
                }
                // Not yet; or another instance was faster, and this one will exit.
                Ok(_)
                | Err(
                    ConnectError::NotRunning
                    | ConnectError::Unresponsive { .. }
                    | ConnectError::Io(_),
                ) => {
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
            }
        }
    };
    tokio::select! {
        // If both are complete, the process has exited.
        biased;
        status = child.wait() => Err(NotServing::Exited(status.ok())),
        result = tokio::time::timeout(READY_TIMEOUT, connect) => result.unwrap_or_else(|_| {
            Err(NotServing::Failed(CliError::new(ErrorCode::NotAnswering, format!(
                "the instance (pid {}) is running but did not answer within {}\n  hint: see {}; stop it by its pid",
                pid.unwrap_or_default(),
                format_duration(READY_TIMEOUT),
                log.path().display(),
            ))))
        }),
    }
}

/// Prints the last log lines of an instance that exited, and maps its exit code.
fn report_early_exit(status: Option<ExitStatus>, log: &LogFile, output: &Output) -> CliError {
    let lines = log.tail(TAIL_LINES);
    for line in &lines {
        output.eprint(line);
    }
    let status_text =
        status.map_or_else(|| "unknown status".to_owned(), |status| status.to_string());
    let lead = if lines.is_empty() { "" } else { "full log: " };
    let text = format!(
        "the instance exited ({status_text})\n  {lead}{}",
        log.path().display()
    );
    CliError {
        code: code_of(status.and_then(|status| status.code())),
        ..CliError::new(ErrorCode::InstanceExited, text)
    }
}

/// The exit code of the command for an instance's exit code. An early exit is a failure, even with code 0.
fn code_of(code: Option<i32>) -> Code {
    use Code::{
        ConfigInvalid, DomainFailed, Internal, Interrupted, NotRunning, TimedOut, UnknownDomain,
        Usage, VersionMismatch,
    };
    [
        Usage,
        NotRunning,
        UnknownDomain,
        ConfigInvalid,
        VersionMismatch,
        DomainFailed,
        TimedOut,
        Internal,
        Interrupted,
    ]
    .into_iter()
    .find(|known| code == Some(i32::from(*known as u8)))
    .unwrap_or(Code::Failed)
}

/// Waits until domains are ready. No names are the domains that the instance was started with, and
/// their dependencies.
async fn wait(
    client: &ControlClient,
    names: Vec<String>,
    limit: Option<Duration>,
    output: &Output,
) -> Result<(), CliError> {
    let request = WaitRequest {
        condition: Condition::Ready.into(),
        timeout_ms: limit.map_or(0, to_millis),
        domains: names,
    };
    let progress = client.wait(request).await.map_err(client::control_error)?;
    let outcome = client::wait_for_outcome(progress, output).await?;
    match client::into_result(&outcome) {
        Ok(()) => {
            output.progress(&outcome.message);
            Ok(())
        }
        Err(error) => {
            client::print_stderr_tails(client, &[], output).await;
            Err(not_ready_error(error, limit))
        }
    }
}

/// The error for domains that are not ready while the instance keeps running.
fn not_ready_error(error: CliError, limit: Option<Duration>) -> CliError {
    let lead = match (error.code, limit) {
        (Code::TimedOut, Some(limit)) => format!("not ready after {}: ", format_duration(limit)),
        _ => String::new(),
    };
    let message = format!(
        "{lead}{}\n  hint: the instance keeps running: `fulcrum domains list`, `fulcrum down`",
        error.message
    );
    CliError { message, ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_that_of_the_instance_and_never_success() {
        for code in [1, 2, 3, 4, 5, 6, 10, 17, 70, 130] {
            assert_eq!(i32::from(code_of(Some(code)) as u8), code);
        }
        for code in [None, Some(0), Some(101)] {
            assert_eq!(code_of(code), Code::Failed);
        }
    }

    #[test]
    fn a_start_that_is_not_ready_names_the_cause_and_the_running_instance() {
        let cause = CliError::relayed(Code::TimedOut, "orders is backoff (exit code 1)");
        let error = not_ready_error(cause, Some(Duration::from_secs(60)));
        assert_eq!(error.code, Code::TimedOut);
        assert_eq!(
            error.message,
            "not ready after 1m00s: orders is backoff (exit code 1)\n  \
             hint: the instance keeps running: `fulcrum domains list`, `fulcrum down`"
        );
        let error = not_ready_error(
            CliError::relayed(Code::DomainFailed, "orders: exit code 1"),
            None,
        );
        assert!(
            error.message.starts_with("orders: exit code 1\n"),
            "{error}"
        );
    }
}
