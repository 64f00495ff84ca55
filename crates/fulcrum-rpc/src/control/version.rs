//! Versions of the control API.

/// The protocol number of this build. A client continues only with an instance of the same number.
pub const PROTOCOL: u32 = 2;

/// The encoded file descriptor set of the package, for server reflection.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!("../generated/control.bin");

/// The version of this build, which both sides send in their hello.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
