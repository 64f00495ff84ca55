//! Limits of what is received.

/// The largest request, in bytes, after decompression. Collectors have the same limit for gRPC.
pub(super) const MAX_REQUEST: usize = 4 * 1024 * 1024;
