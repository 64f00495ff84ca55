//! Runs a command's future: a client's, or the instance's.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::{CliError, Code};

/// How long tasks of an instance that has ended may take to be dropped.
const TASK_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(200);

/// Runs a client. Ctrl-C leaves it, and nothing else: what it asked the instance for, named by
/// `goes_on`, isn't taken back.
///
/// It runs on a thread of its own, so that Ctrl-C works while it is stuck writing to a terminal
/// that was stopped.
///
/// # Errors
/// The command's own, or [`Code::Interrupted`].
pub(crate) fn run_client(
    goes_on: Option<&'static str>,
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
            _ = interrupt.recv() => Err(interrupted(goes_on)),
        }
    });
    runtime.shutdown_background();
    result
}

/// Runs the instance, which listens to signals itself.
///
/// # Errors
/// Its own.
pub(crate) fn run_instance(
    instance: impl Future<Output = Result<(), CliError>>,
) -> Result<(), CliError> {
    let runtime = runtime(2)?;
    let result = runtime.block_on(instance);
    runtime.shutdown_timeout(TASK_SHUTDOWN_TIMEOUT);
    result
}

/// Threads for what blocks, such as reading files: few, since none is given up again.
const BLOCKING_THREADS: usize = 16;

fn runtime(threads: usize) -> Result<Runtime, CliError> {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(BLOCKING_THREADS)
        // A thread that has ended may not be had again: while the machine has no process left to
        // give, whoever waited for one would wait for ever.
        .thread_keep_alive(Duration::MAX)
        .enable_all()
        .build()
        .map_err(|error| runtime_error(&error))
}

fn runtime_error(error: &std::io::Error) -> CliError {
    CliError::failed(format!(
        "the system gives no threads, files or signals to work with: {error}\n  hint: look at `ulimit -a`"
    ))
}

fn interrupted(goes_on: Option<&str>) -> CliError {
    match goes_on {
        Some(what) => CliError::new(
            Code::Interrupted,
            format!("interrupted; {what} goes on: see `fulcrum domains list`"),
        ),
        None => CliError::already_reported(Code::Interrupted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_left_says_what_goes_on() {
        let stop = interrupted(Some("the restart"));
        assert_eq!(stop.code as u8, 130);
        assert!(stop.message.contains("the restart goes on"), "{stop}");
        assert_eq!(
            interrupted(None),
            CliError::already_reported(Code::Interrupted)
        );
    }

    #[test]
    fn a_panic_of_a_command_reaches_the_top() {
        let result = std::panic::catch_unwind(|| run_client(None, async { panic!("a defect") }));
        result.expect_err("passed on");
    }
}
