//! Bad manners on the gRPC port: bytes that no client would send, or not so many of them.

mod bytes;
mod wire;

pub use bytes::{pseudo_random, random, send, tls_hello};
pub use wire::{ConnectionEnd, Frame, Wire, frame, grpc_head, kind, message};
