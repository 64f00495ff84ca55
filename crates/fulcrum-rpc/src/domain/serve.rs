//! Serves the domain protocol on TCP.

use std::io;
use std::sync::Arc;
use std::task::Context;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tower::util::MapResponseLayer;

use super::caller_deadline::CallerDeadlineLayer;
use super::connection_activity::MonitoredStream;
use super::inbound::InboundLayer;
use super::listeners::Listeners;
use super::registry::Registry;
use super::service::Service;
use super::web::WebLayer;
use crate::framework;
use crate::framework::framework_service_server::FrameworkServiceServer;
use crate::health;
use crate::health::health_server::HealthServer;
use crate::transport::{
    Acceptor, HANDSHAKE_TIMEOUT, HandshakeError, MAX_HEADER_LIST, MAX_STREAMS, MonitoredConnection,
    await_preface, may_be_call, refuse_http1, serve_until,
};

/// How many bytes of a stream may be on their way. All streams of a connection may be held back at
/// that without holding back another one: a call waits until there is room for it.
///
/// Each call that waits for room occupies as much, 62 MiB for a thousand. With half of it, responses
/// of 10 KiB to 64 callers are a quarter slower, since those of a domain all come on one stream.
const STREAM_WINDOW: u32 = 64 * 1024;

/// Why serving the domain protocol failed.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The tokio runtime cannot use the listeners.
    #[error("cannot use the listeners of {address}")]
    Listeners {
        /// Their address.
        address: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The server failed.
    #[error("the gRPC server failed")]
    Transport(#[from] tonic::transport::Error),
    /// The checked-in descriptors for reflection are invalid.
    #[error("cannot read the checked-in descriptors: run `cargo xtask codegen`")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Serves domains and their callers, `grpc.health.v1` and reflection, until `shutdown` is
/// canceled. Callers may use gRPC, gRPC-Web and Connect.
///
/// Then all streams end with a status, and connections that are still open after
/// [`ServerConfig::shutdown_grace`](super::registry::ServerConfig::shutdown_grace) are cut. So
/// this future ends within about twice that time. The registry cannot be served again.
///
/// # Errors
/// See [`ServeError`]. A failure of a single client is not an error.
pub async fn serve_domains(
    listeners: Listeners,
    registry: Registry,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listeners.address();
    let listeners = listeners
        .into_tokio()
        .map_err(|source| ServeError::Listeners { address, source })?;
    let max_message = registry.config().max_message;
    let service = FrameworkServiceServer::new(Service {
        registry: registry.clone(),
    })
    .accept_compressed(CompressionEncoding::Gzip)
    .accept_compressed(CompressionEncoding::Deflate)
    .accept_compressed(CompressionEncoding::Zstd)
    .max_decoding_message_size(max_message)
    .max_encoding_message_size(max_message);
    let health_service = HealthServer::new(registry.health().service())
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Deflate)
        .accept_compressed(CompressionEncoding::Zstd);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(framework::DESCRIPTORS)
            .register_encoded_file_descriptor_set(health::DESCRIPTORS)
    };
    let router = Server::builder()
        .http2_keepalive_interval(Some(registry.config().keepalive_interval))
        .http2_keepalive_timeout(Some(registry.config().keepalive_timeout))
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(STREAM_WINDOW * MAX_STREAMS)
        .http2_max_header_list_size(MAX_HEADER_LIST)
        .accept_http1(true)
        .layer(WebLayer::new(registry.clone()))
        .layer(MapResponseLayer::new(map_status_codes))
        .layer(CallerDeadlineLayer)
        .layer(InboundLayer::new(registry.clone()))
        .add_service(service)
        .add_service(health_service)
        .add_service(
            reflection()
                .build_v1()?
                .accept_compressed(CompressionEncoding::Gzip)
                .accept_compressed(CompressionEncoding::Deflate)
                .accept_compressed(CompressionEncoding::Zstd),
        )
        .add_service(
            reflection()
                .build_v1alpha()?
                .accept_compressed(CompressionEncoding::Gzip)
                .accept_compressed(CompressionEncoding::Deflate)
                .accept_compressed(CompressionEncoding::Zstd),
        );

    let cut = CancellationToken::new();
    // The accept loops also end when this future is dropped.
    let stop = shutdown.child_token();
    let _stop_on_drop = stop.clone().drop_guard();
    let incoming = accept_all(listeners, &registry, cut.clone(), &stop);
    let grace = registry.config().shutdown_grace;
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

/// Starts an accept loop for each listener, until `stop` is canceled.
fn accept_all(
    listeners: Vec<TcpListener>,
    registry: &Registry,
    cut: CancellationToken,
    stop: &CancellationToken,
) -> mpsc::Receiver<MonitoredConnection<MonitoredStream>> {
    let (acceptor, incoming) = Acceptor::new("the gRPC port", cut);
    registry.set_connection_table(acceptor.table());
    for listener in listeners {
        let accept = move |context: &mut Context<'_>| {
            let accepted = listener.poll_accept(context);
            accepted.map_ok(|(stream, _)| MonitoredStream::new(stream))
        };
        let check = |mut stream: MonitoredStream| async move {
            stream.set_nodelay();
            match await_preface(&mut stream, HANDSHAKE_TIMEOUT).await {
                Ok(preface) => Ok((stream, preface)),
                Err(HandshakeError::Http1 { read }) if may_be_call(&read) => Ok((stream, read)),
                Err(error) => {
                    if matches!(error, HandshakeError::Http1 { .. }) {
                        refuse_http1(&mut stream).await;
                    }
                    Err(error)
                }
            }
        };
        tokio::spawn(Arc::clone(&acceptor).run(accept, check, stop.clone()));
    }
    incoming
}

/// Replaces two status codes of tonic by those of gRPC. tonic reports a message that is too large
/// as OUT_OF_RANGE instead of RESOURCE_EXHAUSTED, and a message that cannot be decoded as INTERNAL
/// instead of INVALID_ARGUMENT.
fn map_status_codes(mut response: http::Response<Body>) -> http::Response<Body> {
    const STATUS: &str = "grpc-status";
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .map_or(&b""[..], |value| value.as_bytes())
    };
    let is_decode_error = header("grpc-message")
        .windows(DECODE_ERROR_MARKER.len())
        .any(|bytes| bytes == DECODE_ERROR_MARKER);
    let code = match header(STATUS) {
        b"11" => "8",
        b"13" if is_decode_error => "3",
        _ => return response,
    };
    let code = http::HeaderValue::from_static(code);
    response.headers_mut().insert(STATUS, code);
    response
}

/// Text in tonic's error for a message that cannot be decoded.
const DECODE_ERROR_MARKER: &[u8] = b"decode";
