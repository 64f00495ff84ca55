//! Reloads as messages of the control API.

use std::time::Duration;

use fulcrum_config::{Action, Difference, ReloadPlan};
use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::planned_domain::Action as WireAction;
use fulcrum_rpc::control::progress::{MessageSender, outcome};
use fulcrum_rpc::control::{
    Difference as WireDifference, Findings, PlannedDomain, Progress, ReloadPlan as WirePlan,
    ReloadProgress as WireProgress, ReloadRequest, reload_progress,
};
use fulcrum_rpc::{ControlError, MessageStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::outcome::ProgressStep;
use crate::reload::request::{ReloadHandle, ReloadProgress, ReloadResult, ReloadTrigger};

/// How many messages may wait for a client that reads slowly.
const STREAM_BUFFER: usize = 256;

/// Reloads for a client. After `limit` the stream ends, and the reload continues.
pub(crate) fn stream_reload(
    handle: ReloadHandle,
    request: ReloadRequest,
    limit: Duration,
) -> MessageStream<WireProgress> {
    let (sender, receiver) = mpsc::channel(STREAM_BUFFER);
    tokio::spawn(run(handle, request.dry_run, limit, sender));
    Box::pin(ReceiverStream::new(receiver))
}

async fn run(
    handle: ReloadHandle,
    dry_run: bool,
    limit: Duration,
    sender: MessageSender<WireProgress>,
) {
    let (progress, mut steps) = mpsc::channel(STREAM_BUFFER);
    let reload = handle.reload(ReloadTrigger::Request, dry_run, progress);
    let reload = tokio::time::timeout(limit, reload);
    tokio::pin!(reload);
    let result = loop {
        tokio::select! {
            biased;
            Some(step) = steps.recv() => {
                if sender.send(message(step)).await.is_err() {
                    return;
                }
            }
            result = &mut reload => break result,
        }
    };
    // Progress that was reported before the result is sent before it.
    while let Ok(step) = steps.try_recv() {
        let _ = sender.send(message(step)).await;
    }
    let (kind, text) = match result {
        Ok(ReloadResult::Done(text)) => (Kind::Done, text),
        Ok(ReloadResult::Invalid(text)) => (Kind::ConfigInvalid, text),
        Ok(ReloadResult::DomainFailed(text)) => (Kind::DomainFailed, text),
        Ok(ReloadResult::Closing) => (Kind::Failed, "the instance is shutting down".to_owned()),
        Err(_) => (
            Kind::TimedOut,
            "time limit reached; the reload continues".to_owned(),
        ),
    };
    let step = reload_progress::Step::Progress(outcome(kind, text));
    let _ = sender.send(Ok(WireProgress { step: Some(step) })).await;
}

fn message(progress: ReloadProgress) -> Result<WireProgress, ControlError> {
    let step = match progress {
        ReloadProgress::Diagnostics(texts) => reload_progress::Step::Findings(Findings { texts }),
        ReloadProgress::Plan(plan) => reload_progress::Step::Plan(plan_message(&plan)),
        ReloadProgress::Step(step) => reload_progress::Step::Progress(progress_message(step)),
    };
    Ok(WireProgress { step: Some(step) })
}

/// A step of a domain as a message.
pub(crate) fn progress_message(step: ProgressStep) -> Progress {
    Progress {
        domain: step.domain,
        message: step.message,
        outcome: None,
    }
}

/// A plan as a message, secrets masked.
fn plan_message(plan: &ReloadPlan) -> WirePlan {
    let domains = plan.domains.iter().map(|change| {
        let (action, differences) = match &change.action {
            Action::Unchanged => (WireAction::Unchanged, &[][..]),
            Action::UpdateInPlace(differences) => (WireAction::Adopt, differences.as_slice()),
            Action::Restart(differences) => (WireAction::Restart, differences.as_slice()),
            Action::Start => (WireAction::Start, &[][..]),
            Action::Stop => (WireAction::Stop, &[][..]),
        };
        PlannedDomain {
            domain: change.domain.clone(),
            action: action.into(),
            differences: differences_message(differences),
        }
    });
    WirePlan {
        domains: domains.collect(),
        app: differences_message(&plan.app),
        needs_new_instance: differences_message(&plan.requires_restart),
    }
}

fn differences_message(differences: &[Difference]) -> Vec<WireDifference> {
    let message = |difference: &Difference| WireDifference {
        key: difference.key.clone(),
        old: difference.old_text(),
        new: difference.new_text(),
    };
    differences.iter().map(message).collect()
}
