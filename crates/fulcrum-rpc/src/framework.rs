//! The messages, client and server of the domain protocol, package `framework`.

pub use crate::generated::framework::*;

/// The package's encoded file descriptor set, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("generated/framework.bin");
