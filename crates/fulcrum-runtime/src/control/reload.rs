//! A client's reload: the steps as messages, and the end as the last one.

use std::time::Duration;

use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::progress::outcome;
use fulcrum_rpc::control::{
    Findings, ReloadProgress as WireProgress, ReloadRequest, reload_progress,
};
use fulcrum_rpc::{ControlError, MessageStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::context::SharedContext;
use crate::reload::request::{ReloadProgress, ReloadResult, ReloadTrigger, reload};

/// How many steps may wait for a client that is slow to read them.
const STREAM_BUFFER: usize = 256;

/// Reloads for a client; when `limit` is over it is told so, and the reload goes on.
pub(crate) fn stream_reload(
    house: SharedContext,
    request: ReloadRequest,
    limit: Duration,
) -> MessageStream<WireProgress> {
    let (tell, mut steps) = mpsc::channel(STREAM_BUFFER);
    let (sink, stream) = mpsc::channel(STREAM_BUFFER);
    tokio::spawn(async move {
        let reload = reload(&house, ReloadTrigger::Request, request.dry_run, tell);
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
            Ok(ReloadResult::Done(text)) => (Kind::Done, text),
            Ok(ReloadResult::Invalid(text)) => (Kind::ConfigInvalid, text),
            Ok(ReloadResult::DomainFailed(text)) => (Kind::DomainFailed, text),
            Ok(ReloadResult::Closing) => (Kind::Failed, "the instance is stopping".to_owned()),
            Err(_) => (
                Kind::TimedOut,
                "it takes longer than asked for, and goes on".to_owned(),
            ),
        };
        let _ = sink
            .send(message(ReloadProgress::Progress(outcome(kind, text))))
            .await;
    });
    Box::pin(ReceiverStream::new(stream))
}

fn message(step: ReloadProgress) -> Result<WireProgress, ControlError> {
    let step = match step {
        ReloadProgress::Diagnostics(texts) => reload_progress::Step::Findings(Findings { texts }),
        ReloadProgress::Plan(plan) => reload_progress::Step::Plan(plan),
        ReloadProgress::Progress(progress) => reload_progress::Step::Progress(progress),
    };
    Ok(WireProgress { step: Some(step) })
}
