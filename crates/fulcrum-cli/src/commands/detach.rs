//! `--detach`: starts the instance in a process of its own, and says when it is there.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use fulcrum_config::Mode;
use fulcrum_rpc::control::WaitRequest;
use fulcrum_rpc::control::wait_request::Condition;
use fulcrum_rpc::{ConnectError, ControlClient, RuntimeDir};
use tokio::process::Child;

use super::log_file::LogFile;
use super::start_args::StartArgs;
use super::watch::WatchArgs;
use crate::args::duration::to_millis;
use crate::commands::background_instance;
use crate::commands::context::Context;
use crate::exit::{CliError, Code};
use crate::output::Output;
use crate::{client, load, paths};
use fulcrum_runtime::format::format_duration;

/// How long the instance may take until it answers. It installs and starts nothing before.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause between two tries.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// So much of the log is shown when it ended.
const TAIL_LINES: usize = 20;

pub(crate) async fn run(
    mode: Mode,
    start: StartArgs,
    watch: WatchArgs,
    context: Context,
) -> Result<(), CliError> {
    let output = &context.output;
    let (app, warnings) = load::valid(context.app(), mode, output)?;
    for warning in &warnings {
        output.eprint(&warning.to_string());
    }
    let dir = paths::runtime_dir(&app.root)?;
    match ControlClient::connect(&dir).await {
        Ok(other) => return Err(already_running(other.instance().pid, &app.root)),
        Err(ConnectError::NotRunning) => {}
        Err(error) => return Err(client::connect_error(&app.root, &error)),
    }
    let log = LogFile::create(&app.root).map_err(|error| CliError::failed(error.to_string()))?;
    let mut child = spawn(mode, &start, watch, &app.root, &log)
        .map_err(|error| CliError::failed(format!("the instance can't be started: {error}")))?;
    let client = wait_until_serving(&mut child, &dir, &app.root, &log, output).await?;
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
        result = wait(&client, start.wait_timeout(), output) => result,
    }
}

fn already_running(pid: u32, root: &Path) -> CliError {
    CliError::failed(format!(
        "{} already runs (pid {pid})\n  hint: `fulcrum domains list` shows it, `fulcrum down` stops it",
        root.display()
    ))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the instance outlives this command: it must be in no group that dies with it"
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
            &start.what,
            watch,
            root,
        ))
        // It keeps no folder from being removed or unmounted but its own.
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(log.handle()?)
        .stderr(log.handle()?)
        .spawn()
}

/// Waits until the instance answers.
async fn wait_until_serving(
    child: &mut Child,
    dir: &RuntimeDir,
    root: &Path,
    log: &LogFile,
    output: &Output,
) -> Result<ControlClient, CliError> {
    let pid = child.id();
    let answered = async {
        loop {
            match ControlClient::connect(dir).await {
                Ok(client) if Some(client.instance().pid) == pid => return Ok(client),
                Err(error @ ConnectError::VersionMismatch { .. }) => {
                    return Err(client::connect_error(root, &error));
                }
                // Not yet; or another one was faster, and ours will see that and end.
                Ok(_) | Err(ConnectError::NotRunning | ConnectError::Io(_)) => {
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
            }
        }
    };
    tokio::select! {
        // Where both are so, it has ended.
        biased;
        status = child.wait() => Err(report_early_exit(status.ok(), log, output)),
        answered = tokio::time::timeout(READY_TIMEOUT, answered) => answered.unwrap_or_else(|_| {
            Err(CliError::new(Code::TimedOut, format!(
                "the instance (pid {}) runs, but didn't answer in {}\n  hint: see {}; stop it by its pid",
                pid.unwrap_or_default(),
                format_duration(READY_TIMEOUT),
                log.path().display(),
            )))
        }),
    }
}

/// Shows the last words of an instance that ended, and ends like it.
fn report_early_exit(status: Option<ExitStatus>, log: &LogFile, output: &Output) -> CliError {
    let lines = log.tail(TAIL_LINES);
    for line in &lines {
        output.eprint(line);
    }
    let how = status.map_or_else(|| "unknown how".to_owned(), |status| status.to_string());
    let whole = if lines.is_empty() {
        ""
    } else {
        "the whole log: "
    };
    CliError::new(
        code_of(status.and_then(|status| status.code())),
        format!(
            "the instance ended ({how})\n  {whole}{}",
            log.path().display()
        ),
    )
}

/// An instance's exit code as our own. Ending by itself is a failure, even with code 0.
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

async fn wait(
    client: &ControlClient,
    limit: Option<Duration>,
    output: &Output,
) -> Result<(), CliError> {
    // No names: those that this instance was told to start, and what they depend on.
    let request = WaitRequest {
        condition: Condition::Ready.into(),
        timeout_ms: limit.map_or(0, to_millis),
        ..WaitRequest::default()
    };
    let progress = client.wait(request).await.map_err(client::control_error)?;
    let outcome = client::outcome_of(progress, output).await?;
    match client::into_result(&outcome) {
        Ok(()) => {
            output.progress(&outcome.message);
            Ok(())
        }
        Err(stop) => {
            client::print_stderr_tails(client, &[], output).await;
            Err(not_ready_error(stop, limit))
        }
    }
}

/// What isn't ready and why, and that the instance is still there.
fn not_ready_error(why: CliError, limit: Option<Duration>) -> CliError {
    let lead = match (why.code, limit) {
        (Code::TimedOut, Some(limit)) => format!("not ready after {}: ", format_duration(limit)),
        _ => String::new(),
    };
    CliError::new(
        why.code,
        format!(
            "{lead}{}\n  hint: the instance keeps running: `fulcrum domains list`, `fulcrum down`",
            why.message
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_like_the_instance_but_never_well() {
        for code in [1, 2, 3, 4, 5, 6, 10, 17, 70, 130] {
            assert_eq!(i32::from(code_of(Some(code)) as u8), code);
        }
        for code in [None, Some(0), Some(101)] {
            assert_eq!(code_of(code), Code::Failed);
        }
    }

    #[test]
    fn what_is_not_ready_is_told_and_what_goes_on() {
        let why = CliError::new(Code::TimedOut, "orders is backoff (exit code 1)");
        let stop = not_ready_error(why, Some(Duration::from_secs(60)));
        assert_eq!(stop.code, Code::TimedOut);
        assert_eq!(
            stop.message,
            "not ready after 1m00s: orders is backoff (exit code 1)\n  \
             hint: the instance keeps running: `fulcrum domains list`, `fulcrum down`"
        );
        let stop = not_ready_error(
            CliError::new(Code::DomainFailed, "orders: exit code 1"),
            None,
        );
        assert!(stop.message.starts_with("orders: exit code 1\n"), "{stop}");
    }
}
