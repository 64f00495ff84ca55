//! Registers and deregisters streams.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;
use tonic::Status;

use super::authorization::{RegistrationError, RegistrationGrant, RegistrationRequest};
use super::connection_activity::ConnectionActivity;
use super::event::{DomainEvent, StreamEnd};
use super::lock::lock;
use super::message::REGISTERED;
use super::message_response::MessageResponse;
use super::outlook::Outlook;
use super::registered_stream::{OutboundSender, RegisteredStream};
use super::registration::Registration;
use super::registration_table::{Decision, Registrant};
use super::registry::Registry;

impl Registry {
    /// Registers a stream, if the authorizer accepts it and the name is free. The response is
    /// queued before the domain can be called.
    ///
    /// # Errors
    /// The rejection, with the stream's sender, on which the client receives it.
    pub(crate) async fn register(
        &self,
        registration: Registration,
        request: RegistrationRequest,
        activity: ConnectionActivity,
        sender: OutboundSender,
    ) -> Result<Arc<RegisteredStream>, (RegistrationError, OutboundSender)> {
        let (domain, peer) = (request.domain.clone(), request.peer);
        let has_token = request.token.is_some();
        let reject = |error: RegistrationError, pid, sender| {
            if let Some(suppressed) = lock(&self.shared.rejection_limiter).allow(Instant::now()) {
                self.emit(DomainEvent::RegistrationRejected {
                    domain,
                    peer,
                    pid,
                    has_token,
                    reason: error.to_string(),
                    suppressed,
                });
            }
            Err((error, sender))
        };
        let grant = match self.shared.authorizer.authorize_boxed(request).await {
            Ok(grant) => grant,
            Err(error) => return reject(error, None, sender),
        };
        let pid = grant.pid;
        match self.insert(registration, grant, activity, sender) {
            Ok(stream) => Ok(stream),
            Err((error, sender)) => reject(error, pid, sender),
        }
    }

    /// Reports a stream of a domain's process that was refused before it named its domain.
    pub(crate) async fn report_refusal(&self, request: RegistrationRequest, reason: &str) {
        let Some(domain) = self.shared.authorizer.owner_boxed(&request).await else {
            return;
        };
        if let Some(suppressed) = lock(&self.shared.rejection_limiter).allow(Instant::now()) {
            self.emit(DomainEvent::RegistrationRejected {
                domain,
                peer: request.peer,
                pid: None,
                has_token: request.token.is_some(),
                reason: reason.to_owned(),
                suppressed,
            });
        }
    }

    fn insert(
        &self,
        registration: Registration,
        grant: RegistrationGrant,
        activity: ConnectionActivity,
        sender: OutboundSender,
    ) -> Result<Arc<RegisteredStream>, (RegistrationError, OutboundSender)> {
        let observer = self.config().observer.get();
        let takes_spans = observer.is_some_and(|observer| observer.takes_spans());
        let payload = registration.response_payload(&grant, self.config().max_message, takes_spans);
        let Registration {
            domain,
            client,
            request_id,
        } = registration;
        let registrant = Registrant {
            generation: grant.generation,
            managed: grant.managed,
        };

        let mut registrations = lock(&self.shared.registrations);
        if let Decision::Rejected(error) = registrations.decide(&domain, registrant) {
            return Err((error, sender));
        }
        let id = self.shared.next_stream_id.fetch_add(1, Ordering::Relaxed);
        let name = domain.clone();
        let stream = Arc::new(RegisteredStream::new(
            id,
            domain,
            grant,
            client,
            activity,
            (
                self.routes().get_or_insert(&name),
                self.ids().clone(),
                self.config().max_message,
            ),
            sender,
        ));
        let response = MessageResponse::success(REGISTERED, payload).into_message(request_id);
        // A new queue has capacity. The driver detects a client that is gone already.
        let _ = stream.send(response);
        if let Some(old) = registrations.insert(Arc::clone(&stream)) {
            let cause = format!(
                "replaced by generation {} of domain {:?}",
                stream.grant.generation, stream.domain
            );
            self.emit_disconnected(&old, StreamEnd::Replaced, &cause);
            stream.route.attach(id, stream.traits(), &cause);
            old.end(&cause, Some(Status::aborted(cause.as_str())));
        } else {
            stream.route.attach(id, stream.traits(), "");
        }
        self.emit(DomainEvent::Registered {
            domain: stream.domain.clone(),
            generation: stream.grant.generation,
            managed: stream.grant.managed,
            pid: stream.grant.pid,
            capabilities: stream.capabilities().to_vec(),
            stream_id: id,
            activity: stream.activity.clone(),
        });
        Ok(stream)
    }

    /// Ends a stream and removes it from the table, if it still has its name.
    pub(crate) fn deregister(
        &self,
        stream: &RegisteredStream,
        end: StreamEnd,
        cause: &str,
        status: Option<Status>,
    ) {
        {
            let mut registrations = lock(&self.shared.registrations);
            if registrations.remove(&stream.domain, stream.id) {
                self.emit_disconnected(stream, end, cause);
            }
            stream.end(cause, status);
            self.routes().remove_unused(&stream.domain);
            lock(self.topics()).remove(stream.id);
        }
    }

    /// Ends all streams and accepts none any more: the server shuts down.
    pub(crate) fn close(&self) {
        const CAUSE: &str = "Fulcrum is shutting down";
        self.health().close();
        let streams = {
            let mut registrations = lock(&self.shared.registrations);
            let streams = registrations.close();
            for stream in &streams {
                self.emit_disconnected(stream, StreamEnd::ByServer, CAUSE);
            }
            for route in self.routes().all() {
                route.set_outlook(Outlook::NotComing(CAUSE.to_owned()));
            }
            streams
        };
        for stream in streams {
            stream.end(CAUSE, Some(Status::unavailable(CAUSE)));
        }
    }

    /// Emits the end of a stream. The caller holds the table's lock, so that events have the order
    /// of the changes.
    fn emit_disconnected(&self, stream: &RegisteredStream, end: StreamEnd, cause: &str) {
        self.emit(DomainEvent::Disconnected {
            domain: stream.domain.clone(),
            generation: stream.grant.generation,
            stream_id: stream.id,
            end,
            cause: cause.to_owned(),
        });
    }
}
