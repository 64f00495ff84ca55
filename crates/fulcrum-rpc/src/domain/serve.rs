//! Serves the domain protocol on TCP.

use std::io;
use std::sync::Arc;
use std::task::Context;

use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::transport::Server;
use tonic_health::pb::health_server::HealthServer;
use tower::util::MapResponseLayer;

use super::connection_activity::MonitoredStream;
use super::service::Service;
use super::{Listeners, Registry};
use crate::framework;
use crate::framework::framework_service_server::FrameworkServiceServer;
use crate::transport::{
    Acceptor, HANDSHAKE_TIMEOUT, HandshakeError, MAX_HEADER_LIST, MAX_MESSAGE, MAX_STREAMS,
    await_preface, serve_until,
};

/// Why the domain protocol can't be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listeners can't be used by the runtime.
    #[error("the listeners of {address} can't be used")]
    Listeners {
        /// What they listen on.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The server failed.
    #[error("the gRPC server failed")]
    Transport(#[from] tonic::transport::Error),
    /// Reflection can't be offered; the checked-in descriptors are broken.
    #[error("the checked-in descriptors can't be read; run `cargo xtask codegen`")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Serves domains and their callers, `grpc.health.v1` and reflection, until `shutdown` is
/// cancelled.
///
/// Then all streams are told that Fulcrum shuts down, and what hasn't ended after the
/// settings' grace is cut: this future ends within about twice that time, whatever the
/// clients do. The registry can't be served again.
///
/// # Errors
/// See [`ServeError`]. What single clients do is never one.
pub async fn serve_domains(
    listeners: Listeners,
    registry: Registry,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listeners.address();
    let listeners = listeners
        .into_tokio()
        .map_err(|source| ServeError::Listeners { address, source })?;
    let service = FrameworkServiceServer::new(Service {
        registry: registry.clone(),
    })
    .max_decoding_message_size(MAX_MESSAGE)
    .max_encoding_message_size(MAX_MESSAGE);
    let health = HealthServer::new(registry.health().service());
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(framework::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let router = Server::builder()
        .http2_keepalive_interval(Some(registry.settings().keepalive_interval))
        .http2_keepalive_timeout(Some(registry.settings().keepalive_timeout))
        .max_concurrent_streams(MAX_STREAMS)
        .http2_max_header_list_size(MAX_HEADER_LIST)
        .layer(MapResponseLayer::new(map_status_codes))
        .add_service(service)
        .add_service(health)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);

    let cut = CancellationToken::new();
    // Ends the accept loops also when this future is dropped.
    let stop = shutdown.child_token();
    let _stop_at_the_end = stop.clone().drop_guard();
    let (acceptor, incoming) = Acceptor::new("the gRPC port", cut.clone());
    for listener in listeners {
        let accept = move |context: &mut Context<'_>| {
            let accepted = listener.poll_accept(context);
            accepted.map_ok(|(stream, _)| MonitoredStream::new(stream))
        };
        let check = |mut stream: MonitoredStream| async move {
            stream.set_nodelay();
            let preface = await_preface(&mut stream, HANDSHAKE_TIMEOUT).await?;
            Ok::<_, HandshakeError>((stream, preface))
        };
        tokio::spawn(Arc::clone(&acceptor).run(accept, check, stop.clone()));
    }
    drop(acceptor);
    let grace = registry.settings().shutdown_grace;
    let stopping = {
        let stop = stop.clone();
        async move {
            stop.cancelled().await;
            registry.close();
        }
    };
    serve_until(incoming, stop, cut, grace, |incoming| {
        router.serve_with_incoming_shutdown(incoming, stopping)
    })
    .await?;
    Ok(())
}

/// Gives tonic's own refusals gRPC's codes: what is too large is OUT_OF_RANGE there, not
/// RESOURCE_EXHAUSTED, and what can't be read INTERNAL, though the client is at fault.
fn map_status_codes(mut response: http::Response<Body>) -> http::Response<Body> {
    const STATUS: &str = "grpc-status";
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .map_or(&b""[..], |value| value.as_bytes())
    };
    let unreadable = header("grpc-message")
        .windows(DECODE_ERROR_MARKER.len())
        .any(|words| words == DECODE_ERROR_MARKER);
    let better = match header(STATUS) {
        b"11" => "8",
        b"13" if unreadable => "3",
        _ => return response,
    };
    let better = http::HeaderValue::from_static(better);
    response.headers_mut().insert(STATUS, better);
    response
}

/// A word that tonic says of a message that it can't decode.
const DECODE_ERROR_MARKER: &[u8] = b"decode";
