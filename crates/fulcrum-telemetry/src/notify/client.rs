//! One request to a receiver.

use std::time::Duration;

use axum::body::Body;
use axum::http::uri::Scheme;
use axum::http::{Method, Request, StatusCode, Uri, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::SendError;
use super::retry::Attempt;
use super::tls;

/// The time of one attempt.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What a request has besides the URL.
#[derive(Debug)]
pub(super) struct Delivery<'a> {
    pub(super) id: &'a str,
    /// Seconds since the epoch.
    pub(super) timestamp: u64,
    pub(super) signature: Option<String>,
    pub(super) body: String,
}

/// Sends a body to a URL, and says what that came to.
pub(super) async fn post(url: &str, delivery: Delivery<'_>) -> Attempt {
    match timeout(TIMEOUT, send(url, delivery)).await {
        Ok(Ok(attempt)) => attempt,
        Ok(Err(error)) => temporary(error.to_string()),
        Err(_) => temporary(format!("no response within {} s", TIMEOUT.as_secs())),
    }
}

fn temporary(reason: String) -> Attempt {
    let after = None;
    Attempt::Temporary { reason, after }
}

async fn send(url: &str, delivery: Delivery<'_>) -> Result<Attempt, SendError> {
    let uri: Uri = url
        .parse()
        .map_err(|error| SendError::new(format!("not a URL: {error}")))?;
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_secure = uri.scheme() == Some(&Scheme::HTTPS);
    let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.map_err(|error| SendError::new(format!("cannot connect: {error}")))?;
    let request = request(&uri, delivery)?;
    match is_secure {
        true => exchange(tls::connect(stream, host).await?, request).await,
        false => exchange(stream, request).await,
    }
}

fn request(uri: &Uri, delivery: Delivery<'_>) -> Result<Request<Body>, SendError> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, "fulcrum")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .header("webhook-id", delivery.id)
        .header("webhook-timestamp", delivery.timestamp);
    if let Some(signature) = delivery.signature {
        request = request.header("webhook-signature", signature);
    }
    let request = request.body(Body::from(delivery.body));
    request.map_err(|error| SendError::new(format!("cannot make the request: {error}")))
}

async fn exchange<S>(stream: S, request: Request<Body>) -> Result<Attempt, SendError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: hyper::Error| SendError::new(describe(&error));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    let sending = sender.send_request(request);
    tokio::pin!(sending);
    // The connection ends with this future: nothing more is sent on it.
    let response = tokio::select! {
        response = &mut sending => response,
        // It may have received the response before it ended.
        _ = connection => sending.await,
    };
    let response = response.map_err(failed)?;
    let after = response.headers().get(header::RETRY_AFTER);
    let after = after.and_then(|after| after.to_str().ok()?.parse().ok());
    Ok(judge(response.status(), after.map(Duration::from_secs)))
}

fn describe(error: &hyper::Error) -> String {
    match error.is_incomplete_message() || error.is_canceled() {
        true => "the connection was closed without a response".to_owned(),
        false => format!("no response in HTTP: {error}"),
    }
}

/// What a status means: a receiver that is overloaded or broken may work later; one that refuses the
/// request, or has moved, will do so again.
fn judge(status: StatusCode, after: Option<Duration>) -> Attempt {
    let reason = format!("HTTP {}", status.as_u16());
    match status {
        status if status.is_success() => Attempt::Delivered,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Attempt::Temporary { reason, after }
        }
        status if status.is_server_error() => Attempt::Temporary { reason, after },
        _ => Attempt::Permanent(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let is_temporary = |status: u16| {
            let status = StatusCode::from_u16(status).expect("a status");
            match judge(status, None) {
                Attempt::Delivered => None,
                Attempt::Temporary { .. } => Some(true),
                Attempt::Permanent(_) => Some(false),
            }
        };
        for accepted in [200, 202, 204] {
            assert_eq!(is_temporary(accepted), None);
        }
        for later in [408, 429, 500, 502, 503, 504] {
            assert_eq!(is_temporary(later), Some(true), "{later}");
        }
        for never in [301, 302, 400, 401, 403, 404, 410] {
            assert_eq!(is_temporary(never), Some(false), "{never}");
        }
    }
}
