//! `--detach`: starts the instance in the background and waits until it serves clients.

use std::path::Path;
use std::time::Duration;

use fulcrum_config::Mode;
use fulcrum_rpc::control::wait_request::Condition;
use fulcrum_rpc::control::{Instance, WaitRequest};
use fulcrum_rpc::{ConnectError, ControlClient};
use fulcrum_runtime::format::format_duration;

use super::background::{BackgroundStart, NotServing};
use super::development::DevelopmentArgs;
use super::start_args::StartArgs;
use crate::args::duration::to_millis;
use crate::commands::context::Context;
use crate::commands::reload;
use crate::error_code::ErrorCode;
use crate::exit::{CliError, Code};
use crate::output::Output;
use crate::{client, load, paths};

pub(crate) async fn run(
    mode: Mode,
    start: StartArgs,
    development: DevelopmentArgs,
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
    let background = BackgroundStart {
        mode,
        selection: &start.selection,
        development: &development,
        root: &app.root,
        is_tied: false,
        node_env: None,
    };
    let mut background = match background.start(&dir).await {
        Ok(background) => background,
        Err(NotServing::Exited(exit)) => {
            // Of several commands at once, the instance of one is the app's.
            return match ControlClient::connect(&dir).await {
                Ok(other) if is_joined(&other) => join(&other, &start, output).await,
                _ => Err(exit.report(output)),
            };
        }
        Err(NotServing::Failed(error)) => return Err(error),
    };
    let instance = background.client.instance();
    output.progress(&format!(
        "running (pid {}), gRPC {}",
        instance.pid, instance.grpc
    ));
    if !start.wait {
        return Ok(());
    }
    let client = background.client.clone();
    tokio::select! {
        exit = background.exited() => Err(exit.report(output)),
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

pub(super) fn already_running(instance: &Instance, root: &Path) -> CliError {
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
