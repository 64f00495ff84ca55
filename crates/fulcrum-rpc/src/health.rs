//! The messages, client and server of the health protocol of gRPC, package `grpc.health.v1`.

pub use crate::generated::health::*;

/// The encoded file descriptor set of the package, for server reflection.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!("generated/health.bin");
