//! The client of a running instance: connecting, and mapping outcomes to exit codes.

use std::path::Path;
use std::time::Duration;

use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::{Domain, Outcome, Progress, StatusRequest, compare_names};
use fulcrum_rpc::{ConnectError, ControlClient, ControlError};
use fulcrum_runtime::format::format_duration;
use fulcrum_spawn::process::Stat;
use tokio::time::Instant;
use tokio_stream::{Stream, StreamExt};

use crate::error_code::ErrorCode;
use crate::exit::{CliError, Code};
use crate::output::{Output, sanitize};
use crate::{load, paths, users};

/// The pause between two looks for an instance that is awaited.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Connects to the running instance of the app. Never starts one.
///
/// # Errors
/// [`Code::ConfigInvalid`] without an app, [`Code::NotRunning`] without an instance,
/// [`Code::VersionMismatch`] for an instance with another protocol version.
pub(crate) async fn connect(app: Option<&Path>) -> Result<ControlClient, CliError> {
    let root = load::app_root(app)?;
    let dir = paths::runtime_dir(&root)?;
    ControlClient::connect(&dir)
        .await
        .map_err(|error| connect_error(&root, &error))
}

/// Connects to the app's instance, and waits for one that does not exist yet. Without a limit, or with
/// one of zero, [`connect`] decides at once or it waits for ever.
///
/// # Errors
/// Those of [`connect`]; [`Code::TimedOut`] instead of [`Code::NotRunning`].
pub(crate) async fn connect_within(
    app: Option<&Path>,
    limit: Option<Duration>,
) -> Result<ControlClient, CliError> {
    let Some(limit) = limit else {
        return connect(app).await;
    };
    let started = Instant::now();
    loop {
        match connect(app).await {
            Err(error) if error.code == Code::NotRunning => {
                if !limit.is_zero() && started.elapsed() >= limit {
                    let text = format!("after {}: {}", format_duration(limit), error.message);
                    return Err(CliError::new(ErrorCode::NoInstanceInTime, text));
                }
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            result => return result,
        }
    }
}

/// The error for a failed connection to the instance of the app at `root`.
pub(crate) fn connect_error(root: &Path, error: &ConnectError) -> CliError {
    match error {
        ConnectError::NotRunning => CliError::new(
            ErrorCode::NotRunning,
            format!(
                "no running instance for {}\n  hint: start one with `fulcrum dev`",
                root.display()
            ),
        ),
        ConnectError::VersionMismatch { .. } => {
            CliError::new(ErrorCode::VersionMismatch, error.to_string())
        }
        ConnectError::OtherUser { pid, uid } => {
            let user = users::name(*uid);
            CliError::new(
                ErrorCode::OtherUser,
                format!(
                    "the instance for {} (pid {pid}) belongs to {user}\n  \
                 hint: run this command as {}",
                    root.display(),
                    users::name_or_root(*uid)
                ),
            )
        }
        ConnectError::Unresponsive { pid, .. } => CliError::new(
            ErrorCode::Unresponsive,
            unresponsive_text(
                error,
                *pid,
                pid.and_then(Stat::read)
                    .is_some_and(|stat| stat.is_stopped()),
            ),
        ),
        ConnectError::Io(_) => CliError::new(ErrorCode::ConnectionFailed, error.to_string()),
    }
}

/// Describes an instance that does not respond, and how to go on.
fn unresponsive_text(error: &ConnectError, pid: Option<u32>, is_stopped: bool) -> String {
    match pid {
        Some(pid) if is_stopped => format!(
            "{error}; it is stopped, by a signal or a debugger\n  \
             hint: continue it with `kill -CONT {pid}`, or end it with `fulcrum down --force`"
        ),
        _ => format!(
            "{error}\n  hint: end it with `fulcrum down --force`; its cleanup guard stops the domains"
        ),
    }
}

/// Maps an error of the control API to an exit code.
pub(crate) fn control_error(error: ControlError) -> CliError {
    match error {
        ControlError::NotFound(text) => CliError::relayed(Code::UnknownDomain, &text),
        ControlError::Invalid(text) => CliError::relayed(Code::Usage, &text),
        ControlError::Failed(text) => CliError::relayed(Code::Failed, &text),
        ControlError::Disconnected(text) => CliError::new(ErrorCode::ConnectionFailed, text),
    }
}

/// The current state of domains, in the natural order of their names.
///
/// # Errors
/// Those of [`control_error`].
pub(crate) async fn domains(
    client: &ControlClient,
    names: &[String],
) -> Result<Vec<Domain>, CliError> {
    let request = StatusRequest {
        domains: names.to_vec(),
        ..StatusRequest::default()
    };
    let response = client.status(request).await.map_err(control_error)?;
    let mut domains = response.domains;
    domains.sort_by(|a, b| compare_names(&a.name, &b.name));
    Ok(domains)
}

/// Prints the last lines of standard error of domains that should be ready and are not: most
/// failures are explained there.
pub(crate) async fn print_stderr_tails(client: &ControlClient, names: &[String], output: &Output) {
    let request = StatusRequest {
        domains: names.to_vec(),
        details: true,
        ..StatusRequest::default()
    };
    // The failure itself is printed in any case.
    let Ok(response) = client.status(request).await else {
        return;
    };
    for domain in &response.domains {
        for line in stderr_tail_of(domain) {
            output.eprint(&line);
        }
    }
}

fn stderr_tail_of(domain: &Domain) -> Vec<String> {
    let lines = match &domain.details {
        Some(details) if domain.goal == "up" && !domain.ready => details.last_stderr.as_slice(),
        _ => &[],
    };
    let prefixed = |line: &String| format!("{}: {}", domain.name, sanitize(line));
    lines.iter().map(prefixed).collect()
}

/// Prints progress until the outcome.
///
/// # Errors
/// The request is rejected, or the stream ends before its outcome.
pub(crate) async fn wait_for_outcome(
    mut progress: impl Stream<Item = Result<Progress, ControlError>> + Unpin,
    output: &Output,
) -> Result<Outcome, CliError> {
    let waiting = output.waiting("waiting");
    while let Some(step) = progress.next().await {
        let step = step.map_err(control_error)?;
        match step.outcome {
            Some(outcome) => return Ok(outcome),
            None => {
                let text = format_progress(&step);
                waiting.step(&text);
                output.progress(&text);
            }
        }
    }
    Err(connection_lost())
}

/// The error for a stream of progress that ends without an outcome.
pub(crate) fn connection_lost() -> CliError {
    CliError::new(
        ErrorCode::ConnectionLost,
        "connection to the instance lost before the operation completed\n  \
         hint: check with `fulcrum domains list`",
    )
}

/// One step of progress as a line.
pub(crate) fn format_progress(step: &Progress) -> String {
    if step.domain.is_empty() {
        step.message.clone()
    } else {
        format!("{}: {}", step.domain, step.message)
    }
}

/// The exit code of an outcome.
pub(crate) fn exit_code(kind: Kind) -> Code {
    match kind {
        Kind::Done => Code::Done,
        Kind::Failed | Kind::Unspecified => Code::Failed,
        Kind::UnknownDomain => Code::UnknownDomain,
        Kind::DomainFailed => Code::DomainFailed,
        Kind::TimedOut => Code::TimedOut,
        Kind::ConfigInvalid => Code::ConfigInvalid,
    }
}

/// The outcome as the result of the command.
///
/// # Errors
/// Every outcome but success.
pub(crate) fn into_result(outcome: &Outcome) -> Result<(), CliError> {
    match exit_code(outcome.kind()) {
        Code::Done => Ok(()),
        code if outcome.message.is_empty() => Err(CliError::relayed(
            code,
            "the operation failed without a reason",
        )),
        code => Err(CliError::relayed(code, &outcome.message)),
    }
}

#[cfg(test)]
mod tests {
    use fulcrum_rpc::control::Details;

    use super::*;

    fn outcome(kind: Kind) -> Outcome {
        Outcome {
            kind: kind.into(),
            message: "why".into(),
        }
    }

    #[test]
    fn outcomes_map_to_the_documented_exit_codes() {
        assert_eq!(into_result(&outcome(Kind::Done)), Ok(()));
        for (kind, code) in [
            (Kind::Unspecified, 1),
            (Kind::Failed, 1),
            (Kind::UnknownDomain, 4),
            (Kind::DomainFailed, 10),
            (Kind::TimedOut, 17),
            (Kind::ConfigInvalid, 5),
        ] {
            let error = into_result(&outcome(kind)).expect_err("not done");
            assert_eq!((error.code as u8, error.message.as_str()), (code, "why"));
        }
        // An unknown kind of a later version is not a success.
        let later = Outcome {
            kind: 99,
            message: String::new(),
        };
        assert_eq!(into_result(&later).expect_err("unknown").code, Code::Failed);
    }

    #[test]
    fn control_and_connection_errors_map_to_exit_codes() {
        for (error, code) in [
            (ControlError::NotFound("x".into()), 4),
            (ControlError::Invalid("x".into()), 2),
            (ControlError::Failed("x".into()), 1),
            (ControlError::Disconnected("x".into()), 1),
        ] {
            assert_eq!(control_error(error).code as u8, code);
        }
        let root = Path::new("/srv/shop");
        let error = connect_error(root, &ConnectError::NotRunning);
        assert_eq!(error.code, Code::NotRunning);
        assert!(
            error.message.contains("/srv/shop") && error.message.contains("`fulcrum dev`"),
            "{error}"
        );
        let other = ConnectError::VersionMismatch {
            ours: 1,
            theirs: 2,
            their_version: "9".into(),
        };
        assert_eq!(connect_error(root, &other).code, Code::VersionMismatch);
    }

    #[test]
    fn stderr_tails_are_those_of_unready_domains() {
        let details = Details {
            last_stderr: vec!["Error: \x1b[2Jboom".into()],
            ..Details::default()
        };
        let crashed = Domain {
            name: "users".into(),
            goal: "up".into(),
            details: Some(details),
            ..Domain::default()
        };
        assert_eq!(stderr_tail_of(&crashed), ["users: Error: ␛[2Jboom"]);
        let ready = Domain {
            ready: true,
            ..crashed.clone()
        };
        let stopped = Domain {
            goal: "down".into(),
            ..crashed
        };
        for domain in [ready, stopped, Domain::default()] {
            assert_eq!(stderr_tail_of(&domain), Vec::<String>::new());
        }
    }

    #[tokio::test]
    async fn the_first_outcome_is_returned_and_a_missing_one_is_a_failure() {
        let output = Output::from_process(true, true);
        let step = Progress {
            domain: "users".into(),
            message: "stopping".into(),
            outcome: None,
        };
        let end = Progress {
            outcome: Some(outcome(Kind::TimedOut)),
            ..Progress::default()
        };
        let steps = tokio_stream::iter([Ok(step.clone()), Ok(end)]);
        let outcome = wait_for_outcome(steps, &output).await.expect("an outcome");
        assert_eq!(outcome.kind(), Kind::TimedOut);
        assert_eq!(format_progress(&step), "users: stopping");
        let steps = tokio_stream::iter([Ok(step)]);
        assert_eq!(
            wait_for_outcome(steps, &output)
                .await
                .expect_err("none")
                .code,
            Code::Failed
        );
    }
}
