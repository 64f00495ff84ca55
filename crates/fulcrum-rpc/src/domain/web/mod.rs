//! Calls by gRPC-Web and Connect, over HTTP/1.1 and HTTP/2: from `fetch`, and from pages in a
//! browser whose origin is permitted.

mod connect;
mod connect_error;
mod cors;
mod layer;
mod message_json;
mod request_kind;

pub(crate) use layer::WebLayer;
