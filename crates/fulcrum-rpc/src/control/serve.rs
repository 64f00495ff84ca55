//! Serves the control API on its socket.

use std::fmt;
use std::io;
use std::task::Context;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::control_server::ControlServer;
use super::service::Service;
use super::{ControlHandler, ControlListener, DESCRIPTORS};
use crate::transport::{
    Acceptor, HANDSHAKE_TIMEOUT, HandshakeError, MAX_CONTROL_MESSAGE, MAX_HEADER_LIST, MAX_STREAMS,
    await_preface, serve_until,
};

/// How long open streams have to end when the instance shuts down, the stream that asked
/// for it among them.
const GRACE: Duration = Duration::from_secs(1);

/// Why the control API can't be served.
#[derive(Debug, thiserror::Error)]
pub enum ControlServeError {
    /// The socket can't be used by the runtime.
    #[error("the control socket can't be used")]
    Listener(#[source] io::Error),
    /// The server failed.
    #[error("the control server failed")]
    Transport(#[from] tonic::transport::Error),
    /// Reflection can't be offered; the checked-in descriptors are broken.
    #[error("the checked-in descriptors can't be read; run `cargo xtask codegen`")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Why a connection isn't served.
enum ConnectionRejected {
    Uid(u32),
    PeerUnknown(io::Error),
    Handshake(HandshakeError),
}

impl fmt::Display for ConnectionRejected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uid(uid) => write!(formatter, "user {uid} may not control this instance"),
            Self::PeerUnknown(error) => write!(formatter, "its user can't be told: {error}"),
            Self::Handshake(stranger) => stranger.fmt(formatter),
        }
    }
}

/// Serves the control API, and reflection of it, until `shutdown` is cancelled and what is
/// open has ended or one second has passed. The socket's file is removed at the end.
///
/// Only processes of our own user and of root are served. Clients whose library sends the
/// socket's path as `:authority` must be told to send `localhost`.
///
/// # Errors
/// See [`ControlServeError`]. What single clients do is never one.
pub async fn serve_control(
    listener: ControlListener,
    handler: impl ControlHandler,
    shutdown: CancellationToken,
) -> Result<(), ControlServeError> {
    let (listener, _file) = listener.into_tokio().map_err(ControlServeError::Listener)?;
    let service = ControlServer::new(Service { handler })
        .max_decoding_message_size(MAX_CONTROL_MESSAGE)
        .max_encoding_message_size(MAX_CONTROL_MESSAGE);
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .build_v1()?;
    let router = Server::builder()
        .max_concurrent_streams(MAX_STREAMS)
        .http2_max_header_list_size(MAX_HEADER_LIST)
        .add_service(service)
        .add_service(reflection);

    let cut = CancellationToken::new();
    // Ends the accept loop also when this future is dropped.
    let stop = shutdown.child_token();
    let _stop_at_the_end = stop.clone().drop_guard();
    let (acceptor, incoming) = Acceptor::new("the control socket", cut.clone());
    let accept =
        move |context: &mut Context<'_>| listener.poll_accept(context).map_ok(|(stream, _)| stream);
    tokio::spawn(acceptor.run(accept, check, stop.clone()));
    serve_until(incoming, stop.clone(), cut, GRACE, |incoming| {
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

/// The folder and the file keep others out already; this holds where they don't.
fn is_allowed_uid(peer: u32, ours: u32) -> bool {
    peer == ours || peer == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_user_and_root_may_control() {
        assert!(is_allowed_uid(1000, 1000));
        assert!(is_allowed_uid(0, 1000));
        assert!(!is_allowed_uid(1001, 1000));
        assert!(!is_allowed_uid(1000, 0));
    }
}
