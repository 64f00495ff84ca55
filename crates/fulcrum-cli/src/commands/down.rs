//! `fulcrum down`

use std::time::Duration;

use fulcrum_rpc::control::{Outcome, Progress, ShutdownRequest};
use fulcrum_rpc::{ConnectError, ControlClient, ControlError, RuntimeDir};
use fulcrum_runtime::format::format_duration;
use fulcrum_spawn::process::{ProcessHandle, clean_up_stale};
use tokio_stream::{Stream, StreamExt};

use super::instance_exit::InstanceExit;
use crate::args::duration;
use crate::commands::context::Context;
use crate::commands::executor;
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::output::Output;
use crate::wiring::claim::record_path;
use crate::{client, load, paths};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Send SIGKILL instead of the stop signal
    #[arg(long)]
    force: bool,
    /// Set the maximum wait (0 = no limit) [default: no limit]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

pub(crate) fn run(args: Args, context: Context) -> Result<(), CliError> {
    executor::run_client(Some("the shutdown"), shut_down(args, context))
}

async fn shut_down(args: Args, context: Context) -> Result<(), CliError> {
    let root = load::app_root(context.app())?;
    let dir = paths::runtime_dir(&root)?;
    let client = match ControlClient::connect(&dir).await {
        Ok(client) => client,
        Err(ConnectError::Unresponsive { pid: Some(pid), .. }) if args.force => {
            return kill_unresponsive(pid, &dir, &context.output).await;
        }
        Err(error) => return Err(client::connect_error(&root, &error)),
    };
    let instance_exit = InstanceExit::watch(client.instance().pid, dir);
    let output = &context.output;
    let mut last = String::new();
    let _waiting = output.waiting("waiting until all domains have stopped");
    let shutdown = async {
        let progress = client
            .shutdown(ShutdownRequest { force: args.force })
            .await
            .map_err(client::control_error)?;
        let outcome = follow_progress(progress, output, &mut last).await?;
        instance_exit.wait().await;
        outcome.as_ref().map_or(Ok(()), client::into_result)
    };
    match args.timeout.filter(|limit| !limit.is_zero()) {
        None => shutdown.await?,
        Some(limit) => match tokio::time::timeout(limit, shutdown).await {
            Ok(result) => result?,
            Err(_) => return Err(timeout_error(limit, &last, args.force)),
        },
    }
    output.progress(&format!("stopped (pid {})", client.instance().pid));
    Ok(())
}

/// Kills an instance that does not respond, and what its domains leave running. Its cleanup guard
/// does the same; who is first doesn't matter.
async fn kill_unresponsive(pid: u32, dir: &RuntimeDir, output: &Output) -> Result<(), CliError> {
    let process = ProcessHandle::open(pid);
    // It held the lock after the handle was opened: so the handle is that of the instance.
    let is_instance = matches!(dir.holder(), Ok(Some(Some(holder))) if holder.pid == pid);
    let Some(process) = process.filter(|_| is_instance) else {
        return Err(CliError::new(
            ErrorCode::Unresponsive,
            format!(
                "the instance (pid {pid}) does not respond and could not be killed: it has exited, or \
             runs in another container\n  hint: try again"
            ),
        ));
    };
    process.kill();
    process.exited().await;
    let lock = dir.try_lock().map_err(|error| {
        CliError::new(
            ErrorCode::StartedMeanwhile,
            format!("another instance was started meanwhile: {error}"),
        )
    })?;
    let record = record_path(&lock);
    let cleaned_up = tokio::task::spawn_blocking(move || clean_up_stale(&record));
    let messages = cleaned_up.await.ok().and_then(Result::ok);
    drop(lock);
    output.progress(&format!(
        "killed the instance (pid {pid}), which did not respond"
    ));
    let messages = messages.unwrap_or_default();
    messages
        .iter()
        .for_each(|message| output.progress(&message.text));
    match messages.iter().find(|message| message.is_error()) {
        Some(message) => Err(CliError::new(ErrorCode::SurvivedKill, message.text.clone())),
        None => Ok(()),
    }
}

/// Prints progress until the instance exits. The connection ends with the instance, with or
/// without an outcome.
async fn follow_progress(
    mut progress: impl Stream<Item = Result<Progress, ControlError>> + Unpin,
    output: &Output,
    last: &mut String,
) -> Result<Option<Outcome>, CliError> {
    while let Some(step) = progress.next().await {
        match step {
            Ok(Progress {
                outcome: Some(outcome),
                ..
            }) => return Ok(Some(outcome)),
            Ok(step) => {
                *last = client::format_progress(&step);
                output.progress(last);
            }
            Err(ControlError::Disconnected(_)) => break,
            Err(error) => return Err(client::control_error(error)),
        }
    }
    Ok(None)
}

fn timeout_error(limit: Duration, last: &str, forced: bool) -> CliError {
    let last = if last.is_empty() {
        String::new()
    } else {
        format!(": {last}")
    };
    let hint = if forced {
        ""
    } else {
        "; kill the remaining processes with `fulcrum down --force`"
    };
    CliError::new(
        ErrorCode::StillStopping,
        format!(
            "still stopping after {}{last}\n  hint: the shutdown continues{hint}",
            format_duration(limit)
        ),
    )
}

#[cfg(test)]
mod tests {
    use fulcrum_rpc::control::outcome::Kind;

    use super::*;
    use crate::exit::Code;

    fn step(message: &str) -> Result<Progress, ControlError> {
        Ok(Progress {
            message: message.into(),
            ..Progress::default()
        })
    }

    #[tokio::test]
    async fn an_instance_can_exit_without_an_outcome() {
        let output = Output::from_process(true, true);
        for end in [None, Some(Err(ControlError::Disconnected("x".into())))] {
            let steps = [step("stopping"), step("waiting for users")]
                .into_iter()
                .chain(end);
            let mut last = String::new();
            let outcome = follow_progress(tokio_stream::iter(steps), &output, &mut last).await;
            assert_eq!(outcome, Ok(None));
            assert_eq!(last, "waiting for users");
        }
        let failed = Outcome {
            kind: Kind::Failed.into(),
            message: "stuck".into(),
        };
        let end = Ok(Progress {
            outcome: Some(failed.clone()),
            ..Progress::default()
        });
        let outcome = follow_progress(tokio_stream::iter([end]), &output, &mut String::new()).await;
        assert_eq!(outcome, Ok(Some(failed)));
    }

    #[test]
    fn a_timeout_names_the_last_progress() {
        let error = timeout_error(Duration::from_secs(10), "waiting for users", false);
        assert_eq!(error.code, Code::TimedOut);
        assert!(
            error.message.contains("waiting for users") && error.message.contains("--force"),
            "{error}"
        );
        assert!(
            !timeout_error(Duration::from_secs(1), "", true)
                .message
                .contains("--force")
        );
    }
}
