//! The registered domains: asking them, telling them, ending their streams.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tonic::Status;

use super::authorization::DynAuthorizer;
use super::handler::DynHandler;
use super::health::HealthReporter;
use super::message::{ASSET_CHANGED, DRAIN, MAX_BODY, fits, is_reserved};
use super::registered_stream::{QUEUE, QUEUE_BYTES, RegisteredStream, SendError, lock};
use super::registration::truncate;
use super::registration_table::RegistrationTable;
use super::{
    CAPABILITY_ASSETS, CAPABILITY_DRAIN, DomainEvent, MessageResponse, RegistrationAuthorizer,
    RuntimeHandler, StreamEnd,
};
use crate::framework::{DomainMessage, RuntimeMessage};
use crate::transport::{KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, RateLimiter};

/// Times of the domain side.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// How long a new stream may take to send its registration; 5 s.
    pub registration_timeout: Duration,
    /// How long a domain has for its response to `SendMessage`; 30 s.
    pub call_timeout: Duration,
    /// How long open streams have to end when the server shuts down; 1 s.
    pub shutdown_grace: Duration,
    /// After how long a silent connection is sent a keep-alive ping; 10 s.
    pub keepalive_interval: Duration,
    /// How long it then has to answer; 20 s.
    pub keepalive_timeout: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            registration_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(1),
            keepalive_interval: KEEPALIVE_INTERVAL,
            keepalive_timeout: KEEPALIVE_TIMEOUT,
        }
    }
}

/// The registered domains. Clones are handles to one registry.
#[derive(Clone)]
pub struct Registry {
    pub(super) shared: Arc<Shared>,
}

/// What the handles share.
pub(super) struct Shared {
    pub(super) gatekeeper: Box<dyn DynAuthorizer>,
    handler: Box<dyn DynHandler>,
    events: mpsc::UnboundedSender<DomainEvent>,
    settings: ServerConfig,
    /// Held for single steps only, never across an await.
    pub(super) registrations: Mutex<RegistrationTable>,
    pub(super) rejection_limiter: Mutex<RateLimiter>,
    health: HealthReporter,
    pub(super) connections: AtomicU64,
    requests: AtomicU64,
    /// Keeps our request ids apart from those that domains make up.
    request_id_prefix: String,
}

impl Registry {
    /// A registry without domains.
    ///
    /// The channel of events is unbounded so that they keep the order of the facts; what a
    /// client could flood it with (heartbeats, refusals) is thinned out before. A receiver
    /// that is dropped does no harm.
    pub fn new(
        gatekeeper: impl RegistrationAuthorizer,
        handler: impl RuntimeHandler,
        events: mpsc::UnboundedSender<DomainEvent>,
    ) -> Self {
        Self::with_settings(gatekeeper, handler, events, ServerConfig::default())
    }

