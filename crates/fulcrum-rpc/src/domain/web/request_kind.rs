//! What a request is, by its head. No I/O.

use http::header::{ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, Method, Request, Version};

/// The methods that can be called by gRPC-Web.
const SEND_MESSAGE: &str = "/framework.FrameworkService/SendMessage";
const SEND_MESSAGE_STREAM: &str = "/framework.FrameworkService/SendMessageStream";

/// How the messages of a Connect request are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Json,
    Proto,
}

impl Codec {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Proto => "application/proto",
        }
    }
}

/// What a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestKind {
    /// gRPC, or another request over HTTP/2, which gRPC's server answers.
    Grpc,
    /// The question of a browser whether a page may send a request.
    Preflight,
    GrpcWeb,
    /// A unary call by the Connect protocol.
    Connect(Codec),
    /// Nothing that is served over HTTP/1.
    Other,
}

impl RequestKind {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let is_http2 = request.version() == Version::HTTP_2;
        let headers = request.headers();
        // Nearly all requests, for which nothing is copied.
        if is_http2
            && headers
                .get(CONTENT_TYPE)
                .is_some_and(|text| text == "application/grpc")
        {
            return Self::Grpc;
        }
        let (path, method) = (request.uri().path(), request.method());
        let is_unary = path == SEND_MESSAGE;
        if is_unary || path == SEND_MESSAGE_STREAM {
            if method == Method::OPTIONS && is_preflight(headers) {
                return Self::Preflight;
            }
            if method == Method::POST {
                match media_type(headers).as_str() {
                    "application/grpc-web"
                    | "application/grpc-web+proto"
                    | "application/grpc-web-text"
                    | "application/grpc-web-text+proto" => return Self::GrpcWeb,
                    "application/json" if is_unary => return Self::Connect(Codec::Json),
                    "application/proto" if is_unary => return Self::Connect(Codec::Proto),
                    _ => {}
                }
            }
        }
        match is_http2 {
            true => Self::Grpc,
            false => Self::Other,
        }
    }
}

fn is_preflight(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The media type without parameters, in lower case.
fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    let media_type = text
        .split_once(';')
        .map_or(text, |(media_type, _)| media_type);
    media_type.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(version: Version, method: &str, path: &str, headers: &[(&str, &str)]) -> RequestKind {
        let mut request = Request::builder().version(version).method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        RequestKind::of(&request.body(()).expect("valid"))
    }

    fn post(version: Version, path: &str, content_type: &str) -> RequestKind {
        kind(version, "POST", path, &[("content-type", content_type)])
    }

    #[test]
    fn calls_are_recognized_by_path_and_content_type() {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let unary = |content_type| post(version, SEND_MESSAGE, content_type);
            assert_eq!(unary("application/grpc-web+proto"), RequestKind::GrpcWeb);
            assert_eq!(unary("application/grpc-web-text"), RequestKind::GrpcWeb);
            assert_eq!(
                unary("application/json; charset=utf-8"),
                RequestKind::Connect(Codec::Json)
            );
            assert_eq!(
                unary("Application/Proto"),
                RequestKind::Connect(Codec::Proto)
            );
            assert_eq!(
                post(version, SEND_MESSAGE_STREAM, "application/grpc-web"),
                RequestKind::GrpcWeb
            );
        }
    }

    #[test]
    fn what_is_not_served_is_grpc_over_http2_and_something_else_over_http1() {
        for (path, content_type) in [
            (SEND_MESSAGE, "text/plain"),
            (SEND_MESSAGE, ""),
            (SEND_MESSAGE, "application/grpc"),
            (SEND_MESSAGE, "application/x-www-form-urlencoded"),
            (SEND_MESSAGE_STREAM, "application/json"),
            (
                "/framework.FrameworkService/DomainCommunication",
                "application/grpc-web",
            ),
            ("/", "application/json"),
        ] {
            assert_eq!(
                post(Version::HTTP_11, path, content_type),
                RequestKind::Other,
                "{path} {content_type}"
            );
            assert_eq!(post(Version::HTTP_2, path, content_type), RequestKind::Grpc);
        }
        let json = [("content-type", "application/json")];
        let get = kind(Version::HTTP_11, "GET", SEND_MESSAGE, &json);
        assert_eq!(get, RequestKind::Other);
    }

    #[test]
    fn a_preflight_names_origin_and_method() {
        let origin = ("origin", "http://localhost");
        let method = ("access-control-request-method", "POST");
        let options = |headers: &[_]| kind(Version::HTTP_11, "OPTIONS", SEND_MESSAGE, headers);
        assert_eq!(options(&[origin, method]), RequestKind::Preflight);
        assert_eq!(options(&[origin]), RequestKind::Other);
        assert_eq!(options(&[method]), RequestKind::Other);
    }
}
