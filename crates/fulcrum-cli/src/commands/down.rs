//! `fulcrum down`

use std::time::Duration;

use fulcrum_rpc::control::{Outcome, Progress, ShutdownRequest};
use fulcrum_rpc::{ControlClient, ControlError};
use tokio_stream::{Stream, StreamExt};

use super::farewell::Farewell;
use super::{Context, drive};
use crate::args::duration;
use crate::exit::{Code, Stop};
use crate::output::{Output, elapsed};
use crate::{client, load, place};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Kill the domains instead of asking them to end
    #[arg(long)]
    force: bool,
    /// How long to wait for the end; 0 is for ever [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

pub(super) fn run(args: Args, context: Context) -> Result<(), Stop> {
    drive::client(Some("the shutdown"), stop(args, context))
}

async fn stop(args: Args, context: Context) -> Result<(), Stop> {
    let root = load::app_root(context.app())?;
    let dir = place::runtime_dir(&root)?;
    let client = ControlClient::connect(&dir)
        .await
        .map_err(|error| client::unconnected(&root, &error))?;
    let farewell = Farewell::to(client.instance().pid, dir);
    let output = &context.output;
    let mut last = String::new();
    let ending = async {
        let progress = client
            .shutdown(ShutdownRequest { force: args.force })
            .await
            .map_err(client::refused)?;
        let outcome = follow(progress, output, &mut last).await?;
        farewell.gone().await;
        outcome.as_ref().map_or(Ok(()), client::settled)
    };
    match args.timeout.filter(|limit| !limit.is_zero()) {
        None => ending.await?,
        Some(limit) => match tokio::time::timeout(limit, ending).await {
            Ok(result) => result?,
            Err(_) => return Err(still_there(limit, &last, args.force)),
        },
    }
    output.note(&format!("stopped (pid {})", client.instance().pid));
    Ok(())
}

/// Shows progress until the end, which an outcome may announce. The connection ends with the
/// instance, in order or not.
async fn follow(
    mut progress: impl Stream<Item = Result<Progress, ControlError>> + Unpin,
    output: &Output,
    last: &mut String,
) -> Result<Option<Outcome>, Stop> {
    while let Some(step) = progress.next().await {
        match step {
            Ok(Progress {
                outcome: Some(outcome),
                ..
            }) => return Ok(Some(outcome)),
            Ok(step) => {
                *last = client::told(&step);
                output.note(last);
            }
            Err(ControlError::Gone(_)) => break,
            Err(error) => return Err(client::refused(error)),
        }
    }
    Ok(None)
}

fn still_there(limit: Duration, last: &str, forced: bool) -> Stop {
    let last = if last.is_empty() {
        String::new()
    } else {
        format!(": {last}")
    };
    let hint = if forced {
        ""
    } else {
        "; `fulcrum down --force` kills what is left"
    };
    Stop::new(
        Code::TimedOut,
        format!(
            "still stopping after {}{last}\n  hint: the shutdown goes on{hint}",
            elapsed(limit)
        ),
    )
}

#[cfg(test)]
mod tests {
    use fulcrum_rpc::control::outcome::Kind;

    use super::*;

    fn step(message: &str) -> Result<Progress, ControlError> {
        Ok(Progress {
            message: message.into(),
            ..Progress::default()
        })
    }

    #[tokio::test]
    async fn an_instance_may_end_without_a_word() {
        let output = Output::of_process(true, true);
        for end in [None, Some(Err(ControlError::Gone("x".into())))] {
            let steps = [step("stopping"), step("waiting for users")]
                .into_iter()
                .chain(end);
            let mut last = String::new();
            let outcome = follow(tokio_stream::iter(steps), &output, &mut last).await;
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
        let outcome = follow(tokio_stream::iter([end]), &output, &mut String::new()).await;
        assert_eq!(outcome, Ok(Some(failed)));
    }

    #[test]
    fn a_timeout_says_what_it_waits_for() {
        let stop = still_there(Duration::from_secs(10), "waiting for users", false);
        assert_eq!(stop.code, Code::TimedOut);
        assert!(
            stop.message.contains("waiting for users") && stop.message.contains("--force"),
            "{stop}"
        );
        assert!(
            !still_there(Duration::from_secs(1), "", true)
                .message
                .contains("--force")
        );
    }
}
