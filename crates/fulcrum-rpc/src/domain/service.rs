//! The gRPC service of the registry.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use prost::Message;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::call_observer::{Caller, Origin, TraceHeaders};
use super::caller_deadline::CallerDeadline;
use super::calls::CallerTerms;
use super::capabilities::{TOKEN_METADATA, WAIT_METADATA};
use super::connection_activity::{ConnectionActivity, PeerInfo};
use super::inbound::{Admission, SharedAdmission};
use super::lock::lock;
use super::registered_stream::{Outbound, outbound};
use super::registry::Registry;
use super::stream::{StreamContext, drive};
use crate::framework::framework_service_server::FrameworkService;
use crate::framework::{DomainMessage, RuntimeMessage};
use crate::transport::ConnectionState;

/// The messages of a response in parts.
type Responses = Pin<Box<dyn Stream<Item = Result<RuntimeMessage, Status>> + Send>>;

/// What clients of gRPC-Web send.
const WEB_METADATA: &str = "x-grpc-web";

/// `FrameworkService` over a registry.
pub(crate) struct Service {
    pub(crate) registry: Registry,
}

#[async_trait]
impl FrameworkService for Service {
    type DomainCommunicationStream = Outbound;

    /// Returns the response stream at once, since clients may wait for its headers before they
    /// send. A rejection is its final status.
    async fn domain_communication(
        &self,
        request: Request<Streaming<DomainMessage>>,
    ) -> Result<Response<Outbound>, Status> {
        let context = stream_context(&request);
        let (sender, outbound) = outbound();
        tokio::spawn(drive(
            self.registry.clone(),
            context,
            request.into_inner(),
            sender,
        ));
        Ok(Response::new(outbound))
    }

    type SendMessageStreamStream = Responses;

    async fn send_message_stream(
        &self,
        request: Request<DomainMessage>,
    ) -> Result<Response<Responses>, Status> {
        let mut terms = caller_terms(&request);
        let caller = caller(&request);
        let connection = connection_info(&request).map(|(_, state)| Arc::clone(state));
        let admission = take_admission(&request);
        terms.since = admission.since;
        if let Some((failure, request_id)) = admission.refused {
            let message = failure.into_response(terms)?.into_message(request_id);
            let responses = tokio_stream::once(Ok(message));
            return Ok(Response::new(Box::pin(responses)));
        }
        let room = admission.room;
        let DomainMessage {
            domain,
            r#type: type_,
            payload,
            request_id,
            ..
        } = request.into_inner();
        let parts =
            self.registry
                .send_message_stream(&domain, &type_, (payload, room, caller), terms);
        let responses = parts.map(move |part| {
            let message = part?.into_message(request_id.clone());
            if let Some(connection) = &connection {
                // Buffered until it is sent. Only what the caller has room for is taken.
                connection.hold(message.encoded_len());
            }
            Ok(message)
        });
        Ok(Response::new(Box::pin(responses)))
    }

    async fn send_message(
        &self,
        request: Request<DomainMessage>,
    ) -> Result<Response<RuntimeMessage>, Status> {
        let connection = connection_info(&request).map(|(_, state)| Arc::clone(state));
        let mut terms = caller_terms(&request);
        let caller = caller(&request);
        let admission = take_admission(&request);
        terms.since = admission.since;
        let response = match admission.refused {
            Some((failure, request_id)) => failure.into_response(terms)?.into_message(request_id),
            None => {
                let message = request.into_inner();
                let terms = (terms, caller);
                let sending = self.registry.send_message(message, admission.room, terms);
                sending.await?
            }
        };
        if let Some(connection) = connection {
            // Buffered until it is sent, and the caller may never read it.
            connection.hold(response.encoded_len());
        }
        Ok(Response::new(response))
    }
}

/// How the caller wants to be served.
fn caller_terms<T>(request: &Request<T>) -> CallerTerms {
    let wait = request.metadata().get(WAIT_METADATA);
    CallerTerms {
        deadline: request.extensions().get::<CallerDeadline>().copied(),
        wait: wait.is_none_or(|wait| wait.as_bytes() != b"false"),
        since: None,
    }
}

/// Who calls, and in which trace.
fn caller<T>(request: &Request<T>) -> Caller {
    let domain = connection_info(request).and_then(|(_, state)| state.domain());
    Caller {
        origin: match domain {
            Some(domain) => Origin::Domain(domain),
            None if request.metadata().contains_key(WEB_METADATA) => Origin::Web,
            None => Origin::External,
        },
        trace: TraceHeaders::of(request.metadata().as_ref()),
    }
}

/// What came of the call while its message was received.
fn take_admission<T>(request: &Request<T>) -> Admission {
    let admission = request.extensions().get::<SharedAdmission>();
    admission.map_or_else(Admission::default, |shared| {
        std::mem::take(&mut *lock(shared))
    })
}

fn connection_info<T>(request: &Request<T>) -> Option<&(PeerInfo, Arc<ConnectionState>)> {
    request.extensions().get()
}

fn stream_context<T>(request: &Request<T>) -> StreamContext {
    const UNKNOWN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    let connection = connection_info(request);
    let peer = connection.map(|(peer, _)| peer);
    let info = peer.map(|peer| &peer.tcp);
    // A token that is not text is a wrong one, not a missing one.
    let token = request.metadata().get(TOKEN_METADATA);
    StreamContext {
        token: token.map(|token| token.to_str().unwrap_or_default().to_owned()),
        local: info.and_then(|info| info.local_addr()).unwrap_or(UNKNOWN),
        peer: info.and_then(|info| info.remote_addr()).unwrap_or(UNKNOWN),
        activity: peer.map_or_else(ConnectionActivity::new, |peer| peer.activity.clone()),
        connection: connection.map(|(_, state)| Arc::clone(state)),
    }
}
