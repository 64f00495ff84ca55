//! How a stream comes into the registry and leaves it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;
use tonic::Status;

use super::message::REGISTERED;
use super::registered_stream::{OutboundSender, RegisteredStream, lock};
use super::registration::Registration;
use super::registration_table::{Decision, Registrant};
use super::{
    ConnectionActivity, DomainEvent, MessageResponse, RegistrationError, RegistrationGrant,
    RegistrationRequest, Registry, StreamEnd,
};

impl Registry {
    /// Admits a claim: asks the gatekeeper, then looks whether the name is free. The answer
    /// to the registration is queued before anybody can call the domain.
    ///
    /// # Errors
    /// The refusal, with the stream to tell it on.
    pub(crate) async fn register(
        &self,
        registration: Registration,
        claim: RegistrationRequest,
        activity: ConnectionActivity,
        sending: OutboundSender,
    ) -> Result<Arc<RegisteredStream>, (RegistrationError, OutboundSender)> {
        let (domain, peer, token) = (claim.domain.clone(), claim.peer, claim.token.is_some());
        let refused = |refusal: RegistrationError, pid, sending| {
            if let Some(more) = lock(&self.shared.rejection_limiter).allow(Instant::now()) {
                let reason = refusal.to_string();
                self.emit(DomainEvent::RegistrationRejected {
                    domain,
                    peer,
                    pid,
                    token,
                    reason,
                    more,
                });
            }
            Err((refusal, sending))
        };
        let admission = match self.shared.gatekeeper.admit_boxed(claim).await {
            Ok(admission) => admission,
            Err(refusal) => return refused(refusal, None, sending),
        };
        let pid = admission.pid;
        match self.insert(registration, admission, activity, sending) {
            Ok(connection) => Ok(connection),
            Err((refusal, sending)) => refused(refusal, pid, sending),
        }
    }

    fn insert(
        &self,
        registration: Registration,
        admission: RegistrationGrant,
        activity: ConnectionActivity,
        sending: OutboundSender,
    ) -> Result<Arc<RegisteredStream>, (RegistrationError, OutboundSender)> {
        let payload = registration.answer(&admission);
        let Registration {
            domain,
            capabilities,
            request_id,
        } = registration;
        let standing = Registrant {
            generation: admission.generation,
            own: admission.managed,
        };

        let mut roster = lock(&self.shared.registrations);
        if let Decision::Rejected(refusal) = roster.decide(&domain, standing) {
            return Err((refusal, sending));
        }
        let id = self.shared.connections.fetch_add(1, Ordering::Relaxed);
        let connection = Arc::new(RegisteredStream::new(
            id,
            domain,
            admission,
            capabilities,
            activity,
            sending,
        ));
        let answer = MessageResponse::success(REGISTERED, payload).into_message(request_id);
        // A fresh queue has room; a client that is gone already is noticed by the driver.
        let _ = connection.send(answer);
        if let Some(old) = roster.insert(Arc::clone(&connection)) {
            let cause = format!(
                "displaced: generation {} of domain {:?} registered",
                connection.admission.generation, connection.domain
            );
            self.emit_disconnected(&old, StreamEnd::Replaced, &cause);
            old.end(&cause, Some(Status::aborted(cause.as_str())));
        }
        self.emit(DomainEvent::Registered {
            domain: connection.domain.clone(),
            generation: connection.admission.generation,
            own: connection.admission.managed,
            pid: connection.admission.pid,
            capabilities: connection.capabilities().to_vec(),
            connection: id,
            activity: connection.activity.clone(),
        });
        Ok(connection)
    }

    /// Ends a stream and takes its name from it, if it still has it.
    pub(crate) fn deregister(
        &self,
        connection: &RegisteredStream,
        end: StreamEnd,
        cause: &str,
        status: Option<Status>,
    ) {
        {
            let mut roster = lock(&self.shared.registrations);
            if roster.remove(&connection.domain, connection.id) {
                self.emit_disconnected(connection, end, cause);
            }
        }
        connection.end(cause, status);
    }

    /// Ends all streams, and lets none in any more: the server shuts down.
    pub(crate) fn close(&self) {
        const CAUSE: &str = "Fulcrum shuts down";
        self.health().close();
        let connections = {
            let mut roster = lock(&self.shared.registrations);
            let connections = roster.close();
            for connection in &connections {
                self.emit_disconnected(connection, StreamEnd::ByServer, CAUSE);
            }
            connections
        };
        for connection in connections {
            connection.end(CAUSE, Some(Status::unavailable(CAUSE)));
        }
    }

    /// Tells of a stream's end; called with the roster locked, so that events have the
    /// order of the facts.
    fn emit_disconnected(&self, connection: &RegisteredStream, end: StreamEnd, cause: &str) {
        self.emit(DomainEvent::Disconnected {
            domain: connection.domain.clone(),
            generation: connection.admission.generation,
            connection: connection.id,
            end,
            cause: cause.to_owned(),
        });
    }
}
