//! Failures of the Connect protocol. <https://connectrpc.com/docs/protocol/#error-codes>

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;
use tonic::body::Body;
use tonic::{Code, Status};

/// The response for a request that failed. Only what is no response of a domain is one.
pub(super) fn error_response(status: &Status) -> Response<Body> {
    let (code, http_status) = match status.code() {
        Code::Cancelled => ("canceled", 499),
        Code::InvalidArgument => ("invalid_argument", 400),
        Code::DeadlineExceeded => ("deadline_exceeded", 504),
        Code::PermissionDenied => ("permission_denied", 403),
        Code::ResourceExhausted => ("resource_exhausted", 429),
        Code::Unimplemented => ("unimplemented", 501),
        Code::Unavailable => ("unavailable", 503),
        _ => ("internal", 500),
    };
    let body = json!({"code": code, "message": status.message()}).to_string();
    let mut response = Response::new(Body::new(body));
    *response.status_mut() =
        StatusCode::from_u16(http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
