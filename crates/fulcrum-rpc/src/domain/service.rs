//! The gRPC face of the registry.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use prost::Message;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::connection_activity::{ConnectionActivity, PeerInfo};
use super::registered_stream::{Outbound, outbound};
use super::stream::{StreamContext, drive};
use super::{Registry, TOKEN_METADATA};
use crate::framework::framework_service_server::FrameworkService;
use crate::framework::{DomainMessage, RuntimeMessage};
use crate::transport::ConnectionState;

/// `FrameworkService` over a registry.
pub(crate) struct Service {
    pub(crate) registry: Registry,
}

#[async_trait]
impl FrameworkService for Service {
    type DomainCommunicationStream = Outbound;

    /// Answers with the response stream at once, since clients may wait for its headers
    /// before they send; refusals come as its status.
    async fn domain_communication(
        &self,
        request: Request<Streaming<DomainMessage>>,
    ) -> Result<Response<Outbound>, Status> {
        let origin = stream_context(&request);
        let (sending, outbound) = outbound();
        tokio::spawn(drive(
            self.registry.clone(),
            origin,
            request.into_inner(),
            sending,
        ));
        Ok(Response::new(outbound))
    }

    async fn send_message(
        &self,
        request: Request<DomainMessage>,
    ) -> Result<Response<RuntimeMessage>, Status> {
        let guest = connection_info(&request).map(|(_, guest)| Arc::clone(guest));
        let answer = self.registry.send_message(request.into_inner()).await;
        if let Some(guest) = guest {
            // Until it goes out: its caller may never read it.
            guest.hold(answer.encoded_len());
        }
        Ok(Response::new(answer))
    }
}

fn connection_info<T>(request: &Request<T>) -> Option<&(PeerInfo, Arc<ConnectionState>)> {
    request.extensions().get()
}

fn stream_context<T>(request: &Request<T>) -> StreamContext {
    const UNKNOWN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    let place = connection_info(request);
    let peer = place.map(|(peer, _)| peer);
    let info = peer.map(|peer| &peer.tcp);
    // A token that isn't text is presented and wrong, not absent.
    let token = request.metadata().get(TOKEN_METADATA);
    StreamContext {
        token: token.map(|token| token.to_str().unwrap_or_default().to_owned()),
        local: info.and_then(|info| info.local_addr()).unwrap_or(UNKNOWN),
        peer: info.and_then(|info| info.remote_addr()).unwrap_or(UNKNOWN),
        activity: peer.map_or_else(ConnectionActivity::new, |peer| peer.activity.clone()),
        guest: place.map(|(_, guest)| Arc::clone(guest)),
    }
}
