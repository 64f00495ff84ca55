//! Names that a client uses when it registers.

/// The metadata key under which a domain sends its token.
pub const TOKEN_METADATA: &str = "x-fulcrum-token";

/// The capability of domains that send heartbeats.
pub const CAPABILITY_HEARTBEAT: &str = "heartbeat";

/// The capability of domains that are notified before they are stopped.
pub const CAPABILITY_DRAIN: &str = "drain";

/// The capability of domains that are notified of changed files that are not code.
pub const CAPABILITY_ASSETS: &str = "assets";
