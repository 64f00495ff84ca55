//! Reads the first bytes of a connection within a time limit: the HTTP/2 preface, or where it is
//! served the method of an HTTP/1 request.
//!
//! hyper waits for them without limit, and reports anything else as a protocol error. Here they
//! are read before hyper receives the connection, so that another protocol costs a few bytes and
//! is named.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::accept::Rejection;

/// The first bytes of every HTTP/2 client (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Why a connection was closed before its HTTP/2 preface.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("TLS handshake received, but this port serves plain text: use an insecure channel")]
    Tls,
    #[error("HTTP/1 request received, but this port serves gRPC over HTTP/2")]
    Http1 {
        /// The bytes that were read.
        read: Vec<u8>,
    },
    #[error("the received bytes are not HTTP/2")]
    NotHttp2,
    #[error("closed by the peer without sending data")]
    NoData,
    #[error("no HTTP/2 preface within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Rejection for HandshakeError {
    fn is_harmless(&self) -> bool {
        match self {
            Self::NoData => true,
            Self::Io(error) => error.kind() == io::ErrorKind::ConnectionReset,
            Self::Tls | Self::Http1 { .. } | Self::NotHttp2 | Self::Timeout(_) => false,
        }
    }
}

/// What an HTTP/1 client is told, and how to go on.
pub(crate) const UPGRADE_SENTENCE: &str = "This port speaks gRPC over HTTP/2 without TLS (h2c), and this is another HTTP/1 request than a POST to /framework.FrameworkService/SendMessage by gRPC-Web or Connect. Use a gRPC client, fetch with the content type application/json, or `fulcrum domains call`.\n";

/// The time in which an HTTP/1 client must take its response.
const HTTP1_LIMIT: Duration = Duration::from_secs(1);

/// The most bytes of an HTTP/1 request that are read. A request that is not read would reset the
/// connection, and with it the response.
const HTTP1_REST: usize = 64 * 1024;

/// Tells an HTTP/1 client what this port speaks, and closes the connection.
pub(crate) async fn refuse_http1<S>(stream: &mut S)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let response = format!(
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\r\n{UPGRADE_SENTENCE}",
        UPGRADE_SENTENCE.len()
    );
    let responding = async {
        stream.write_all(response.as_bytes()).await?;
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        let mut read = 0;
        while read < HTTP1_REST {
            match stream.read(&mut rest).await? {
                0 => break,
                count => read += count,
            }
        }
        io::Result::Ok(())
    };
    // The client may be gone already, or read nothing.
    let _ = tokio::time::timeout(HTTP1_LIMIT, responding).await;
}

/// Whether these first bytes of an HTTP/1 request may be those of a call by gRPC-Web or Connect, or
/// of a browser that asks for permission.
pub(crate) fn may_be_call(read: &[u8]) -> bool {
    [&b"POST "[..], b"OPTIONS "]
        .iter()
        .any(|method| read.starts_with(method))
}

/// Reads the preface and returns it, to be put back in front of the stream.
///
/// # Errors
/// If the peer sends anything else (as soon as it is clear what), if it closes the connection,
/// if reading fails, or if `limit` passes.
pub(crate) async fn await_preface<S>(
    stream: &mut S,
    limit: Duration,
) -> Result<Vec<u8>, HandshakeError>
where
    S: AsyncRead + Unpin,
{
    let reading = async {
        let mut seen = [0; PREFACE.len()];
        let mut length = 0;
        while length < PREFACE.len() {
            let count = stream.read(&mut seen[length..]).await?;
            if count == 0 {
                return Err(if length == 0 {
                    HandshakeError::NoData
                } else {
                    HandshakeError::NotHttp2
                });
            }
            length += count;
            let seen = &seen[..length];
            if seen != &PREFACE[..length] && !is_begun_method(seen) {
                return Err(classify(seen));
            }
        }
        Ok(seen.to_vec())
    };
    tokio::time::timeout(limit, reading)
        .await
        .unwrap_or(Err(HandshakeError::Timeout(limit)))
}

const METHODS: [&[u8]; 7] = [
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"DELETE ",
    b"OPTIONS ",
    b"CONNECT ",
];

/// Whether these bytes are a part of an HTTP/1 method, which are soon followed by the rest.
fn is_begun_method(bytes: &[u8]) -> bool {
    METHODS
        .iter()
        .any(|method| bytes.len() < method.len() && method.starts_with(bytes))
}

fn classify(bytes: &[u8]) -> HandshakeError {
    if bytes.starts_with(&[0x16, 0x03]) {
        HandshakeError::Tls
    } else if METHODS.iter().any(|method| bytes.starts_with(method)) {
        HandshakeError::Http1 {
            read: bytes.to_vec(),
        }
    } else {
        HandshakeError::NotHttp2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    async fn handshake(bytes: &[u8]) -> Result<Vec<u8>, HandshakeError> {
        let (mut client, mut server) = tokio::io::duplex(64);
        client.write_all(bytes).await.expect("written");
        drop(client);
        await_preface(&mut server, LIMIT).await
    }

    #[tokio::test(start_paused = true)]
    async fn other_protocols_are_named() {
        assert_eq!(handshake(PREFACE).await.expect("HTTP/2"), PREFACE);
        assert!(matches!(
            handshake(b"\x16\x03\x01\x02\x00").await,
            Err(HandshakeError::Tls)
        ));
        assert!(matches!(
            handshake(b"GET / HTTP/1.1\r\n").await,
            Err(HandshakeError::Http1 { read }) if read == b"GET / HTTP/1.1\r\n"
        ));
        assert!(matches!(
            handshake(b"PRI * HTTP/9.9").await,
            Err(HandshakeError::NotHttp2)
        ));
        assert!(matches!(
            handshake(b"PRI").await,
            Err(HandshakeError::NotHttp2)
        ));
        assert!(matches!(handshake(b"").await, Err(HandshakeError::NoData)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_method_in_single_bytes_is_named() {
        for (request, is_call) in [("POST ", true), ("OPTIONS ", true), ("GET ", false)] {
            let (mut client, mut server) = tokio::io::duplex(1);
            let sending = tokio::spawn(async move {
                // The rest is not read.
                let _ = client.write_all(format!("{request}/").as_bytes()).await;
            });
            match await_preface(&mut server, LIMIT).await {
                Err(HandshakeError::Http1 { read }) => {
                    assert_eq!(read, request.as_bytes());
                    assert_eq!(may_be_call(&read), is_call);
                }
                other => panic!("{request}: {other:?}"),
            }
            drop(server);
            sending.await.expect("no panic");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_preface_in_single_bytes_is_accepted_within_the_limit() {
        let (mut client, mut server) = tokio::io::duplex(64);
        let sending = tokio::spawn(async move {
            for byte in PREFACE {
                if client.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        assert_eq!(
            await_preface(&mut server, LIMIT).await.expect("in 2.4 s"),
            PREFACE
        );
        sending.await.expect("no panic");

        let (mut client, mut server) = tokio::io::duplex(64);
        client.write_all(&PREFACE[..10]).await.expect("written");
        assert!(matches!(
            await_preface(&mut server, LIMIT).await,
            Err(HandshakeError::Timeout(_))
        ));
    }
}
