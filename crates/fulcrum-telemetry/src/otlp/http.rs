//! OTLP over HTTP: a POST to `/v1/traces`, `/v1/metrics` or `/v1/logs`, in protobuf or JSON.

use std::io::Read;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::limits::MAX_REQUEST;
use crate::telemetry::Telemetry;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// The routes.
pub(super) fn routes(telemetry: &Telemetry) -> Router {
    Router::new()
        .route("/v1/traces", post(traces))
        .route("/v1/metrics", post(metrics))
        .route("/v1/logs", post(logs))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .with_state(telemetry.clone())
}

async fn traces(State(telemetry): State<Telemetry>, headers: HeaderMap, body: Bytes) -> Response {
    handle(&headers, &body, |request| telemetry.receive_traces(request))
}

async fn metrics(State(telemetry): State<Telemetry>, headers: HeaderMap, body: Bytes) -> Response {
    handle(&headers, &body, |request| {
        telemetry.receive_metrics(request);
        ExportMetricsServiceResponse::default()
    })
}

async fn logs(State(telemetry): State<Telemetry>, headers: HeaderMap, body: Bytes) -> Response {
    handle(&headers, &body, |request| {
        telemetry.receive_logs(request);
        ExportLogsServiceResponse::default()
    })
}

/// The encoding of a request and its response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let name = value.split(';').next().unwrap_or_default().trim();
        match name.to_ascii_lowercase().as_str() {
            PROTOBUF | "application/protobuf" => Some(Self::Protobuf),
            JSON => Some(Self::Json),
            _ => None,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => PROTOBUF,
            Self::Json => JSON,
        }
    }
}

/// Why a request is refused, for its sender.
struct Refusal(StatusCode, String);

fn handle<T, R>(headers: &HeaderMap, body: &[u8], receive: impl FnOnce(&T) -> R) -> Response
where
    T: Message + Default + DeserializeOwned,
    R: Message + Serialize,
{
    let Some(encoding) = Encoding::of(headers) else {
        let text = format!("send {PROTOBUF} or {JSON}");
        return refusal(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    };
    match decode(headers, body, encoding) {
        Ok(request) => {
            let answer = receive(&request);
            let bytes = match encoding {
                Encoding::Protobuf => answer.encode_to_vec(),
                Encoding::Json => serde_json::to_vec(&answer).unwrap_or_default(),
            };
            let mut response = Response::new(Body::from(bytes));
            let content_type = HeaderValue::from_static(encoding.content_type());
            response.headers_mut().insert(CONTENT_TYPE, content_type);
            response
        }
        Err(refused) => refusal(refused),
    }
}

fn decode<T>(headers: &HeaderMap, body: &[u8], encoding: Encoding) -> Result<T, Refusal>
where
    T: Message + Default + DeserializeOwned,
{
    let plain = decompress(headers, body)?;
    let body = plain.as_deref().unwrap_or(body);
    let decoded = match encoding {
        Encoding::Protobuf => T::decode(body).map_err(|error| error.to_string()),
        Encoding::Json => serde_json::from_slice(body).map_err(|error| error.to_string()),
    };
    decoded.map_err(|error| {
        let text = format!("the request cannot be decoded: {error}");
        Refusal(StatusCode::BAD_REQUEST, text)
    })
}

/// The decompressed body; none if it is not compressed.
fn decompress(headers: &HeaderMap, body: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    let encoding = headers.get(CONTENT_ENCODING);
    match encoding.map_or(&b"identity"[..], HeaderValue::as_bytes) {
        b"identity" | b"" => return Ok(None),
        b"gzip" => {}
        other => {
            let shown = String::from_utf8_lossy(other);
            let text = format!("content-encoding {shown:?} is not supported: use gzip");
            return Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
    }
    let mut plain = Vec::new();
    let limit = MAX_REQUEST as u64 + 1;
    let read = flate2::read::GzDecoder::new(body)
        .take(limit)
        .read_to_end(&mut plain);
    read.map_err(|error| {
        let text = format!("the request cannot be decompressed: {error}");
        Refusal(StatusCode::BAD_REQUEST, text)
    })?;
    if plain.len() > MAX_REQUEST {
        let text = format!("the request has more than {MAX_REQUEST} bytes");
        return Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    Ok(Some(plain))
}

fn refusal(Refusal(status, text): Refusal) -> Response {
    let mut response = Response::new(Body::from(text + "\n"));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

    use super::*;

    fn headers(content_type: &'static str, encoding: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        headers
    }

    fn status(headers: &HeaderMap, body: &[u8]) -> u16 {
        let receive = |_: &ExportTraceServiceRequest| ExportLogsServiceResponse::default();
        handle(headers, body, receive).status().as_u16()
    }

    #[test]
    fn rubbish_is_refused_with_a_reason() {
        let json = headers("application/json; charset=utf-8", "identity");
        assert_eq!(status(&json, br#"{"resourceSpans":[]}"#), 200);
        assert_eq!(status(&json, b"\xff\x00"), 400);
        assert_eq!(status(&headers(PROTOBUF, "identity"), b"\xff\xff\xff"), 400);
        assert_eq!(status(&headers(PROTOBUF, "gzip"), b"no gzip"), 400);
        assert_eq!(status(&headers(PROTOBUF, "br"), b""), 415);
        assert_eq!(status(&headers("text/plain", "identity"), b""), 415);
    }

    #[test]
    fn a_small_body_does_not_become_a_large_one() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let zeros = vec![0_u8; 1 << 20];
        for _ in 0..64 {
            encoder.write_all(&zeros).expect("compressed");
        }
        let bomb = encoder.finish().expect("compressed");
        assert!(bomb.len() < 100_000);
        assert_eq!(status(&headers(PROTOBUF, "gzip"), &bomb), 413);
    }
}
