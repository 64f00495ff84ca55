//! The process at the other end of a connection: a domain, and its caller.

use std::io::Read;
use std::time::Duration;

use anyhow::{Context, ensure};
use fulcrum_rpc::CAPABILITY_HEARTBEAT;
use fulcrum_rpc::framework::framework_service_client::FrameworkServiceClient;
use fulcrum_rpc::framework::{DomainMessage, RuntimeMessage};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

/// Names of the paths of this process.
pub(super) const HEARTBEATS: &str = "__heartbeats";
pub(super) const CALLS: &str = "__calls";

/// A heartbeat is reported at most every 10 ms.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(11);

struct Domain {
    sender: mpsc::UnboundedSender<DomainMessage>,
    stream: Streaming<RuntimeMessage>,
}

impl Domain {
    async fn register(client: &mut FrameworkServiceClient<Channel>) -> anyhow::Result<Self> {
        let (sender, messages) = mpsc::unbounded_channel();
        let registration = format!(r#"{{"capabilities":["{CAPABILITY_HEARTBEAT}"]}}"#);
        sender.send(message("domain_register", &registration, "1"))?;
        let messages = UnboundedReceiverStream::new(messages);
        let mut stream = client.domain_communication(messages).await?.into_inner();
        let registered = stream.message().await?.context("the stream ended")?;
        ensure!(
            registered.r#type == "register_success",
            "{}",
            registered.payload
        );
        Ok(Self { sender, stream })
    }
}

/// Sends `count` heartbeats, each once the one before has been acknowledged on standard input.
pub(super) async fn heartbeats(address: &str, count: u32) -> anyhow::Result<()> {
    let mut client = FrameworkServiceClient::connect(address.to_owned()).await?;
    let domain = Domain::register(&mut client).await?;
    for seq in 1..=count {
        tokio::time::sleep(HEARTBEAT_INTERVAL).await;
        let heartbeat = format!(r#"{{"seq":{seq},"event_loop_lag_ms":0.4}}"#);
        domain.sender.send(message("heartbeat", &heartbeat, ""))?;
        tokio::task::spawn_blocking(|| std::io::stdin().read_exact(&mut [0])).await??;
    }
    Ok(())
}

/// Registers a domain and calls it `count` times on a connection of its own.
pub(super) async fn calls(address: &str, count: u32) -> anyhow::Result<()> {
    let mut client = FrameworkServiceClient::connect(address.to_owned()).await?;
    let Domain { sender, mut stream } = Domain::register(&mut client).await?;
    tokio::spawn(async move {
        while let Ok(Some(request)) = stream.message().await {
            let response = message("user_show_response", &request.payload, &request.request_id);
            if sender.send(response).is_err() {
                return;
            }
        }
    });
    let mut caller = FrameworkServiceClient::connect(address.to_owned()).await?;
    // The same texts for each count, so that each call is as long as any other.
    let payload = format!(r#"{{"text":"{:.<100}"}}"#, "");
    for _ in 0..count {
        let request = message("user_show_request", &payload, "1");
        let response = caller.send_message(request).await?.into_inner();
        ensure!(response.payload == payload, "{}", response.payload);
    }
    Ok(())
}

fn message(type_: &str, payload: &str, request_id: &str) -> DomainMessage {
    DomainMessage {
        domain: "users".to_owned(),
        r#type: type_.to_owned(),
        payload: payload.to_owned(),
        request_id: request_id.to_owned(),
        ..DomainMessage::default()
    }
}
