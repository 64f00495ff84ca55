//! OTLP over HTTP/1.1 with protobuf, as a client.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT};
use axum::http::{Method, Request, StatusCode, Uri};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;

use super::config::ExportConfig;
use super::connect;
use super::forwarder::{Outgoing, Signal};
use super::request::{Answer, USER_AGENT_NAME, add_headers, gzip};

/// A connection for one request after the other.
pub(super) type Connection = SendRequest<Body>;

/// Connects.
///
/// # Errors
/// Why there is no connection.
pub(super) async fn open(uri: &Uri, config: &ExportConfig) -> Result<Connection, String> {
    let stream = connect::connect(uri, config.certificate.as_deref(), b"http/1.1").await?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    // It ends with the sender.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// Sends a request.
///
/// # Errors
/// Why there is no answer.
pub(super) async fn send(
    connection: &mut Connection,
    uri: &Uri,
    config: &ExportConfig,
    outgoing: &Outgoing,
) -> Result<Answer, String> {
    connection
        .ready()
        .await
        .map_err(|error| error.to_string())?;
    let request = request(uri, config, outgoing)?;
    let response = connection.send_request(request).await;
    let response = response.map_err(|error| error.to_string())?;
    let status = response.status();
    // Read to its end, so that the connection can be used again.
    let body = axum::body::to_bytes(Body::new(response.into_body()), 64 * 1024).await;
    body.map_err(|error| error.to_string())?;
    Ok(judge(status))
}

fn request(uri: &Uri, config: &ExportConfig, outgoing: &Outgoing) -> Result<Request<Body>, String> {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(path(uri, outgoing.signal))
        .header(HOST, authority)
        .header(USER_AGENT, USER_AGENT_NAME)
        .header(CONTENT_TYPE, "application/x-protobuf");
    let body: Bytes = match config.gzip {
        true => {
            request = request.header(CONTENT_ENCODING, "gzip");
            gzip(&outgoing.body)?
        }
        false => outgoing.body.clone(),
    };
    let mut request = request
        .body(Body::from(body))
        .map_err(|error| error.to_string())?;
    add_headers(request.headers_mut(), config);
    Ok(request)
}

/// The path of a signal below that of the endpoint.
fn path(uri: &Uri, signal: Signal) -> String {
    let base = uri.path().trim_end_matches('/');
    let name = match signal {
        Signal::Traces => "traces",
        Signal::Metrics => "metrics",
        Signal::Logs => "logs",
    };
    format!("{base}/v1/{name}")
}

/// What a status means: <https://opentelemetry.io/docs/specs/otlp/#otlphttp-response>.
fn judge(status: StatusCode) -> Answer {
    match status.as_u16() {
        200..300 => Answer::Accepted,
        429 | 502 | 503 | 504 => Answer::Later(format!("HTTP {}", status.as_u16())),
        other => Answer::Rejected(format!("HTTP {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_paths_below_that_of_the_endpoint() {
        let path = |uri: &'static str| path(&Uri::from_static(uri), Signal::Traces);
        assert_eq!(path("http://collector:4318"), "/v1/traces");
        assert_eq!(path("https://collector/otlp/"), "/otlp/v1/traces");
    }

    #[test]
    fn only_what_may_pass_is_sent_again() {
        let judge = |status| judge(StatusCode::from_u16(status).expect("a status"));
        assert_eq!(judge(200), Answer::Accepted);
        for later in [429, 502, 503, 504] {
            assert!(matches!(judge(later), Answer::Later(_)), "{later}");
        }
        for never in [301, 400, 401, 404, 413, 500] {
            assert!(matches!(judge(never), Answer::Rejected(_)), "{never}");
        }
    }
}
