//! The messages, client and server of the domain protocol, package `framework`.

pub use crate::generated::framework::*;

/// The encoded file descriptor set of the package, for server reflection.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!("generated/framework.bin");
