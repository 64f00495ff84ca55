//! The interfaces of Fulcrum: the domain protocol, the control API, and their transports.
//!
//! **Domains and their callers** connect over TCP on the loopback ([`Listeners`],
//! [`serve_domains`]). Each domain process opens one stream and registers on it. A
//! [`RegistrationAuthorizer`], such as [`Authorizer`], accepts or rejects the registration.
//! [`Registry`] is the handle to the registered domains: it sends requests ([`Registry::call`])
//! and notifications ([`Registry::send_drain`]), and emits [`DomainEvent`]s. Requests of domains
//! to the runtime go to a [`RuntimeHandler`]. The services `grpc.health.v1` and server reflection
//! are on the same port; the control API is not.
//!
//! **The `fulcrum` command** connects over a Unix-domain socket ([`serve_control`],
//! [`ControlClient`]). [`control`] describes how an instance is found and stays the only one.
//!
//! # Example
//!
//! A runtime and a domain in one process:
//!
//! ```
//! use std::time::Duration;
//!
//! use fulcrum_rpc::framework::{DomainMessage, framework_service_client::FrameworkServiceClient};
//! use fulcrum_rpc::{
//!     CallOptions, Listeners, RegistrationAuthorizer, RegistrationError, RegistrationGrant,
//!     RegistrationRequest, Registry, UnimplementedHandler, serve_domains,
//! };
//! use tokio::sync::mpsc;
//! use tokio_stream::wrappers::UnboundedReceiverStream;
//! use tokio_util::sync::CancellationToken;
//!
//! /// Accepts every registration.
//! struct AcceptAll;
//!
//! impl RegistrationAuthorizer for AcceptAll {
//!     async fn authorize(
//!         &self,
//!         _: RegistrationRequest,
//!     ) -> Result<RegistrationGrant, RegistrationError> {
//!         Ok(RegistrationGrant { generation: 1, managed: true, pid: None, heartbeat_interval: None, stop: None })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The runtime.
//! let (events, _receiver) = mpsc::unbounded_channel();
//! let registry = Registry::new(AcceptAll, UnimplementedHandler, events);
//! let listeners = Listeners::bind("127.0.0.1:0", false)?;
//! let address = format!("http://{}", listeners.address());
//! let shutdown = CancellationToken::new();
//! let server = tokio::spawn(serve_domains(listeners, registry.clone(), shutdown.clone()));
//!
//! // The domain: its first message registers it.
//! let (sender, messages) = mpsc::unbounded_channel();
//! sender.send(DomainMessage {
//!     domain: "users".into(),
//!     r#type: "domain_register".into(),
//!     payload: "{}".into(),
//!     request_id: "1".into(),
//!     more: false,
//! })?;
//! let mut client = FrameworkServiceClient::connect(address).await?;
//! let stream = client.domain_communication(UnboundedReceiverStream::new(messages)).await?;
//! let mut stream = stream.into_inner();
//! let registered = stream.message().await?.ok_or("the stream ended")?;
//! assert_eq!(registered.r#type, "register_success");
//! tokio::spawn(async move {
//!     while let Ok(Some(request)) = stream.message().await {
//!         let _ = sender.send(DomainMessage {
//!             domain: "users".into(),
//!             r#type: "user_index_response".into(),
//!             payload: r#"{"users":["ada"]}"#.into(),
//!             request_id: request.request_id,
//!             more: false,
//!         });
//!     }
//! });
//!
//! // A request of the runtime to the domain.
//! let options = CallOptions::timeout(Duration::from_secs(5));
//! let response = registry.call("users", "user_index_request", "{}".into(), options).await;
//! assert!(response.success);
//! assert_eq!(response.payload, r#"{"users":["ada"]}"#);
//!
//! shutdown.cancel();
//! server.await??;
//! # Ok(())
//! # }
//! ```
//!
//! The program `examples/domain.rs` adds tokens, events, requests of the domain, and a drain.
//!
//! # Theory of operation
//!
//! 1. **Accept.** Connections are read up to the HTTP/2 preface before tonic receives them, so that
//!    other protocols cost little and are named in the log. The number of connections, the bytes
//!    buffered for them, and frames without a request are limited; beyond a limit a connection is
//!    closed, but never one of a managed process. Each connection can be cut from outside, so a
//!    shutdown ends in bounded time although the streams of domains stay open.
//! 2. **Register.** The first message of a stream is its registration. The authorizer decides about
//!    it once. Then a pure function decides between the stream and the current holder of the name:
//!    the newest process that Fulcrum started wins. This decision and the emission of events
//!    are done under one short lock, so events have the order of the changes.
//! 3. **Drive.** Each registered stream has one driver task. It turns every input (a message, the
//!    end of the stream, a handled request) into one closed enum and handles it without waiting.
//! 4. **Call.** A request to a domain bypasses that task: the caller adds it to the domain's route,
//!    a state machine without I/O, and waits. The stream takes calls from the route in their order,
//!    whenever it has room for more. While the domain restarts, they wait for its next stream, and
//!    so do those that a domain has refused because it is being stopped. Dropping the call removes
//!    it; the end of a stream fails the calls that were sent on it, and no others.
//! 5. **End.** The cause of a stream's end comes from the socket, since HTTP/2 does not
//!    distinguish a closed connection, a failed one and an unanswered keep-alive ping.
//!
//! # Cancellation
//!
//! Dropping the future of [`serve_domains`] or [`serve_control`] closes the port or socket and
//! cuts its connections. Dropping an [`InstanceLock`] lets another instance start. Dropping a
//! [`ControlStream`] ends the stream on the server. A [`Registry`] is a handle: dropping one
//! has no effect.
//!
//! # Scope
//!
//! The crate does not start or stop processes, read a configuration, or print. It interprets no
//! payload except registrations, heartbeats, and the key `success` of responses.

mod domain;
mod generated;
mod transport;

mod code;
pub mod control;
pub mod framework;
pub mod health;

pub use control::{
    ConnectError, ControlClient, ControlError, ControlHandler, ControlListener, ControlServeError,
    ControlStream, FinishedRequest, InstanceLock, LockError, MessageStream, RuntimeDir,
    bind_control, create_state_dir, serve_control,
};
pub use domain::{
    Authorizer, BindError, BindErrorKind, CAPABILITY_ASSETS, CAPABILITY_CANCEL,
    CAPABILITY_DEADLINE, CAPABILITY_DRAIN, CAPABILITY_HEARTBEAT, CAPABILITY_LARGE_MESSAGES,
    CAPABILITY_SPAN_TABLES, CAPABILITY_STREAM, CAPABILITY_TRACE, CallObserver, CallOptions,
    CallOutcome, CallStream, CallTrace, ConnectionActivity, DomainEvent, DomainProcess,
    DomainRequest, FailureCode, FinishedCall, HeartbeatPayload, IdentitySource, Listeners,
    MessageResponse, Outlook, PeerIdentity, PeerProcess, PendingCalls, RegistrationAuthorizer,
    RegistrationError, RegistrationGrant, RegistrationRequest, Registry, RuntimeHandler,
    ServeError, ServerConfig, SharedObserver, StopNotice, StreamEnd, TOKEN_METADATA, TokenPolicy,
    TraceHeaders, UnimplementedHandler, WAIT_METADATA, WebOrigins, serve_domains,
};
