//! Unary calls by the Connect protocol: the message is the body, and a failure is an HTTP status.
//! <https://connectrpc.com/docs/protocol/#unary-request>

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Body as _;
use http_body_util::Full;
use prost::Message;
use tokio::time::Instant;
use tokio_util::bytes::Bytes;
use tonic::Status;
use tonic::body::Body;

use super::connect_error::error_response;
use super::message_json;
use super::request_kind::Codec;
use crate::domain::call_observer::{Caller, Origin, TraceHeaders};
use crate::domain::caller_deadline::CallerDeadline;
use crate::domain::calls::CallerTerms;
use crate::domain::capabilities::WAIT_METADATA;
use crate::domain::connection_activity::PeerInfo;
use crate::domain::inbound::{Encoding, MAX_READ, Reader};
use crate::domain::registry::Registry;
use crate::framework::DomainMessage;
use crate::transport::ConnectionState;

/// Handles one request.
pub(super) async fn respond(
    registry: Registry,
    codec: Codec,
    request: Request<Body>,
) -> Response<Body> {
    let timeout = match timeout_of(request.headers()) {
        Ok(timeout) => timeout,
        Err(status) => return error_response(&status),
    };
    let deadline = timeout.map(|timeout| CallerDeadline {
        at: Instant::now() + timeout,
        timeout,
    });
    let responding = send(registry, codec, request, deadline);
    let result = match deadline {
        // The call ends by itself then, and its failure says what it waited for.
        Some(CallerDeadline { at, timeout }) => {
            let limit = at + Duration::from_millis(1);
            tokio::time::timeout_at(limit, responding)
                .await
                .unwrap_or_else(|_| {
                    let text = format!("no complete request within {} s", timeout.as_secs_f64());
                    Err(Status::deadline_exceeded(text))
                })
        }
        None => responding.await,
    };
    result.unwrap_or_else(|status| error_response(&status))
}

async fn send(
    registry: Registry,
    codec: Codec,
    request: Request<Body>,
    deadline: Option<CallerDeadline>,
) -> Result<Response<Body>, Status> {
    let (head, body) = request.into_parts();
    let wait = head.headers.get(WAIT_METADATA);
    let terms = CallerTerms {
        deadline,
        wait: wait.is_none_or(|wait| wait.as_bytes() != b"false"),
        since: None,
    };
    let content = read(body, &head.headers, registry.config().max_message).await?;
    let message = match codec {
        Codec::Json => message_json::decode(&content).map_err(Status::invalid_argument)?,
        Codec::Proto => DomainMessage::decode(&content[..])
            .map_err(|error| Status::invalid_argument(format!("cannot be decoded: {error}")))?,
    };
    drop(content);
    let caller = Caller {
        origin: Origin::Web,
        trace: TraceHeaders::of(&head.headers),
    };
    let response = registry
        .send_message(message, None, (terms, caller))
        .await?;
    let body = match codec {
        Codec::Json => message_json::encode(&response),
        Codec::Proto => response.encode_to_vec(),
    };
    let connection = head.extensions.get::<(PeerInfo, Arc<ConnectionState>)>();
    if let Some((_, connection)) = connection {
        // Buffered until it is sent, and the caller may never read it.
        connection.hold(body.len());
    }
    let mut response = Response::new(Body::new(Full::<Bytes>::new(body.into())));
    let content_type = HeaderValue::from_static(codec.content_type());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    Ok(response)
}

/// The time limit of the caller, and whether the request is of this version of the protocol.
fn timeout_of(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    if let Some(version) = headers.get("connect-protocol-version")
        && version.as_bytes() != b"1"
    {
        return Err(Status::invalid_argument(
            "connect-protocol-version must be 1",
        ));
    }
    let Some(text) = headers.get("connect-timeout-ms") else {
        return Ok(None);
    };
    let text = text.to_str().unwrap_or_default();
    let is_number =
        !text.is_empty() && text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit());
    let millis = text.parse().ok().filter(|_| is_number);
    let millis = millis.ok_or_else(|| {
        Status::invalid_argument("connect-timeout-ms must be a number of at most 10 digits")
    })?;
    Ok(Some(Duration::from_millis(millis)))
}

/// Reads a message of at most `limit` bytes, after decompression.
async fn read(mut body: Body, headers: &HeaderMap, limit: usize) -> Result<Vec<u8>, Status> {
    let encoding = headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
    let encoding = Encoding::parse(encoding);
    let mut reader = match &encoding {
        Encoding::Identity => Reader::plain(0, limit),
        Encoding::Unknown(name) => {
            return Err(Status::unimplemented(format!(
                "content-encoding {name:?} is not supported: use gzip, zstd, deflate or identity"
            )));
        }
        known => Reader::compressed(known, limit)
            .ok_or_else(|| Status::internal("cannot decompress the message"))?,
    };
    let mut received = 0_usize;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        received += data.len();
        if received > limit.saturating_mul(MAX_READ) {
            return Err(too_large(&format!("more than {received}"), limit));
        }
        reader.write(&data).map_err(|error| undecodable(&error))?;
    }
    let collector = reader.finish().map_err(|error| undecodable(&error))?;
    if let Some((size, _)) = collector.oversized() {
        return Err(too_large(&size.to_string(), limit));
    }
    Ok(collector.content().to_vec())
}

fn too_large(size: &str, limit: usize) -> Status {
    Status::resource_exhausted(format!(
        "the message has {size} bytes, and the limit is {limit} bytes (runtime.grpc.max_message)"
    ))
}

fn undecodable(error: &io::Error) -> Status {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Status::resource_exhausted(format!("the message: {error}")),
        _ => Status::invalid_argument(format!("the message cannot be decompressed: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeout(name: &'static str, value: &'static str) -> Result<Option<Duration>, tonic::Code> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        timeout_of(&headers).map_err(|status| status.code())
    }

    #[test]
    fn the_timeout_is_a_number_of_milliseconds() {
        assert_eq!(timeout_of(&HeaderMap::new()).expect("none"), None);
        assert_eq!(
            timeout("connect-timeout-ms", "250"),
            Ok(Some(Duration::from_millis(250)))
        );
        assert_eq!(timeout("connect-protocol-version", "1"), Ok(None));
        let invalid = Err(tonic::Code::InvalidArgument);
        for text in ["", "-1", "1.5", "12345678901", "+1"] {
            assert_eq!(timeout("connect-timeout-ms", text), invalid, "{text}");
        }
        assert_eq!(timeout("connect-protocol-version", "2"), invalid);
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_with_its_size() {
        let headers = HeaderMap::new();
        let body = || Body::new("x".repeat(100));
        let content = read(body(), &headers, 100).await.expect("it fits");
        assert_eq!(content.len(), 100);
        let status = read(body(), &headers, 99).await.expect_err("too large");
        assert_eq!(status.code(), tonic::Code::ResourceExhausted);
        assert!(status.message().contains("100 bytes"), "{status}");
        let status = read(body(), &headers, 10).await.expect_err("too large");
        assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    }
}
