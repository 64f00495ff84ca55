//! What browsers are told about pages that may call domains. <https://fetch.spec.whatwg.org/>

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, VARY,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use tonic::body::Body;

/// The headers that pages may send. The token of a domain is not one of them.
const ALLOWED_HEADERS: &str = "content-type, connect-protocol-version, connect-timeout-ms, grpc-timeout, x-grpc-web, x-user-agent, x-fulcrum-wait";

/// The headers of responses that pages may read.
const EXPOSED_HEADERS: &str = "grpc-status, grpc-message, grpc-status-details-bin";

/// How long a browser may remember the answer, in seconds. Chrome does so for at most two hours.
const MAX_AGE: &str = "7200";

/// Chrome asks for it where a page of the internet calls an address of this machine.
const PRIVATE_NETWORK: (&str, &str) = (
    "access-control-request-private-network",
    "access-control-allow-private-network",
);

/// The answer to the question of a browser, for a page that is [permitted](permit).
pub(super) fn preflight(request: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("POST"),
    );
    let allowed = HeaderValue::from_static(ALLOWED_HEADERS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    let (asked, answer) = PRIVATE_NETWORK;
    if request.contains_key(asked) {
        headers.insert(answer, HeaderValue::from_static("true"));
    }
    response
}

/// Lets a page of this origin read a response.
pub(super) fn permit(headers: &mut HeaderMap, origin: &HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    let exposed = HeaderValue::from_static(EXPOSED_HEADERS);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    headers.insert(VARY, HeaderValue::from_static("origin"));
}
