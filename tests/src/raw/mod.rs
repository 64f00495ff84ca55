//! Hand-made HTTP/2 for the gRPC port: bytes that no client would send, or more than one would.

mod bytes;
mod wire;

pub use bytes::{pseudo_random, random, send, tls_hello};
pub use wire::{ConnectionEnd, Frame, Wire, frame, grpc_head, kind, message};
