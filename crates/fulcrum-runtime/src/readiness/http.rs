//! An HTTP/1.1 GET of which only the status matters.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// A status line is no longer than this.
const MAX_STATUS_LINE: usize = 4096;

/// How much of the rest is read, and for how long, so that the server can finish its answer
/// instead of writing into a closed connection.
const BODY_LIMIT: (usize, Duration) = (64 * 1024, Duration::from_millis(100));

/// Asks over a fresh connection. Good is a status from 200 to 399.
pub(crate) async fn http_get_status(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    authority: &str,
    path: &str,
) -> Result<(), String> {
    let broken = |error: std::io::Error| format!("http {authority}: {error}");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: fulcrum-probe\r\n\
         Accept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(broken)?;
    let mut head = Vec::with_capacity(512);
    loop {
        if let Some(end) = head.iter().position(|byte| *byte == b'\n') {
            head.truncate(end);
            break;
        }
        if head.len() >= MAX_STATUS_LINE {
            return Err(format!("http {authority}: the answer is no HTTP"));
        }
        if stream.read_buf(&mut head).await.map_err(broken)? == 0 {
            return Err(format!(
                "http {authority}: closed the connection without an answer"
            ));
        }
    }
    let status = status(&head).ok_or_else(|| format!("http {authority}: the answer is no HTTP"))?;
    let mut rest = stream.take(BODY_LIMIT.0 as u64);
    let _ = timeout(
        BODY_LIMIT.1,
        tokio::io::copy(&mut rest, &mut tokio::io::sink()),
    )
    .await;
    match status {
        200..=399 => Ok(()),
        other => Err(format!("http {other}")),
    }
}

/// The number in `HTTP/1.1 200 OK`.
fn status(line: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.strip_prefix("HTTP/1.")?.split_ascii_whitespace();
    words.next()?;
    let code = words.next().filter(|code| code.len() == 3)?;
    code.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of an answer, and what was asked.
    async fn answered(answer: &[u8]) -> (Result<(), String>, String) {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let answer = answer.to_vec();
        let server = tokio::spawn(async move {
            let mut asked = [0; 512];
            let length = theirs.read(&mut asked).await.expect("a request");
            // The asker may have heard enough.
            let _ = theirs.write_all(&answer).await;
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        let result = http_get_status(ours, "127.0.0.1:3000", "/up").await;
        (result, server.await.expect("the server ends"))
    }

    #[tokio::test]
    async fn the_status_decides() {
        let (good, asked) = answered(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!(good, Ok(()));
        assert!(asked.starts_with("GET /up HTTP/1.1\r\nHost: 127.0.0.1:3000\r\n"));
        assert_eq!(answered(b"HTTP/1.0 302\r\n\r\n").await.0, Ok(()));
        for (answer, told) in [
            (&b"HTTP/1.1 503 Busy\r\n\r\n"[..], "http 503"),
            (b"HTTP/1.1 404 Not Found\n", "http 404"),
            (
                b"",
                "http 127.0.0.1:3000: closed the connection without an answer",
            ),
            (
                b"SSH-2.0-OpenSSH\r\n",
                "http 127.0.0.1:3000: the answer is no HTTP",
            ),
            (
                b"HTTP/1.1 2\xff0\n",
                "http 127.0.0.1:3000: the answer is no HTTP",
            ),
        ] {
            assert_eq!(answered(answer).await.0, Err(told.to_owned()));
        }
    }

    #[tokio::test]
    async fn an_endless_answer_is_not_read_to_its_end() {
        let flood = vec![b'x'; 1 << 20];
        assert!(answered(&flood).await.0.is_err());
        let mut body = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        body.extend(&flood);
        assert_eq!(answered(&body).await.0, Ok(()));
    }
}
