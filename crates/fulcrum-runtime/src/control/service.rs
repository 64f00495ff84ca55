//! Answers the control API: each request becomes one wish to the supervisor, the hub or the
//! registry.

use std::collections::BTreeSet;
use std::time::Duration;

use fulcrum_logs::{Capacity, Delivery, FULCRUM_SOURCE};
use fulcrum_rpc::control::change_request::Action;
use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::progress::{message_channel, outcome, single_outcome, timeout_or_max};
use fulcrum_rpc::control::{
    CallRequest, CallResponse, ChangeRequest, Event, EventsRequest, Instance, LogRecord,
    LogsRequest, Progress, ReloadProgress, ReloadRequest, ShutdownRequest, StatusRequest,
    StatusResponse, WaitRequest,
};
use fulcrum_rpc::{ControlError, ControlHandler, MessageStream};
use fulcrum_spawn::lifecycle::{Command, Phase};
use tokio::sync::broadcast::error::RecvError;

use crate::context::SharedContext;
use crate::control::change::LifecycleRequest;
use crate::control::{change, logs, reload, status, wait};
use crate::events::log;
use crate::shutdown::stage::ShutdownStage;
use fulcrum_config::select;

/// The running instance, as its clients reach it.
pub(crate) struct ControlService(pub(crate) SharedContext);

impl ControlService {
    fn names(&self, wanted: &[String]) -> Result<Vec<String>, ControlError> {
        select(&self.0.agenda().app, wanted)
            .map_err(|unknown| ControlError::NotFound(unknown.message(&self.0.agenda().app)))
    }
}

impl ControlService {
    /// Whose past is meant: domains that there are or were, and Fulcrum itself.
    fn known_domains(&self, wanted: &[String]) -> Result<BTreeSet<String>, ControlError> {
        let agenda = self.0.agenda();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for name in wanted {
            if name == FULCRUM_SOURCE || agenda.former.contains(name) {
                names.insert(name.clone());
            } else {
                names.extend(self.names(std::slice::from_ref(name))?);
            }
        }
        Ok(names)
    }
}

impl ControlHandler for ControlService {
    async fn instance(&self) -> Instance {
        status::instance(&self.0)
    }

    async fn status(&self, request: StatusRequest) -> Result<StatusResponse, ControlError> {
        let names = self.names(&request.domains)?;
        self.0.vitals.refresh().await;
        let domains = names.iter().filter_map(|name| self.0.domain(name));
        Ok(StatusResponse {
            instance: Some(status::instance(&self.0)),
            domains: domains
                .map(|domain| status::domain(&self.0, &domain, request.details))
                .collect(),
        })
    }

    async fn change(
        &self,
        request: ChangeRequest,
    ) -> Result<MessageStream<Progress>, ControlError> {
        let command = match request.action() {
            Action::Start => Command::Start,
            Action::Stop => Command::Stop,
            Action::Restart => Command::Restart,
            Action::Kill => Command::Kill,
            Action::Unspecified => {
                return Err(ControlError::Invalid(
                    "the request names no action".to_owned(),
                ));
            }
        };
        let names = match select(&self.0.agenda().app, &request.domains) {
            Ok(names) => names,
            Err(unknown) => {
                return Ok(single_outcome(
                    Kind::UnknownDomain,
                    unknown.message(&self.0.agenda().app),
                ));
            }
        };
        if self.0.closing.stage() > ShutdownStage::Running {
            return Ok(single_outcome(
                Kind::Failed,
                "the instance is stopping".to_owned(),
            ));
        }
        let by_name = request.domains.iter().any(|name| names.contains(name));
        let change = LifecycleRequest {
            command,
            names,
            by_name,
            no_wait: request.no_wait,
        };
        let (sink, stream) = message_channel();
        let house = SharedContext::clone(&self.0);
        tokio::spawn(async move {
            let end = tokio::time::timeout(
                timeout_or_max(request.timeout_ms),
                change::execute(&house, &change, &sink),
            )
            .await;
            let end = end.unwrap_or_else(|_| {
                outcome(
                    Kind::TimedOut,
                    "it takes longer than asked for, and goes on",
                )
            });
            let _ = sink.send(Ok(end)).await;
        });
        Ok(stream)
    }

    async fn wait(&self, request: WaitRequest) -> Result<MessageStream<Progress>, ControlError> {
        let condition = request.condition();
        let names = if request.domains.is_empty() {
            self.0.agenda().selected.clone()
        } else {
            match select(&self.0.agenda().app, &request.domains) {
                Ok(names) => names,
                Err(unknown) => {
                    return Ok(single_outcome(
                        Kind::UnknownDomain,
                        unknown.message(&self.0.agenda().app),
                    ));
                }
            }
        };
        let (sink, stream) = message_channel();
        let house = SharedContext::clone(&self.0);
        tokio::spawn(async move {
            let all = wait::wait_all(&house, &names, condition);
            let end = tokio::select! {
                end = tokio::time::timeout(timeout_or_max(request.timeout_ms), all) => end,
                // Nobody waits any more.
                () = sink.closed() => return,
            };
            let end = match end {
                Ok((kind, text)) => outcome(kind, text),
                Err(_) => outcome(
                    Kind::TimedOut,
                    wait::describe_pending(&house, &names, condition),
                ),
            };
            let _ = sink.send(Ok(end)).await;
        });
        Ok(stream)
    }

