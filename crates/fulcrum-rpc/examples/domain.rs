//! A runtime and a domain in one process: registration by token, requests in both directions,
//! heartbeats, a drain, and the events of all that.
//!
//! `cargo run -p fulcrum-rpc --example domain`

#![expect(
    clippy::disallowed_macros,
    reason = "an example has no output module and prints to standard output"
)]

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use fulcrum_rpc::framework::framework_service_client::FrameworkServiceClient;
use fulcrum_rpc::framework::{DomainMessage, RuntimeMessage};
use fulcrum_rpc::{
    Authorizer, CAPABILITY_ASSETS, CAPABILITY_DRAIN, CAPABILITY_HEARTBEAT, CallOptions,
    DomainEvent, DomainProcess, DomainRequest, IdentitySource, Listeners, MessageResponse,
    PeerIdentity, PeerProcess, Registry, RuntimeHandler, TOKEN_METADATA, TokenPolicy,
    serve_domains,
};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Streaming};

const TOKEN: &str = "token-of-generation-1";

/// The processes that the runtime started: generation 1 of `users`.
struct Processes;

impl IdentitySource for Processes {
    fn processes(&self) -> Vec<DomainProcess> {
        vec![DomainProcess {
            domain: "users".to_owned(),
            generation: 1,
            token: TOKEN.to_owned(),
            pid: Some(std::process::id()),
        }]
    }

    fn find_peer(&self, _: SocketAddr, _: SocketAddr, _: Vec<DomainProcess>) -> PeerIdentity {
        PeerIdentity::Unknown
    }

    fn is_alive(&self, _peer: &PeerProcess) -> bool {
        true
    }

    fn stop_reason(&self, _domain: &str, _generation: u64) -> Option<String> {
        None
    }

    fn heartbeat_interval(&self, _domain: &str) -> Option<Duration> {
        Some(Duration::from_secs(5))
    }

    fn on_wrong_name(&self, process: &DomainProcess, error: &str) {
        println!("{}: {error}", process.domain);
    }
}

/// Handles the requests of domains to the runtime.
struct Database;

impl RuntimeHandler for Database {
    async fn handle(&self, request: DomainRequest) -> MessageResponse {
        match request.type_.as_str() {
            "db_find" => MessageResponse::success("db_find_response", r#"{"name":"ada"}"#),
            other => MessageResponse::unknown_type(other),
        }
    }
}

/// The stream of a domain, from its own side.
struct Domain {
    sender: mpsc::UnboundedSender<DomainMessage>,
    stream: Streaming<RuntimeMessage>,
}

impl Domain {
    async fn connect(address: String, token: &str) -> Result<Self, Box<dyn Error>> {
        let (sender, messages) = mpsc::unbounded_channel();
        let mut request = Request::new(UnboundedReceiverStream::new(messages));
        request
            .metadata_mut()
            .insert(TOKEN_METADATA, token.parse()?);
        let mut client = FrameworkServiceClient::connect(address).await?;
        let stream = client.domain_communication(request).await?.into_inner();
        Ok(Self { sender, stream })
    }

    fn send(&self, type_: &str, payload: &str, request_id: &str) -> Result<(), Box<dyn Error>> {
        self.sender.send(DomainMessage {
            domain: "users".to_owned(),
            r#type: type_.to_owned(),
            payload: payload.to_owned(),
            request_id: request_id.to_owned(),
            more: false,
        })?;
        Ok(())
    }

    async fn recv(&mut self) -> Result<RuntimeMessage, Box<dyn Error>> {
        let message = self.stream.message().await?;
        Ok(message.ok_or("the stream ended")?)
    }

    /// Registers, sends a heartbeat and a request, and responds to requests until it is drained.
    async fn run(mut self) -> Result<(), Box<dyn Error>> {
        let capabilities = [CAPABILITY_HEARTBEAT, CAPABILITY_ASSETS, CAPABILITY_DRAIN];
        let registration = json!({ "capabilities": capabilities }).to_string();
        self.send("domain_register", &registration, "1")?;
        println!("domain:  {}", self.recv().await?.payload);
        self.send("heartbeat", r#"{"seq":1,"event_loop_lag_ms":0.4}"#, "")?;
        self.send("db_find", r#"{"id":1}"#, "2")?;
        println!("domain:  found {}", self.recv().await?.payload);
        loop {
            let message = self.recv().await?;
            println!("domain:  {} {}", message.r#type, message.payload);
            match message.r#type.as_str() {
                "asset_changed" => {}
                "drain" => return Ok(()),
                "user_show_request" => {
                    let payload = r#"{"user":"ada"}"#;
                    self.send("user_show_response", payload, &message.request_id)?;
                }
                _ => {
                    let payload = r#"{"success":false,"error":"unknown request"}"#;
                    self.send("error", payload, &message.request_id)?;
                }
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (sender, mut events) = mpsc::unbounded_channel();
    let authorizer = Authorizer::new(TokenPolicy::Required, Processes);
    let registry = Registry::new(authorizer, Database, sender);
    let listeners = Listeners::bind("127.0.0.1:0", false)?;
    let address = format!("http://{}", listeners.address());
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(serve_domains(listeners, registry.clone(), shutdown.clone()));

    // A wrong token is rejected.
    let mut other = Domain::connect(address.clone(), "guess").await?;
    other.send("domain_register", "{}", "1")?;
    if let Err(error) = other.stream.message().await {
        println!("other:   {}", error.message());
    }

    let domain = Domain::connect(address, TOKEN).await?;
    let runtime = async {
        while let Some(event) = events.recv().await {
            match event {
                DomainEvent::RegistrationRejected { domain, .. } => {
                    println!("runtime: rejected a registration of {domain}");
                }
                DomainEvent::Registered {
                    domain, generation, ..
                } => println!("runtime: generation {generation} of {domain} registered"),
                DomainEvent::Heartbeat { heartbeat, .. } if heartbeat.seq > 0 => {
                    println!("runtime: heartbeat {}", heartbeat.seq);
                    request_and_drain(&registry).await;
                }
                DomainEvent::Disconnected { domain, cause, .. } => {
                    println!("runtime: {domain} disconnected ({cause})");
                    return;
                }
                DomainEvent::Heartbeat { .. } | DomainEvent::Backpressure { .. } => {}
            }
        }
    };
    let (done, ()) = tokio::join!(domain.run(), runtime);
    done?;
    shutdown.cancel();
    server.await??;
    println!("runtime: shut down");
    Ok(())
}

/// Sends two requests to the domain, reports a changed file, and drains it.
async fn request_and_drain(registry: &Registry) {
    let options = CallOptions::timeout(Duration::from_secs(5));
    for type_ in ["user_show_request", "user_sing_request"] {
        let response = registry
            .call("users", type_, r#"{"id":1}"#.to_owned(), options)
            .await;
        match response.success {
            true => println!("runtime: response {}", response.payload),
            false => println!("runtime: failure: {}", response.error),
        }
    }
    registry.send_asset_changed("users", 1, "views/user.hbs");
    registry.send_drain("users", 1, Duration::from_secs(1));
}
