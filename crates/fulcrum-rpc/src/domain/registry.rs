//! The registered domains: requests to them, notifications, and the end of their streams.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tonic::Status;

use super::authorization::{DynAuthorizer, RegistrationAuthorizer};
use super::capabilities::{CAPABILITY_ASSETS, CAPABILITY_DRAIN};
use super::event::{DomainEvent, StreamEnd};
use super::handler::{DynHandler, RuntimeHandler};
use super::health::HealthReporter;
use super::message::{ASSET_CHANGED, DRAIN, MAX_BODY, fits, is_reserved};
use super::message_response::MessageResponse;
use super::registered_stream::{QUEUE, QUEUE_BYTES, RegisteredStream, SendError, lock};
use super::registration::truncate;
use super::registration_table::RegistrationTable;
use crate::framework::{DomainMessage, RuntimeMessage};
use crate::transport::{KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, RateLimiter};

/// Timeouts of the domain server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The time in which a new stream must register; 5 s by default.
    pub registration_timeout: Duration,
    /// The time in which a domain must respond to `SendMessage`; 30 s by default.
    pub call_timeout: Duration,
    /// The time that open streams have to end when the server shuts down; 1 s by default.
    pub shutdown_grace: Duration,
    /// The time without data on a connection after which a keep-alive ping is sent; 10 s by
    /// default.
    pub keepalive_interval: Duration,
    /// The time in which a keep-alive ping must be answered; 20 s by default.
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

/// The state of a registry.
pub(super) struct Shared {
    pub(super) authorizer: Box<dyn DynAuthorizer>,
    handler: Box<dyn DynHandler>,
    events: mpsc::UnboundedSender<DomainEvent>,
    config: ServerConfig,
    /// Held for single steps only, never across an await.
    pub(super) registrations: Mutex<RegistrationTable>,
    pub(super) rejection_limiter: Mutex<RateLimiter>,
    health: HealthReporter,
    pub(super) next_stream_id: AtomicU64,
    next_request_id: AtomicU64,
    /// Distinguishes request ids of this registry from those of domains.
    request_id_prefix: String,
}

impl Registry {
    /// A registry without domains.
    ///
    /// The channel of events is unbounded, so that events have the order of the changes. Events
    /// that a client can cause at will (heartbeats, rejections) are rate-limited before. Dropping
    /// the receiver is allowed.
    pub fn new(
        authorizer: impl RegistrationAuthorizer,
        handler: impl RuntimeHandler,
        events: mpsc::UnboundedSender<DomainEvent>,
    ) -> Self {
        Self::with_config(authorizer, handler, events, ServerConfig::default())
    }

