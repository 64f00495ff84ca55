//! A background instance: started, and awaited until it serves clients.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use fulcrum_config::Mode;
use fulcrum_rpc::{ConnectError, ControlClient, RuntimeDir};
use fulcrum_runtime::format::format_duration;
use tokio::process::{Child, ChildStdin};

use super::background_instance;
use super::development::DevelopmentArgs;
use super::log_file::LogFile;
use super::start_args::SelectionArgs;
use crate::client;
use crate::error_code::ErrorCode;
use crate::exit::{CliError, Code};
use crate::output::Output;

/// How long the instance may take to accept clients. It installs and starts nothing before that.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause between two connection attempts.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How many lines of the log are printed when the instance exits early.
const TAIL_LINES: usize = 20;

/// A background instance to start.
pub(super) struct BackgroundStart<'a> {
    pub(super) mode: Mode,
    pub(super) selection: &'a SelectionArgs,
    pub(super) development: &'a DevelopmentArgs,
    /// The app's root.
    pub(super) root: &'a Path,
    /// Whether the instance shuts down when this process has ended.
    pub(super) is_tied: bool,
    /// `NODE_ENV` for the domains, unless the environment sets it.
    pub(super) node_env: Option<&'a str>,
}

/// A background instance that serves clients.
pub(super) struct Background {
    pub(super) client: ControlClient,
    child: Child,
    log: LogFile,
    /// The instance sees its end.
    _tie: Option<ChildStdin>,
}

/// Why an instance accepts no clients.
pub(super) enum NotServing {
    /// Its process exited.
    Exited(EarlyExit),
    Failed(CliError),
}

/// The exit of an instance that was to go on running.
pub(super) struct EarlyExit {
    status: Option<ExitStatus>,
    log: LogFile,
}

impl BackgroundStart<'_> {
    /// Starts the instance, and waits until it accepts clients.
    pub(super) async fn start(&self, dir: &RuntimeDir) -> Result<Background, NotServing> {
        let failed = |text: String| NotServing::Failed(CliError::new(ErrorCode::CannotStart, text));
        let log = LogFile::create(self.root, dir).map_err(|error| failed(error.to_string()))?;
        let mut child = self
            .spawn(&log)
            .map_err(|error| failed(format!("cannot start the instance: {error}")))?;
        let tie = child.stdin.take();
        let client = match wait_until_serving(&mut child, dir, self.root, &log).await {
            Ok(client) => client,
            Err(StartFailure::Exited(status)) => {
                return Err(NotServing::Exited(EarlyExit { status, log }));
            }
            Err(StartFailure::Failed(error)) => return Err(NotServing::Failed(error)),
        };
        Ok(Background {
            client,
            child,
            log,
            _tie: tie,
        })
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the instance must not end with the process group of this command"
    )]
    fn spawn(&self, log: &LogFile) -> std::io::Result<Child> {
        let mut command = tokio::process::Command::new(std::env::current_exe()?);
        let arguments = background_instance::arguments(
            self.mode,
            self.selection,
            self.development,
            self.is_tied,
            self.root,
        );
        if let Some(node_env) = self.node_env {
            command.env("NODE_ENV", node_env);
        }
        let stdin = match self.is_tied {
            true => Stdio::piped(),
            false => Stdio::null(),
        };
        command
            .args(arguments)
            // Any other directory could not be unmounted while the instance runs.
            .current_dir(self.root)
            .stdin(stdin)
            .stdout(log.handle()?)
            .stderr(log.handle()?)
            .spawn()
    }
}

impl Background {
    /// Completes when the instance has exited. Cancel safe.
    pub(super) async fn exited(&mut self) -> EarlyExit {
        EarlyExit {
            status: self.child.wait().await.ok(),
            log: self.log.clone(),
        }
    }
}

impl EarlyExit {
    /// Prints the last log lines of the instance, and maps its exit code.
    pub(super) fn report(&self, output: &Output) -> CliError {
        let lines = self.log.tail(TAIL_LINES);
        for line in &lines {
            output.eprint(line);
        }
        let status = self.status;
        let status_text =
            status.map_or_else(|| "unknown status".to_owned(), |status| status.to_string());
        let lead = if lines.is_empty() { "" } else { "full log: " };
        let text = format!(
            "the instance exited ({status_text})\n  {lead}{}",
            self.log.path().display()
        );
        CliError {
            code: code_of(status.and_then(|status| status.code())),
            ..CliError::new(ErrorCode::InstanceExited, text)
        }
    }
}

/// Why the instance accepts no clients, without its log.
enum StartFailure {
    Exited(Option<ExitStatus>),
    Failed(CliError),
}

/// Waits until the instance accepts clients.
async fn wait_until_serving(
    child: &mut Child,
    dir: &RuntimeDir,
    root: &Path,
    log: &LogFile,
) -> Result<ControlClient, StartFailure> {
    let pid = child.id();
    let connect = async {
        loop {
            match ControlClient::connect(dir).await {
                Ok(client) if Some(client.instance().pid) == pid => return Ok(client),
                Err(
                    error @ (ConnectError::VersionMismatch { .. } | ConnectError::OtherUser { .. }),
                ) => {
                    return Err(StartFailure::Failed(client::connect_error(root, &error)));
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
        status = child.wait() => Err(StartFailure::Exited(status.ok())),
        result = tokio::time::timeout(READY_TIMEOUT, connect) => result.unwrap_or_else(|_| {
            Err(StartFailure::Failed(CliError::new(ErrorCode::NotAnswering, format!(
                "the instance (pid {}) is running but did not answer within {}\n  hint: see {}; stop it by its pid",
                pid.unwrap_or_default(),
                format_duration(READY_TIMEOUT),
                log.path().display(),
            ))))
        }),
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
}
