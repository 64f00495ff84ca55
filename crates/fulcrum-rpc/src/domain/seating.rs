//! How a stream comes into the registry and leaves it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;
use tonic::Status;

use super::connection::{Connection, Sending, lock};
use super::message::REGISTERED;
use super::registration::Registration;
use super::roster::{Standing, Verdict};
use super::{Activity, Admission, Answer, Claim, DomainEvent, Refusal, Registry, StreamEnd};

impl Registry {
    /// Admits a claim: asks the gatekeeper, then looks whether the name is free. The answer
    /// to the registration is queued before anybody can call the domain.
    ///
    /// # Errors
    /// The refusal, with the stream to tell it on.
    pub(crate) async fn admit(
        &self,
        registration: Registration,
        claim: Claim,
        activity: Activity,
        sending: Sending,
    ) -> Result<Arc<Connection>, (Refusal, Sending)> {
        let (domain, peer, token) = (claim.domain.clone(), claim.peer, claim.token.is_some());
        let refused = |refusal: Refusal, pid, sending| {
            if let Some(more) = lock(&self.shared.refusals).allow(Instant::now()) {
                let reason = refusal.to_string();
                self.emit(DomainEvent::Refused {
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
        match self.seat(registration, admission, activity, sending) {
            Ok(connection) => Ok(connection),
            Err((refusal, sending)) => refused(refusal, pid, sending),
        }
    }

    fn seat(
        &self,
        registration: Registration,
        admission: Admission,
        activity: Activity,
        sending: Sending,
    ) -> Result<Arc<Connection>, (Refusal, Sending)> {
        let payload = registration.answer(&admission);
        let Registration {
            domain,
            capabilities,
            request_id,
        } = registration;
        let standing = Standing {
            generation: admission.generation,
            own: admission.own,
        };

        let mut roster = lock(&self.shared.roster);
        if let Verdict::Refused(refusal) = roster.judge(&domain, standing) {
            return Err((refusal, sending));
        }
        let id = self.shared.connections.fetch_add(1, Ordering::Relaxed);
        let connection = Arc::new(Connection::new(
            id,
            domain,
            admission,
            capabilities,
            activity,
            sending,
        ));
        let answer = Answer::success(REGISTERED, payload).into_message(request_id);
        // A fresh queue has room; a client that is gone already is noticed by the driver.
        let _ = connection.send(answer);
        if let Some(old) = roster.seat(Arc::clone(&connection)) {
            let cause = format!(
                "displaced: generation {} of domain {:?} registered",
                connection.admission.generation, connection.domain
            );
            self.disconnected(&old, StreamEnd::Displaced, &cause);
            old.end(&cause, Some(Status::aborted(cause.as_str())));
        }
        self.emit(DomainEvent::Registered {
            domain: connection.domain.clone(),
            generation: connection.admission.generation,
            own: connection.admission.own,
            pid: connection.admission.pid,
            capabilities: connection.capabilities().to_vec(),
            connection: id,
            activity: connection.activity.clone(),
        });
        Ok(connection)
    }

    /// Ends a stream and takes its name from it, if it still has it.
    pub(crate) fn leave(
        &self,
        connection: &Connection,
        end: StreamEnd,
        cause: &str,
        status: Option<Status>,
    ) {
        {
            let mut roster = lock(&self.shared.roster);
            if roster.leave(&connection.domain, connection.id) {
                self.disconnected(connection, end, cause);
            }
        }
        connection.end(cause, status);
    }

    /// Ends all streams, and lets none in any more: the server shuts down.
    pub(crate) fn close(&self) {
        const CAUSE: &str = "Fulcrum shuts down";
        self.health().close();
        let connections = {
            let mut roster = lock(&self.shared.roster);
            let connections = roster.close();
            for connection in &connections {
                self.disconnected(connection, StreamEnd::ByFulcrum, CAUSE);
            }
            connections
        };
        for connection in connections {
            connection.end(CAUSE, Some(Status::unavailable(CAUSE)));
        }
    }

    /// Tells of a stream's end; called with the roster locked, so that events have the
    /// order of the facts.
    fn disconnected(&self, connection: &Connection, end: StreamEnd, cause: &str) {
        self.emit(DomainEvent::Disconnected {
            domain: connection.domain.clone(),
            generation: connection.admission.generation,
            connection: connection.id,
            end,
            cause: cause.to_owned(),
        });
    }
}
