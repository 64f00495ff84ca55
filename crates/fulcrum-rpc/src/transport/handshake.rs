//! Sees to it that a connection speaks HTTP/2, and soon.
//!
//! hyper waits for the preface as long as the peer likes, and takes whatever else comes
//! for a protocol error deep inside. Here the first bytes are read before the connection
//! is handed on, so that a stranger costs a few bytes and a few seconds.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

/// What every HTTP/2 client sends first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Why a connection was closed before it spoke HTTP/2.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("it sent a TLS greeting; this port speaks plain text, so use an insecure channel")]
    Tls,
    #[error("it sent an HTTP/1 request; this port speaks gRPC over HTTP/2")]
    Http1,
    #[error("it sent bytes that aren't HTTP/2")]
    NotHttp2,
    #[error("it closed the connection before it said anything")]
    NoData,
    #[error("it said nothing that is HTTP/2 for {} s", .0.as_secs_f64())]
    Timeout(Duration),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads the preface and returns it, to be put back in front of the stream.
///
/// # Errors
/// Whatever comes instead, as soon as the first byte differs, or `limit` passes.
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
            if seen[..length] != PREFACE[..length] {
                return Err(classify(&seen[..length]));
            }
        }
        Ok(seen.to_vec())
    };
    tokio::time::timeout(limit, reading)
        .await
        .unwrap_or(Err(HandshakeError::Timeout(limit)))
}

fn classify(bytes: &[u8]) -> HandshakeError {
    const METHODS: [&[u8]; 7] = [
        b"GET ",
        b"POST ",
        b"PUT ",
        b"HEAD ",
        b"DELETE ",
        b"OPTIONS ",
        b"CONNECT ",
    ];
    if bytes.starts_with(&[0x16, 0x03]) {
        HandshakeError::Tls
    } else if METHODS.iter().any(|method| bytes.starts_with(method)) {
        HandshakeError::Http1
    } else {
        HandshakeError::NotHttp2
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    async fn say(bytes: &[u8]) -> Result<Vec<u8>, HandshakeError> {
        let (mut here, mut there) = tokio::io::duplex(64);
        here.write_all(bytes).await.expect("written");
        drop(here);
        await_preface(&mut there, LIMIT).await
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_are_told_apart() {
        assert_eq!(say(PREFACE).await.expect("HTTP/2"), PREFACE);
        assert!(matches!(
            say(b"\x16\x03\x01\x02\x00").await,
            Err(HandshakeError::Tls)
        ));
        assert!(matches!(
            say(b"GET / HTTP/1.1\r\n").await,
            Err(HandshakeError::Http1)
        ));
        assert!(matches!(
            say(b"PRI * HTTP/9.9").await,
            Err(HandshakeError::NotHttp2)
        ));
        assert!(matches!(say(b"PRI").await, Err(HandshakeError::NotHttp2)));
        assert!(matches!(say(b"").await, Err(HandshakeError::NoData)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_preface_in_single_bytes_passes_but_not_for_ever() {
        let (mut here, mut there) = tokio::io::duplex(64);
        let dripping = tokio::spawn(async move {
            for byte in PREFACE {
                if here.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        assert_eq!(
            await_preface(&mut there, LIMIT).await.expect("in 2.4 s"),
            PREFACE
        );
        dripping.await.expect("ended");

        let (mut here, mut there) = tokio::io::duplex(64);
        here.write_all(&PREFACE[..10]).await.expect("written");
        assert!(matches!(
            await_preface(&mut there, LIMIT).await,
            Err(HandshakeError::Timeout(_))
        ));
    }
}
