//! An HTTP/1.1 GET as a check; only the status of the response counts.

use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::error::CheckError;
use super::tcp::{connect, host_port};

/// The largest head of a response, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// How much of the body is read, in bytes, so that the server can complete its response instead of
/// writing into a closed connection.
const MAX_BODY: usize = 64 * 1024;

/// How long the body is read.
const BODY_TIMEOUT: Duration = Duration::from_millis(100);

/// Sends `GET path` over a new connection. A status from 200 to 399 is a success.
///
/// # Errors
/// Any [`CheckError`].
pub async fn check_http(host: &str, port: u16, path: &str) -> Result<(), CheckError> {
    get_status(connect(host, port).await?, &host_port(host, &port), path).await
}

async fn get_status(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    address: &str,
    path: &str,
) -> Result<(), CheckError> {
    let request = Request::get(path)
        .header(HOST, address)
        .header(USER_AGENT, "fulcrum-probe")
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close")
        .body(String::new())
        .map_err(|error| CheckError::InvalidRequest {
            address: address.to_owned(),
            reason: error.to_string(),
        })?;
    let failed = |error| check_error(address, error);
    let (mut sender, connection) = http1::Builder::new()
        .title_case_headers(true)
        .max_buf_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(failed)?;
        let status = response.status().as_u16();
        // The status has decided; what happens to the body does not matter.
        let _ = timeout(BODY_TIMEOUT, drain(response.into_body())).await;
        match status {
            200..=399 => Ok(()),
            status => Err(CheckError::Status(status)),
        }
    };
    let io = async {
        // Its error reaches the exchange, too.
        let _ = connection.await;
        pending().await
    };
    tokio::select! {
        result = exchange => result,
        () = io => Ok(()),
    }
}

async fn drain(mut body: Incoming) {
    let mut read = 0;
    while read < MAX_BODY
        && let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
    {
        read += frame.data_ref().map_or(0, |data| data.len());
    }
}

fn check_error(address: &str, error: hyper::Error) -> CheckError {
    let address = address.to_owned();
    if error.is_parse() {
        CheckError::NotHttp { address }
    } else if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        CheckError::Closed { address }
    } else {
        CheckError::Transport {
            address,
            source: Box::new(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// The result of a check that gets this response, and the request.
    async fn check_response(response: &[u8]) -> (Result<(), String>, String) {
        let (client, mut server) = tokio::io::duplex(1024);
        let response = response.to_vec();
        let serve = async move {
            let mut request = [0; 512];
            let length = server.read(&mut request).await.expect("a request");
            // The client may have read enough.
            let _ = server.write_all(&response).await;
            String::from_utf8_lossy(&request[..length]).into_owned()
        };
        let check = get_status(client, "127.0.0.1:3000", "/up");
        let (result, request) = tokio::join!(check, serve);
        (result.map_err(|error| error.to_string()), request)
    }

    #[tokio::test]
    async fn the_status_decides() {
        let (result, request) = check_response(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!(result, Ok(()));
        assert!(
            request.starts_with("GET /up HTTP/1.1\r\nHost: 127.0.0.1:3000\r\n"),
            "{request}"
        );
        assert!(request.contains("\r\nConnection: close\r\n"), "{request}");
        assert_eq!(check_response(b"HTTP/1.0 302\r\n\r\n").await.0, Ok(()));
        for (response, text) in [
            (&b"HTTP/1.1 503 Busy\r\n\r\n"[..], "http 503"),
            (b"HTTP/1.1 404 Not Found\n\n", "http 404"),
            (
                b"",
                "http 127.0.0.1:3000: connection closed without a response",
            ),
            (
                b"SSH-2.0-OpenSSH\r\n",
                "http 127.0.0.1:3000: not an HTTP response",
            ),
            (
                b"HTTP/1.1 2\xff0\n",
                "http 127.0.0.1:3000: not an HTTP response",
            ),
        ] {
            assert_eq!(check_response(response).await.0, Err(text.to_owned()));
        }
    }

    #[tokio::test]
    async fn an_endless_response_is_not_read_to_its_end() {
        let flood = vec![b'x'; 1 << 20];
        assert!(check_response(&flood).await.0.is_err());
        let mut body = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        body.extend(&flood);
        assert_eq!(check_response(&body).await.0, Ok(()));
        let mut header = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
        header.extend(&flood);
        assert_eq!(
            check_response(&header).await.0,
            Err("http 127.0.0.1:3000: not an HTTP response".to_owned())
        );
    }

    #[tokio::test]
    async fn a_path_that_is_no_request_target_is_an_error() {
        let (client, _server) = tokio::io::duplex(1024);
        let result = get_status(client, "127.0.0.1:3000", "/a b").await;
        assert!(matches!(result, Err(CheckError::InvalidRequest { .. })));
    }
}
