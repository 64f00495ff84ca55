//! Serves the control API on its socket.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::handler::ControlHandler;
use super::observe::ObserveLayer;
use super::service::Service;
use super::socket::ControlListener;
use super::version::DESCRIPTORS;
use crate::generated::control::control_server::ControlServer;
use crate::transport::{
    Acceptor, HANDSHAKE_TIMEOUT, HandshakeError, MAX_CONTROL_MESSAGE, MAX_HEADER_LIST, MAX_STREAMS,
    Rejection, await_preface, serve_until,
};

/// The time that open streams have to end when the instance shuts down. The stream of the shutdown
/// request is one of them.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// Why serving the control API failed.
#[derive(Debug, thiserror::Error)]
pub enum ControlServeError {
    /// The tokio runtime cannot use the socket.
    #[error("cannot use the control socket")]
    Listener(#[source] io::Error),
    /// The server failed.
    #[error("the control server failed")]
    Transport(#[from] tonic::transport::Error),
    /// The checked-in descriptors for reflection are invalid.
    #[error("cannot read the checked-in descriptors: run `cargo xtask codegen`")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Why a connection is not served.
enum ConnectionRejected {
    Uid(u32),
    PeerUnknown(io::Error),
    Handshake(HandshakeError),
}

impl Rejection for ConnectionRejected {
    fn is_harmless(&self) -> bool {
        match self {
            Self::Handshake(error) => error.is_harmless(),
            Self::Uid(_) | Self::PeerUnknown(_) => false,
        }
    }
}

impl fmt::Display for ConnectionRejected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uid(uid) => write!(formatter, "user {uid} may not control this instance"),
            Self::PeerUnknown(error) => write!(formatter, "cannot determine its user: {error}"),
            Self::Handshake(error) => error.fmt(formatter),
        }
    }
}

/// Serves the control API, and reflection for it, until `shutdown` is canceled. Open streams then
/// have one second to end. The socket's file is removed at the end.
///
/// Only processes of the same user and of root are served. A client library that sends the
/// socket's path as `:authority` must be configured to send `localhost`.
///
/// # Errors
/// See [`ControlServeError`]. A failure of a single client is not an error.
pub async fn serve_control(
    listener: ControlListener,
    handler: impl ControlHandler,
    shutdown: CancellationToken,
) -> Result<(), ControlServeError> {
    let (listener, _file) = listener.into_tokio().map_err(ControlServeError::Listener)?;
    let handler = Arc::new(handler);
    let layer = ObserveLayer {
        handler: Arc::clone(&handler),
    };
    let service = ControlServer::new(Service { handler })
        .max_decoding_message_size(MAX_CONTROL_MESSAGE)
        .max_encoding_message_size(MAX_CONTROL_MESSAGE);
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .build_v1()?;
    let router = Server::builder()
        .max_concurrent_streams(MAX_STREAMS)
        .http2_max_header_list_size(MAX_HEADER_LIST)
        .layer(layer)
        .add_service(service)
        .add_service(reflection);

    let cut = CancellationToken::new();
    // The accept loop also ends when this future is dropped.
    let stop = shutdown.child_token();
    let _stop_on_drop = stop.clone().drop_guard();
    let (acceptor, incoming) = Acceptor::new("the control socket", cut.clone());
    let accept =
        move |context: &mut Context<'_>| listener.poll_accept(context).map_ok(|(stream, _)| stream);
    tokio::spawn(acceptor.run(accept, check, stop.clone()));
    serve_until(incoming, stop.clone(), cut, SHUTDOWN_GRACE, |incoming| {
        router.serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
    })
    .await?;
    Ok(())
}

async fn check(mut stream: UnixStream) -> Result<(UnixStream, Vec<u8>), ConnectionRejected> {
    let peer = stream
        .peer_cred()
        .map_err(ConnectionRejected::PeerUnknown)?
        .uid();
    if !is_allowed_uid(peer, rustix::process::geteuid().as_raw()) {
        return Err(ConnectionRejected::Uid(peer));
    }
    let preface = await_preface(&mut stream, HANDSHAKE_TIMEOUT)
        .await
        .map_err(ConnectionRejected::Handshake)?;
    Ok((stream, preface))
}

/// The modes of directory and socket exclude other users already; this check does so where they
/// have no effect.
fn is_allowed_uid(peer: u32, ours: u32) -> bool {
    peer == ours || peer == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_user_and_root_are_allowed() {
        assert!(is_allowed_uid(1000, 1000));
        assert!(is_allowed_uid(0, 1000));
        assert!(!is_allowed_uid(1001, 1000));
        assert!(!is_allowed_uid(1000, 0));
    }
}
