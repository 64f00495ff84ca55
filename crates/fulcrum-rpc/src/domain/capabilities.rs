//! Names that a client uses when it registers.

/// The metadata key under which a domain sends its token.
pub const TOKEN_METADATA: &str = "x-fulcrum-token";

/// The metadata key by which a caller says whether its call waits while the domain starts or
/// restarts; `false` makes it fail at once.
pub const WAIT_METADATA: &str = "x-fulcrum-wait";

/// The capability of domains that send heartbeats.
pub const CAPABILITY_HEARTBEAT: &str = "heartbeat";

/// The capability of domains that are notified before they are stopped.
pub const CAPABILITY_DRAIN: &str = "drain";

/// The capability of domains that are notified of changed files that are not code.
pub const CAPABILITY_ASSETS: &str = "assets";

/// The capability of domains that are told when the caller of a request has given up.
pub const CAPABILITY_CANCEL: &str = "cancel";

/// The capability of domains that receive messages of more than 4 MiB.
pub const CAPABILITY_LARGE_MESSAGES: &str = "large_messages";

/// The capability of domains that respond in parts.
pub const CAPABILITY_STREAM: &str = "stream";

/// The capability of domains that are told how much time is left for a request.
pub const CAPABILITY_DEADLINE: &str = "deadline";

/// The capability of domains that are told which trace a request belongs to.
pub const CAPABILITY_TRACE: &str = "trace";

/// The capability of domains that can send spans as a table, in which what spans have in common is
/// there once.
pub const CAPABILITY_SPAN_TABLES: &str = "span_tables";
