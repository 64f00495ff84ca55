//! OTLP: a receiver on one port, for gRPC, HTTP with protobuf, and HTTP with JSON.
//! <https://opentelemetry.io/docs/specs/otlp/>

mod grpc;
mod http;
mod limits;
mod receiver;

pub use receiver::{ReceiveError, serve};
