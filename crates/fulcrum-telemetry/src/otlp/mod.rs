//! OTLP: a receiver on one port, for gRPC, HTTP with protobuf, and HTTP with JSON.
//! <https://opentelemetry.io/docs/specs/otlp/>

pub(crate) mod convert;
mod grpc;
mod http;
mod receiver;

pub use convert::DOMAIN_ATTRIBUTE;
pub use receiver::{ReceiveError, serve};