    /// As [`Registry::new`], with times of its own.
    pub fn with_settings(
        gatekeeper: impl RegistrationAuthorizer,
        handler: impl RuntimeHandler,
        events: mpsc::UnboundedSender<DomainEvent>,
        settings: ServerConfig,
    ) -> Self {
        let shared = Shared {
            gatekeeper: Box::new(gatekeeper),
            handler: Box::new(handler),
            events,
            settings,
            registrations: Mutex::default(),
            rejection_limiter: Mutex::new(RateLimiter::with_burst(Duration::from_secs(1), 5)),
            health: HealthReporter::new(),
            connections: AtomicU64::new(1),
            requests: AtomicU64::new(1),
            // The standard library's only source of randomness; enough against accidents.
            request_id_prefix: format!("fulcrum-{:016x}", RandomState::new().hash_one(0)),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Sends one message to a domain and waits for its response.
    ///
    /// Failures are answers too, of type `error`, with a text that names the domain: a type
    /// that only the runtime may send, not connected, too much queued (64 messages), disconnected meanwhile, no response in
    /// `timeout`, too large. A call that is dropped leaves nothing behind.
    pub async fn call(
        &self,
        domain: &str,
        type_: &str,
        payload: String,
        timeout: Duration,
    ) -> MessageResponse {
        if is_reserved(type_) {
            return MessageResponse::error(format!(
                "a message of type {type_:?} can't be sent to domain {:?}: that type is the runtime's own",
                truncate(domain)
            ));
        }
        let Some(connection) = lock(&self.shared.registrations).get(domain).cloned() else {
            return MessageResponse::error(self.not_connected(domain));
        };
        let request_id = self.request_id();
        let message = RuntimeMessage {
            r#type: type_.to_owned(),
            payload,
            request_id: request_id.clone(),
            success: true,
            error: String::new(),
        };
        if !fits(&message) {
            return MessageResponse::error(format!(
                "the message to domain {domain:?} is larger than {MAX_BODY} bytes"
            ));
        }
        // As long as a message may be; the answer must not be longer for it.
        let shown = truncate(type_);
        let ended = |cause: &str| {
            MessageResponse::error(format!(
                "domain {domain:?} disconnected before it answered {shown}: {cause}"
            ))
        };
        let (_slot, response) = match connection.expect_response(request_id) {
            Ok(expected) => expected,
            Err(cause) => return ended(&cause),
        };
        match connection.send(message) {
            Ok(()) => {}
            Err(SendError::Full) => {
                self.on_queue_full(&connection);
                return MessageResponse::error(format!(
                    "domain {domain:?} has {QUEUE} messages, or {} MiB of them, waiting to be read; it is stuck or overloaded",
                    QUEUE_BYTES >> 20
                ));
            }
            Err(SendError::Ended) => return ended("its stream has ended"),
        }
        match tokio::time::timeout(timeout, response).await {
            Ok(Ok(Ok(answer))) => answer,
            Ok(Ok(Err(cause))) => ended(&cause),
            Ok(Err(_)) => ended("its stream has ended"),
            Err(_) => MessageResponse::error(format!(
                "domain {domain:?} did not answer {shown} within {} s",
                timeout.as_secs_f64()
            )),
        }
    }

    /// Tells a domain that it will be stopped in `deadline`, so that it can finish what it
    /// has. True where that generation is registered, has the capability `drain` and could
    /// be told; otherwise nothing is sent.
    pub fn send_drain(&self, domain: &str, generation: u64, deadline: Duration) -> bool {
        let payload = serde_json::json!({
            "deadline_ms": u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
        });
        self.notify(domain, generation, CAPABILITY_DRAIN, DRAIN, &payload)
    }

    /// Tells a domain that one of its files has changed that isn't code, such as a template:
    /// nothing is restarted for it. True where that generation is registered, has the
    /// capability `assets` and could be told; otherwise nothing is sent.
    pub fn send_asset_changed(&self, domain: &str, generation: u64, path: &str) -> bool {
        let payload = serde_json::json!({ "path": path });
        self.notify(
            domain,
            generation,
            CAPABILITY_ASSETS,
            ASSET_CHANGED,
            &payload,
        )
    }

    fn notify(
        &self,
        domain: &str,
        generation: u64,
        capability: &str,
        type_: &str,
        payload: &serde_json::Value,
    ) -> bool {
        let Some(connection) = self.find_generation(domain, generation) else {
            return false;
        };
        if !connection.has_capability(capability) {
            return false;
        }
        let message = RuntimeMessage {
            r#type: type_.into(),
            payload: payload.to_string(),
            request_id: self.request_id(),
            success: true,
            error: String::new(),
        };
        connection.send(message).is_ok()
    }

    /// Whether a stream is registered under this name.
    pub fn is_registered(&self, domain: &str) -> bool {
        lock(&self.shared.registrations).get(domain).is_some()
    }

    /// The names of all registered domains, in order.
    pub fn registered(&self) -> Vec<String> {
        lock(&self.shared.registrations)
            .names()
            .map(str::to_owned)
            .collect()
    }

    /// Ends the stream of a generation that has ended, if it still is registered. Calls
    /// that wait for it fail at once.
    pub fn disconnect(&self, domain: &str, generation: u64) {
        if let Some(connection) = self.find_generation(domain, generation) {
            let cause = format!("generation {generation} has ended");
            let status = Status::aborted(cause.as_str());
            self.deregister(&connection, StreamEnd::ByServer, &cause, Some(status));
        }
    }

    /// Sets what `grpc.health.v1` says of a domain (service `domain.NAME`), or of the whole
    /// app (service `""`) where `domain` is `None`. The app starts as not serving, a domain
    /// as unknown.
    pub fn set_serving(&self, domain: Option<&str>, serving: bool) {
        self.shared.health.set(domain, serving);
    }

    /// Makes a domain unknown to `grpc.health.v1`, for one that left the app.
    pub fn remove(&self, domain: &str) {
        self.shared.health.forget(domain);
    }

    /// Answers `SendMessage`.
    pub(crate) async fn send_message(&self, message: DomainMessage) -> RuntimeMessage {
        let DomainMessage {
            domain,
            r#type: type_,
            payload,
            request_id,
        } = message;
        let answer = if domain.is_empty() {
            MessageResponse::error("the message names no domain: set the field `domain`")
        } else if type_.is_empty() {
            MessageResponse::error(format!(
                "the message to domain {:?} has no type",
                truncate(&domain)
            ))
        } else {
            self.call(&domain, &type_, payload, self.shared.settings.call_timeout)
                .await
        };
        answer.into_message(request_id)
    }

    pub(crate) fn settings(&self) -> &ServerConfig {
        &self.shared.settings
    }

    pub(crate) fn health(&self) -> &HealthReporter {
        &self.shared.health
    }

    pub(crate) fn handler(&self) -> &dyn DynHandler {
        &*self.shared.handler
    }

    pub(crate) fn emit(&self, event: DomainEvent) {
        // Nobody listening is the listener's choice.
        let _ = self.shared.events.send(event);
    }

    fn find_generation(&self, domain: &str, generation: u64) -> Option<Arc<RegisteredStream>> {
        let roster = lock(&self.shared.registrations);
        roster
            .get(domain)
            .filter(|held| held.admission.generation == generation)
            .cloned()
    }

    fn request_id(&self) -> String {
        let number = self.shared.requests.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.shared.request_id_prefix)
    }

    fn not_connected(&self, domain: &str) -> String {
        let domain = truncate(domain);
        let connected = self.registered();
        if connected.is_empty() {
            return format!("domain {domain:?} is not connected; no domain is");
        }
        format!(
            "domain {domain:?} is not connected; connected: {}",
            connected.join(", ")
        )
    }

    /// How many responses are awaited from a domain.
    #[cfg(test)]
    pub(crate) fn pending_count(&self, domain: &str) -> usize {
        lock(&self.shared.registrations)
            .get(domain)
            .map_or(0, |connection| connection.pending_count())
    }
}
