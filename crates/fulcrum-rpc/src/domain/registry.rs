//! The registered domains: requests to them, notifications, and the end of their streams.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use tokio::sync::mpsc;
use tonic::Status;

use super::authorization::{DynAuthorizer, RegistrationAuthorizer};
use super::call_observer::SharedObserver;
use super::capabilities::{CAPABILITY_ASSETS, CAPABILITY_DRAIN};
use super::event::{DomainEvent, StreamEnd};
use super::handler::{DynHandler, RuntimeHandler};
use super::health::HealthReporter;
use super::lock::lock;
use super::message::{ASSET_CHANGED, DRAIN};
use super::outlook::Outlook;
use super::registered_stream::RegisteredStream;
use super::registration_table::RegistrationTable;
use super::request_ids::RequestIds;
use super::routing::{Limits, RouteTable};
use super::topic_table::TopicTable;
use super::web_origins::WebOrigins;
use crate::framework::RuntimeMessage;
use crate::transport::{ConnectionTable, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, RateLimiter};

/// The number of calls that may wait for one domain.
const QUEUED_CALLS: usize = 10_000;

/// Timeouts and limits of the domain server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The time in which a new stream must register; 5 s by default.
    pub registration_timeout: Duration,
    /// The time in which a domain must respond to a caller of `SendMessage` that has no deadline of
    /// its own; 30 s by default.
    pub call_timeout: Duration,
    /// The size of the calls that may wait for one domain, in bytes; 32 MiB by default. Beyond it,
    /// and beyond 10,000 of them, calls fail at once.
    pub call_queue: usize,
    /// The size of a message, in bytes; 16 MiB by default. At least 1 KiB is needed besides the
    /// texts. A domain receives at most 4 MiB unless it has the capability `large_messages`.
    pub max_message: usize,
    /// The pages that may call domains from a browser; none by default.
    pub web_origins: WebOrigins,
    /// Who observes calls; nobody by default.
    pub observer: SharedObserver,
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
            call_queue: 32 * 1024 * 1024,
            max_message: 16 * 1024 * 1024,
            web_origins: WebOrigins::default(),
            observer: SharedObserver::default(),
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
    routes: RouteTable,
    topics: Mutex<TopicTable<Arc<RegisteredStream>>>,
    ids: RequestIds,
    /// The connections of the server, once it is served.
    connections: OnceLock<Weak<ConnectionTable>>,
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
        let limits = Limits {
            calls: QUEUED_CALLS,
            bytes: config.call_queue,
        };
        let shared = Shared {
            authorizer: Box::new(authorizer),
            handler: Box::new(handler),
            events,
            config,
            registrations: Mutex::default(),
            rejection_limiter: Mutex::new(RateLimiter::with_burst(Duration::from_secs(1), 5)),
            health: HealthReporter::new(),
            next_stream_id: AtomicU64::new(1),
            routes: RouteTable::new(limits),
            topics: Mutex::default(),
            ids: RequestIds::new(),
            connections: OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Begins to stop a generation in `deadline`: it gets no more calls, which wait for the next one
    /// if there will be one, and is notified, so that it can finish its current requests. One that
    /// is about to register is rejected. False if that generation is not registered, lacks the
    /// capability `drain`, or has no capacity in its queue; then it is not notified.
    pub fn send_drain(&self, domain: &str, generation: u64, deadline: Duration) -> bool {
        // In one step: a registration that was authorized a moment ago comes before or after it.
        let stream = lock(&self.shared.registrations).begin_end(domain, generation);
        if let Some(stream) = stream {
            stream.route.drain(stream.id);
        }
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

    /// Waits until a generation that is being stopped has responded to all calls that it got. At
    /// once if it is not registered.
    pub async fn wait_until_idle(&self, domain: &str, generation: u64) {
        if let Some(stream) = self.find_generation(domain, generation) {
            stream.route.wait_until_idle(stream.id).await;
        }
    }

    /// Whether a generation has responded to all calls that it got.
    pub fn is_idle(&self, domain: &str, generation: u64) -> bool {
        let stream = self.find_generation(domain, generation);
        stream.is_none_or(|stream| stream.route.in_flight(stream.id) == 0)
    }

    /// Fails the calls that a generation has not responded to, which is about to be killed because it
    /// does not respond any more. It gets no more calls.
    pub fn abandon_calls(&self, domain: &str, generation: u64, reason: &str) {
        if let Some(stream) = self.find_generation(domain, generation) {
            stream.route.abandon(stream.id, reason);
        }
    }

    /// Sets whether calls of a domain wait while no stream is registered under its name. To be
    /// called whenever that changes; [`Outlook::Unknown`] for a domain that is removed.
    pub fn set_outlook(&self, domain: &str, outlook: Outlook) {
        let mut registrations = lock(&self.shared.registrations);
        match outlook {
            Outlook::Coming(_) if registrations.is_closed() => {}
            Outlook::Unknown => {
                registrations.forget(domain);
                if let Some(route) = self.routes().get(domain) {
                    route.set_outlook(outlook);
                }
                self.routes().remove_unused(domain);
            }
            outlook => self.routes().get_or_insert(domain).set_outlook(outlook),
        }
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
            request_id: self.ids().format(self.ids().next()),
            success: true,
            ..RuntimeMessage::default()
        };
        stream.send(message).is_ok()
    }

    /// Whether a stream is registered under this name.
    pub fn is_registered(&self, domain: &str) -> bool {
        lock(&self.shared.registrations).get(domain).is_some()
    }

    /// The types of the requests that a domain handles, in alphabetical order. Empty if it is not
    /// registered, or its client does not name them.
    pub fn message_types(&self, domain: &str) -> Vec<String> {
        let registrations = lock(&self.shared.registrations);
        let stream = registrations.get(domain);
        stream.map_or_else(Vec::new, |stream| stream.types().to_vec())
    }

    /// The names of all registered domains, in alphabetical order.
    pub(crate) fn registered(&self) -> Vec<String> {
        lock(&self.shared.registrations)
            .names()
            .map(str::to_owned)
            .collect()
    }

    /// Ends the stream of a generation that has exited, if it is still registered. Its calls fail at
    /// once. What it has sent before its end is still received: the end of a process closes its
    /// connection, so this waits for that, at most `limit`.
    pub async fn disconnect(&self, domain: &str, generation: u64, limit: Duration) {
        if let Some(stream) = self.find_generation(domain, generation) {
            let _ = tokio::time::timeout(limit, stream.ended()).await;
            self.cut(domain, generation);
        }
    }

    fn cut(&self, domain: &str, generation: u64) {
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

    /// Makes a domain of the app known in `grpc.health.v1`, as not serving until it does.
    pub fn add(&self, domain: &str) {
        self.shared.health.add(domain);
    }

    /// Forgets a domain that was removed from the app: its health and its outlook.
    pub fn remove(&self, domain: &str) {
        self.shared.health.remove(domain);
        self.set_outlook(domain, Outlook::Unknown);
    }

    pub(crate) fn routes(&self) -> &RouteTable {
        &self.shared.routes
    }

    pub(crate) fn topics(&self) -> &Mutex<TopicTable<Arc<RegisteredStream>>> {
        &self.shared.topics
    }

    /// The size of calls for which no room is reserved.
    pub(crate) fn unreserved(&self) -> usize {
        self.shared.routes.limits().unreserved()
    }

    pub(super) fn connection_table(&self) -> &OnceLock<Weak<ConnectionTable>> {
        &self.shared.connections
    }

    pub(crate) fn ids(&self) -> &RequestIds {
        &self.shared.ids
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

    /// The number of a domain's calls, those that wait and those in flight.
    #[cfg(test)]
    pub(crate) fn pending_count(&self, domain: &str) -> usize {
        let stream = lock(&self.shared.registrations).get(domain).cloned();
        stream.map_or(0, |stream| {
            stream.route.in_flight(stream.id) + stream.route.waiting()
        })
    }
}