    /// As [`Registry::new`], with other timeouts than the default ones.
    pub fn with_config(
        authorizer: impl RegistrationAuthorizer,
        handler: impl RuntimeHandler,
        events: mpsc::UnboundedSender<DomainEvent>,
        config: ServerConfig,
    ) -> Self {
        let shared = Shared {
            authorizer: Box::new(authorizer),
            handler: Box::new(handler),
            events,
            config,
            registrations: Mutex::default(),
            rejection_limiter: Mutex::new(RateLimiter::with_burst(Duration::from_secs(1), 5)),
            health: HealthReporter::new(),
            next_stream_id: AtomicU64::new(1),
            next_request_id: AtomicU64::new(1),
            // The standard library's only source of randomness; enough against accidents.
            request_id_prefix: format!("fulcrum-{:016x}", RandomState::new().hash_one(0)),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Sends one message to a domain and waits for its response.
    ///
    /// A failure is a response of type `error`, with a text that names the domain. The causes:
    /// the type is reserved for the runtime, the domain is not connected, it has too many
    /// unread messages (64, or 32 MiB), it disconnected meanwhile, it did not respond within
    /// `timeout`, or the message is too large (4 MiB). Dropping the future cancels the request.
    pub async fn call(
        &self,
        domain: &str,
        type_: &str,
        payload: String,
        timeout: Duration,
    ) -> MessageResponse {
        if is_reserved(type_) {
            return MessageResponse::error(format!(
                "cannot send a message of type {type_:?} to domain {:?}: the type is reserved for the runtime",
                truncate(domain)
            ));
        }
        let Some(stream) = lock(&self.shared.registrations).get(domain).cloned() else {
            return MessageResponse::error(self.not_connected(domain));
        };
        let request_id = self.next_request_id();
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
        // A type may be as long as a message; the error must not be.
        let shown = truncate(type_);
        let disconnected = |cause: &str| {
            MessageResponse::error(format!(
                "domain {domain:?} disconnected before it responded to {shown}: {cause}"
            ))
        };
        let (_guard, response) = match stream.expect_response(request_id) {
            Ok(expected) => expected,
            Err(cause) => return disconnected(&cause),
        };
        match stream.send(message) {
            Ok(()) => {}
            Err(SendError::Full) => {
                self.on_queue_full(&stream);
                return MessageResponse::error(format!(
                    "domain {domain:?} has {QUEUE} messages, or {} MiB of them, waiting to be read: it is stuck or overloaded",
                    QUEUE_BYTES >> 20
                ));
            }
            Err(SendError::Ended) => return disconnected("its stream has ended"),
        }
        match tokio::time::timeout(timeout, response).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(cause))) => disconnected(&cause),
            Ok(Err(_)) => disconnected("its stream has ended"),
            Err(_) => MessageResponse::error(format!(
                "domain {domain:?} did not respond to {shown} within {} s",
                timeout.as_secs_f64()
            )),
        }
    }

    /// Notifies a domain that it will be stopped in `deadline`, so that it can finish its
    /// current requests. False if that generation is not registered, lacks the capability
    /// `drain`, or has no capacity in its queue; then nothing is sent.
    pub fn send_drain(&self, domain: &str, generation: u64, deadline: Duration) -> bool {
        let payload = serde_json::json!({
            "deadline_ms": u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
        });
        self.notify(domain, generation, CAPABILITY_DRAIN, DRAIN, &payload)
    }

    /// Notifies a domain that one of its files that are not code has changed, such as a
    /// template. False if that generation is not registered, lacks the capability `assets`, or
    /// has no capacity in its queue; then nothing is sent.
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
        let Some(stream) = self.find_generation(domain, generation) else {
            return false;
        };
        if !stream.has_capability(capability) {
            return false;
        }
        let message = RuntimeMessage {
            r#type: type_.into(),
            payload: payload.to_string(),
            request_id: self.next_request_id(),
            success: true,
            error: String::new(),
        };
        stream.send(message).is_ok()
    }

    /// Whether a stream is registered under this name.
    pub fn is_registered(&self, domain: &str) -> bool {
        lock(&self.shared.registrations).get(domain).is_some()
    }

    /// The names of all registered domains, in alphabetical order.
    pub(crate) fn registered(&self) -> Vec<String> {
        lock(&self.shared.registrations)
            .names()
            .map(str::to_owned)
            .collect()
    }

    /// Ends the stream of a generation that has exited, if it is still registered. Pending
    /// calls of the domain fail at once.
    pub fn disconnect(&self, domain: &str, generation: u64) {
        if let Some(stream) = self.find_generation(domain, generation) {
            let cause = format!("generation {generation} has exited");
            let status = Status::aborted(cause.as_str());
            self.deregister(&stream, StreamEnd::ByServer, &cause, Some(status));
        }
    }

    /// Sets the status in `grpc.health.v1` of a domain (service `domain.NAME`), or of the whole
    /// app (service `""`) if `domain` is `None`. Initially the app is not serving, and a domain
    /// is unknown.
    pub fn set_serving(&self, domain: Option<&str>, serving: bool) {
        self.shared.health.set(domain, serving);
    }

    /// Removes a domain from `grpc.health.v1`, for one that was removed from the app.
    pub fn remove(&self, domain: &str) {
        self.shared.health.remove(domain);
    }

    /// Handles `SendMessage`.
    pub(crate) async fn send_message(&self, message: DomainMessage) -> RuntimeMessage {
        let DomainMessage {
            domain,
            r#type: type_,
            payload,
            request_id,
        } = message;
        let response = if domain.is_empty() {
            MessageResponse::error("no domain in the message: set the field `domain`")
        } else if type_.is_empty() {
            MessageResponse::error(format!(
                "the message to domain {:?} has no type",
                truncate(&domain)
            ))
        } else {
            self.call(&domain, &type_, payload, self.shared.config.call_timeout)
                .await
        };
        response.into_message(request_id)
    }

    pub(crate) fn config(&self) -> &ServerConfig {
        &self.shared.config
    }

    pub(crate) fn health(&self) -> &HealthReporter {
        &self.shared.health
    }

    pub(crate) fn handler(&self) -> &dyn DynHandler {
        &*self.shared.handler
    }

    pub(crate) fn emit(&self, event: DomainEvent) {
        // The receiver may have been dropped.
        let _ = self.shared.events.send(event);
    }

    fn find_generation(&self, domain: &str, generation: u64) -> Option<Arc<RegisteredStream>> {
        lock(&self.shared.registrations)
            .get(domain)
            .filter(|stream| stream.grant.generation == generation)
            .cloned()
    }

    fn next_request_id(&self) -> String {
        let number = self.shared.next_request_id.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.shared.request_id_prefix)
    }

    fn not_connected(&self, domain: &str) -> String {
        let domain = truncate(domain);
        let connected = self.registered();
        if connected.is_empty() {
            return format!("domain {domain:?} is not connected; no domain is connected");
        }
        format!(
            "domain {domain:?} is not connected; connected: {}",
            connected.join(", ")
        )
    }

    /// The number of a domain's pending requests.
    #[cfg(test)]
    pub(crate) fn pending_count(&self, domain: &str) -> usize {
        lock(&self.shared.registrations)
            .get(domain)
            .map_or(0, |stream| stream.pending_count())
    }
}
