//! The tokio runtime of a command: one thread for a client, two for an instance.

use std::future::Future;
use std::time::Duration;

use fulcrum_spawn::process::limit_heaps;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::error_code::ErrorCode;
use crate::exit::{CliError, Code};

/// How long the tasks of an instance that has shut down may take to be dropped.
const TASK_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(200);

/// Runs a client. Ctrl-C ends the client only; the requested operation continues in the instance, and
/// `continues` names it in the message.
///
/// The command runs on a thread of its own, so that Ctrl-C works while a write to a stopped
/// terminal blocks.
///
/// # Errors
/// Those of the command, or [`Code::Interrupted`].
pub(crate) fn run_client(
    continues: Option<&'static str>,
    command: impl Future<Output = Result<(), CliError>> + Send + 'static,
) -> Result<(), CliError> {
    let runtime = runtime(1)?;
    let result = runtime.block_on(async {
        let mut interrupt =
            signal(SignalKind::interrupt()).map_err(|error| runtime_error(&error))?;
        let mut command = tokio::spawn(command);
        tokio::select! {
            done = &mut command => match done {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            },
            _ = interrupt.recv() => Err(interrupted(continues)),
        }
    });
    runtime.shutdown_background();
    result
}

/// Runs a command that handles signals itself.
///
/// # Errors
/// Those of the command.
pub(crate) fn run_foreground(
    command: impl Future<Output = Result<(), CliError>>,
) -> Result<(), CliError> {
    let runtime = runtime(1)?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

/// Runs an instance, which handles signals itself.
///
/// # Errors
/// Those of the instance.
pub(crate) fn run_instance(
    instance: impl Future<Output = Result<(), CliError>>,
) -> Result<(), CliError> {
    limit_heaps();
    let runtime = runtime(2)?;
    let result = runtime.block_on(instance);
    runtime.shutdown_timeout(TASK_SHUTDOWN_TIMEOUT);
    result
}

/// Threads for blocking work, such as reading files: few, since none is released again.
const BLOCKING_THREADS: usize = 16;

fn runtime(threads: usize) -> Result<Runtime, CliError> {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(BLOCKING_THREADS)
        // A thread that was released may not be available again: at the process limit of the
        // machine, a task that needs one would wait forever.
        .thread_keep_alive(Duration::MAX)
        .enable_all()
        .build()
        .map_err(|error| runtime_error(&error))
}

fn runtime_error(error: &std::io::Error) -> CliError {
    CliError::new(
        ErrorCode::SystemLimits,
        format!(
            "cannot create threads, files or signal handlers: {error}\n  hint: check the limits with `ulimit -a`"
        ),
    )
}

fn interrupted(continues: Option<&str>) -> CliError {
    match continues {
        Some(operation) => CliError::interrupted(format!(
            "interrupted; {operation} continues in the instance\n  hint: see `fulcrum domains list`"
        )),
        None => CliError::already_reported(Code::Interrupted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_client_names_the_operation_that_continues() {
        let error = interrupted(Some("the restart"));
        assert_eq!(error.code as u8, 130);
        assert!(error.message.contains("the restart continues"), "{error}");
        assert_eq!(
            interrupted(None),
            CliError::already_reported(Code::Interrupted)
        );
    }

    #[test]
    fn a_panic_of_a_command_is_passed_on() {
        let result =
            std::panic::catch_unwind(|| run_client(None, async { panic!("internal error") }));
        result.expect_err("passed on");
    }
}
