//! A served registry on a free port, and domains that dial it.

use std::future::Future;
use std::time::Duration;

use fulcrum_rpc::framework::framework_service_client::FrameworkServiceClient;
use fulcrum_rpc::framework::{DomainMessage, RuntimeMessage};
use fulcrum_rpc::{
    DomainEvent, HeartbeatPayload, Listeners, RegistrationAuthorizer, RegistrationError,
    RegistrationGrant, RegistrationRequest, Registry, ServeError, ServerConfig,
    UnimplementedHandler, serve_domains,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

/// The time limit of a single step.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not in {LIMIT:?}"))
}

/// Accepts `users` and `orders`. The token of generation N is `token-N`.
pub(crate) struct TestAuthorizer;

impl RegistrationAuthorizer for TestAuthorizer {
    async fn authorize(
        &self,
        request: RegistrationRequest,
    ) -> Result<RegistrationGrant, RegistrationError> {
        if !["users", "orders"].contains(&request.domain.as_str()) {
            return Err(RegistrationError::PermissionDenied(format!(
                "no domain {:?}",
                request.domain
            )));
        }
        assert_ne!(request.local.port(), 0);
        assert!(request.peer.ip().is_loopback());
        let generation = match &request.token {
            None => 0,
            Some(token) => token
                .strip_prefix("token-")
                .and_then(|number| number.parse().ok())
                .ok_or_else(|| RegistrationError::Unauthenticated("the token is wrong".into()))?,
        };
        Ok(RegistrationGrant {
            generation,
            managed: request.token.is_some(),
            pid: Some(std::process::id()),
            heartbeat_interval: Some(Duration::from_secs(2)),
            stop: None,
        })
    }
}

pub(crate) struct Server {
    pub(crate) registry: Registry,
    pub(crate) address: String,
    pub(crate) events: mpsc::UnboundedReceiver<DomainEvent>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<Result<(), ServeError>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(ServerConfig::default()).await
    }

    pub(crate) async fn start_with(config: ServerConfig) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let config = ServerConfig {
            shutdown_grace: Duration::from_millis(300),
            call_timeout: Duration::from_secs(5),
            ..config
        };
        let registry = Registry::with_config(TestAuthorizer, UnimplementedHandler, sender, config);
        let listeners = Listeners::bind("127.0.0.1:0", false).expect("a free port");
        let address = listeners.address();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(serve_domains(listeners, registry.clone(), shutdown.clone()));
        Self {
            registry,
            address,
            events,
            shutdown,
            task,
        }
    }

    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Channel::from_shared(format!("http://{}", self.address)).expect("a URI");
        soon("connecting", endpoint.connect())
            .await
            .expect("connected")
    }

    pub(crate) async fn client(&self) -> FrameworkServiceClient<Channel> {
        FrameworkServiceClient::new(self.channel().await)
    }

    /// Opens a stream on a connection of its own.
    pub(crate) async fn open(&self, token: Option<&str>) -> Domain {
        let (sender, messages) = mpsc::unbounded_channel();
        let mut request = Request::new(UnboundedReceiverStream::new(messages));
        if let Some(token) = token {
            let token = token.parse().expect("ASCII");
            request
                .metadata_mut()
                .insert(fulcrum_rpc::TOKEN_METADATA, token);
        }
        // The response headers arrive before the first message.
        let opening = async { self.client().await.domain_communication(request).await };
        let receiver = soon("opening a stream", opening)
            .await
            .expect("opened")
            .into_inner();
        Domain { sender, receiver }
    }

    pub(crate) async fn join(&self, name: &str, token: Option<&str>) -> Domain {
        let mut domain = self.open(token).await;
        domain.send(
            name,
            "domain_register",
            r#"{"capabilities":["heartbeat"]}"#,
            "r1",
        );
        assert_eq!(
            domain.recv().await.expect("registered").r#type,
            "register_success"
        );
        domain
    }

    /// The next event, without the empty heartbeats of responses.
    pub(crate) async fn event(&mut self) -> DomainEvent {
        loop {
            let event = soon("an event", self.events.recv()).await;
            match event.expect("the registry exists") {
                DomainEvent::Heartbeat { heartbeat, .. }
                    if heartbeat == HeartbeatPayload::default() => {}
                event => return event,
            }
        }
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        soon("the end of the server", self.task)
            .await
            .expect("no panic")
            .expect("served");
    }
}

/// A domain with the generated client.
pub(crate) struct Domain {
    pub(crate) sender: mpsc::UnboundedSender<DomainMessage>,
    pub(crate) receiver: Streaming<RuntimeMessage>,
}

impl Domain {
    pub(crate) fn send(&self, domain: &str, type_: &str, payload: &str, request_id: &str) {
        self.sender
            .send(message(domain, type_, payload, request_id))
            .expect("the stream is open");
    }

    pub(crate) async fn recv(&mut self) -> Result<RuntimeMessage, Status> {
        let message = soon("a message", self.receiver.message()).await?;
        message.ok_or_else(|| Status::ok("the stream ended"))
    }
}

pub(crate) fn message(domain: &str, type_: &str, payload: &str, request_id: &str) -> DomainMessage {
    DomainMessage {
        domain: domain.into(),
        r#type: type_.into(),
        payload: payload.into(),
        request_id: request_id.into(),
        more: false,
    }
}
