//! A client's reload: the steps as messages, and the end as the last one.

use std::time::Duration;

use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::{Findings, ReloadProgress, ReloadRequest, reload_progress};
use fulcrum_rpc::{ControlError, Streamed};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::context::Shared;
use crate::control::service::outcome;
use crate::reload::request::{End, Origin, Step, apply};

/// How many steps may wait for a client that is slow to read them.
const AHEAD: usize = 256;

/// Reloads for a client; when `limit` is over it is told so, and the reload goes on.
pub(crate) fn stream_reload(
    house: Shared,
    request: ReloadRequest,
    limit: Duration,
) -> Streamed<ReloadProgress> {
    let (tell, mut steps) = mpsc::channel(AHEAD);
    let (sink, stream) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let reload = apply(&house, Origin::Command, request.dry_run, tell);
        let reload = tokio::time::timeout(limit, reload);
        tokio::pin!(reload);
        let end = loop {
            tokio::select! {
                biased;
                Some(step) = steps.recv() => {
                    if sink.send(message(step)).await.is_err() {
                        return;
                    }
                }
                end = &mut reload => break end,
            }
        };
        // What was told before the end comes before it.
        while let Ok(step) = steps.try_recv() {
            let _ = sink.send(message(step)).await;
        }
        let (kind, text) = match end {
            Ok(End::Done(text)) => (Kind::Done, text),
            Ok(End::Invalid(text)) => (Kind::ConfigInvalid, text),
            Ok(End::DomainFailed(text)) => (Kind::DomainFailed, text),
            Ok(End::Closing) => (Kind::Failed, "the instance is stopping".to_owned()),
            Err(_) => (
                Kind::TimedOut,
                "it takes longer than asked for, and goes on".to_owned(),
            ),
        };
        let _ = sink
            .send(message(Step::Progress(outcome(kind, text))))
            .await;
    });
    Box::pin(ReceiverStream::new(stream))
}

fn message(step: Step) -> Result<ReloadProgress, ControlError> {
    let step = match step {
        Step::Findings(texts) => reload_progress::Step::Findings(Findings { texts }),
        Step::Plan(plan) => reload_progress::Step::Plan(plan),
        Step::Progress(progress) => reload_progress::Step::Progress(progress),
    };
    Ok(ReloadProgress { step: Some(step) })
}