    async fn logs(&self, request: LogsRequest) -> Result<MessageStream<LogRecord>, ControlError> {
        let domains = if request.domains.is_empty() {
            None
        } else {
            Some(self.known_domains(&request.domains)?)
        };
        let query = logs::query(&request, domains.clone())?;
        let mut follower = self.0.hub.subscribe(query, Capacity::default());
        let backlog: Vec<LogRecord> = follower
            .backlog()
            .map(Delivery::Line)
            .map(logs::log_record)
            .collect();
        let seam = logs::snapshot_marker(&self.0, follower.snapshot_seq(), domains);
        let (sink, stream) = message_channel();
        let hub = self.0.hub.clone();
        tokio::spawn(async move {
            // What isn't remembered any more, up to the seam, is read in the store.
            hub.flushed().await;
            for record in backlog.into_iter().chain([seam]) {
                if sink.send(Ok(record)).await.is_err() {
                    return;
                }
            }
            if !request.follow {
                return;
            }
            loop {
                let delivery = tokio::select! {
                    delivery = follower.next() => delivery,
                    () = sink.closed() => return,
                };
                let Some(delivery) = delivery else { return };
                if sink.send(Ok(logs::log_record(delivery))).await.is_err() {
                    return;
                }
            }
        });
        Ok(stream)
    }

    async fn events(&self, request: EventsRequest) -> Result<MessageStream<Event>, ControlError> {
        let names = self.known_domains(&request.domains)?;
        let (kept, mut coming) = self.0.journal.subscribe();
        let (sink, stream) = message_channel();
        tokio::spawn(async move {
            let all = names.is_empty();
            let wanted = |event: &log::Event| all || names.contains(&event.domain);
            for event in kept.into_iter().filter(wanted) {
                if sink.send(Ok(event_message(event))).await.is_err() {
                    return;
                }
            }
            if !request.follow {
                return;
            }
            loop {
                let event = tokio::select! {
                    event = coming.recv() => event,
                    () = sink.closed() => return,
                };
                match event {
                    Ok(event) if wanted(&event) => {
                        if sink.send(Ok(event_message(event))).await.is_err() {
                            return;
                        }
                    }
                    // A gap shows in the numbers.
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
        Ok(stream)
    }

    async fn call(&self, request: CallRequest) -> Result<CallResponse, ControlError> {
        let CallRequest {
            domain,
            r#type,
            payload,
            timeout_ms,
        } = request;
        if self.0.domain(&domain).is_none() && !self.0.registry.is_registered(&domain) {
            self.names(std::slice::from_ref(&domain))?;
        }
        let wait = if timeout_ms == 0 { 30_000 } else { timeout_ms };
        let answer = self
            .0
            .registry
            .call(&domain, &r#type, payload, Duration::from_millis(wait))
            .await;
        Ok(CallResponse {
            r#type: answer.type_,
            payload: answer.payload,
            success: answer.success,
            error: answer.error,
        })
    }

    async fn reload(
        &self,
        request: ReloadRequest,
    ) -> Result<MessageStream<ReloadProgress>, ControlError> {
        let limit = timeout_or_max(request.timeout_ms);
        Ok(reload::stream_reload(
            SharedContext::clone(&self.0),
            request,
            limit,
        ))
    }

    async fn shutdown(
        &self,
        request: ShutdownRequest,
    ) -> Result<MessageStream<Progress>, ControlError> {
        let closing = self.0.closing.clone();
        closing.request(if request.force {
            ShutdownStage::Killing
        } else {
            ShutdownStage::Stopping
        });
        let (sink, stream) = message_channel();
        let house = SharedContext::clone(&self.0);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(500));
            ticks.tick().await;
            loop {
                tokio::select! {
                    () = closing.wait_for(ShutdownStage::Done) => break,
                    _ = ticks.tick() => {}
                }
                let text = change::shutdown_progress(&house);
                let progress = Progress {
                    message: text,
                    ..Progress::default()
                };
                if sink.send(Ok(progress)).await.is_err() {
                    return;
                }
            }
            let left = change::unkillable(&house);
            let end = if left.is_empty() {
                outcome(Kind::Done, "stopped")
            } else {
                outcome(
                    Kind::Failed,
                    format!("still alive after SIGKILL: {}", left.join(", ")),
                )
            };
            let _ = sink.send(Ok(end)).await;
        });
        Ok(stream)
    }
}

fn event_message(event: log::Event) -> Event {
    let phase = |phase: Option<Phase>| phase.map_or_else(String::new, |phase| phase.to_string());
    Event {
        seq: event.seq,
        time: Some(event.time.into()),
        domain: event.domain,
        from: phase(event.phases.map(|(from, _)| from)),
        to: phase(event.phases.map(|(_, to)| to)),
        generation: event.generation,
        reason: event.reason,
        kind: event.event_kind.to_owned(),
    }
}
