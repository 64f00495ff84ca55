//! From the configuration's heartbeat settings to limits of the liveness monitor and of the server.

use fulcrum_config::{App, GrpcSettings, HeartbeatSettings};
use fulcrum_health::{HeartbeatConfig, LivenessTimeouts};
use fulcrum_rpc::{ServerConfig, WebOrigins};

/// The timeouts that follow from the heartbeats of all domains with a process.
pub(crate) fn liveness_timeouts(app: &App) -> LivenessTimeouts {
    let domains = app.domains.iter().filter(|domain| domain.has_process());
    LivenessTimeouts::new(domains.map(|domain| heartbeat_config(&domain.process.heartbeat)))
}

/// The settings of the domains' port.
pub(crate) fn server_config(grpc: &GrpcSettings, timeouts: LivenessTimeouts) -> ServerConfig {
    ServerConfig {
        call_timeout: grpc.call_timeout,
        call_queue: usize::try_from(grpc.call_queue).unwrap_or(usize::MAX),
        max_message: usize::try_from(grpc.max_message).unwrap_or(usize::MAX),
        web_origins: WebOrigins::new(grpc.web_origins.loopback, &grpc.web_origins.others),
        keepalive_interval: timeouts.ping_interval(),
        keepalive_timeout: timeouts.close_after(),
        ..ServerConfig::default()
    }
}

/// The limits for a client that sends heartbeats.
pub(crate) fn heartbeat_config(settings: &HeartbeatSettings) -> HeartbeatConfig {
    HeartbeatConfig {
        interval: settings.interval,
        misses: settings.misses,
    }
}
