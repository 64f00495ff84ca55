//! OTLP over gRPC, as a client. A request is one message in one frame, whose bytes are known
//! already.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, TE, USER_AGENT};
use axum::http::{HeaderMap, Method, Request, Uri, Version};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::config::ExportConfig;
use super::connect;
use super::forwarder::{Outgoing, Signal};
use super::request::{Answer, USER_AGENT_NAME, add_headers, gzip};

/// A connection.
pub(super) type Connection = SendRequest<Body>;

/// Flags and length in front of a message.
const PREFIX: usize = 5;

/// Connects.
///
/// # Errors
/// Why there is no connection.
pub(super) async fn open(uri: &Uri, config: &ExportConfig) -> Result<Connection, String> {
    let stream = connect::connect(uri, config.certificate.as_deref(), b"h2").await?;
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
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
    if !status.is_success() {
        return Ok(Answer::Later(format!("HTTP {}", status.as_u16())));
    }
    // A response without a message has the status in its headers.
    if response.headers().contains_key("grpc-status") {
        return Ok(judge(response.headers()));
    }
    let mut body = Body::new(response.into_body());
    loop {
        let frame = std::future::poll_fn(|context| {
            http_body::Body::poll_frame(std::pin::Pin::new(&mut body), context)
        });
        match frame.await {
            Some(Ok(frame)) => {
                if let Ok(trailers) = frame.into_trailers() {
                    return Ok(judge(&trailers));
                }
            }
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err("the response has no gRPC status".to_owned()),
        }
    }
}

fn request(uri: &Uri, config: &ExportConfig, outgoing: &Outgoing) -> Result<Request<Body>, String> {
    let target = Uri::builder()
        .scheme(uri.scheme_str().unwrap_or("http"))
        .authority(uri.authority().map_or("", |authority| authority.as_str()))
        .path_and_query(method(outgoing.signal))
        .build()
        .map_err(|error| error.to_string())?;
    let mut request = Request::builder()
        .method(Method::POST)
        .version(Version::HTTP_2)
        .uri(target)
        .header(TE, "trailers")
        .header(USER_AGENT, USER_AGENT_NAME)
        .header(CONTENT_TYPE, "application/grpc");
    if config.gzip {
        request = request.header("grpc-encoding", "gzip");
    }
    let mut request = request
        .body(Body::from(frame(&outgoing.body, config.gzip)?))
        .map_err(|error| error.to_string())?;
    add_headers(request.headers_mut(), config);
    Ok(request)
}

fn method(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    }
}

/// A message in its frame.
fn frame(message: &Bytes, compress: bool) -> Result<Bytes, String> {
    let content = match compress {
        true => gzip(message)?,
        false => message.clone(),
    };
    let length = u32::try_from(content.len()).map_err(|_| "the request is too large")?;
    let mut framed = Vec::with_capacity(PREFIX + content.len());
    framed.push(u8::from(compress));
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(&content);
    Ok(framed.into())
}

/// What a status means: <https://opentelemetry.io/docs/specs/otlp/#failures>.
fn judge(headers: &HeaderMap) -> Answer {
    let text = |name: &str| {
        let value = headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let code: i32 = text("grpc-status").parse().unwrap_or(2);
    let message = text("grpc-message");
    let reason = match message {
        "" => format!("gRPC status {code}"),
        message => format!("gRPC status {code}: {message}"),
    };
    match code {
        0 => Answer::Accepted,
        // Cancelled, deadline exceeded, resource exhausted, aborted, out of range, unavailable, data
        // loss.
        1 | 4 | 8 | 10 | 11 | 14 | 15 => Answer::Later(reason),
        _ => Answer::Rejected(reason),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_frame_has_the_length_of_its_message() {
        let framed = frame(&Bytes::from_static(b"abc"), false).expect("framed");
        assert_eq!(&framed[..], b"\0\0\0\0\x03abc");
        let compressed = frame(&Bytes::from(vec![0; 1000]), true).expect("framed");
        assert_eq!(compressed[0], 1);
        assert!(compressed.len() < 100);
    }

    #[test]
    fn only_what_may_pass_is_sent_again() {
        let judge = |code: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-status", HeaderValue::from_static(code));
            judge(&headers)
        };
        assert_eq!(judge("0"), Answer::Accepted);
        assert!(matches!(judge("14"), Answer::Later(_)));
        assert!(matches!(judge("16"), Answer::Rejected(_)));
        assert!(matches!(judge("x"), Answer::Rejected(_)));
    }
}
