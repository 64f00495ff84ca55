//! How long silence may last, for a domain with and without heartbeats.

use std::time::Duration;

use fulcrum_config::{App, HeartbeatSettings};
use fulcrum_health::HeartbeatConfig;
use fulcrum_rpc::ServerConfig;

/// A silent connection is sent a keep-alive ping after this long at the latest, and at the
/// earliest.
const PING: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// A client that answers none of the pings of this many intervals hangs: 30 s by default.
const MISSED_PINGS: u32 = 3;

/// Nobody's connection is cut sooner, once it has been sent a ping.
const SHORTEST_CUT: Duration = Duration::from_secs(20);

/// Clients that exist today dial again 5 s after they have lost their connection, and may fail a
/// time or two.
const REDIAL: Duration = Duration::from_secs(15);

/// What the app's settings mean for its domains' signs of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LivenessTimeouts {
    ping_interval: Duration,
    /// When a connection is cut that has not answered a ping.
    close_after: Duration,
}

impl LivenessTimeouts {
    /// The keep-alive times are those of the whole port. So pings follow the domain that is to
    /// speak up the most often; and HTTP/2's own timeout, which cuts a connection without asking
    /// why nothing comes, is twice as long as any silence that is judged here (where what doesn't
    /// count is taken off first).
    pub(crate) fn of(app: &App) -> Self {
        let limits = || {
            let domains = app.domains.iter().filter(|domain| domain.has_process());
            domains.map(|domain| limit(&domain.process.heartbeat))
        };
        let ping_interval = limits().min().unwrap_or(PING.1).clamp(PING.0, PING.1);
        let longest = limits()
            .max()
            .unwrap_or_default()
            .max(ping_interval * MISSED_PINGS);
        let close_after = longest.saturating_mul(2).max(SHORTEST_CUT);
        Self {
            ping_interval,
            close_after,
        }
    }

    /// The port's settings.
    pub(crate) fn settings(self) -> ServerConfig {
        ServerConfig {
            keepalive_interval: self.ping_interval,
            keepalive_timeout: self.close_after,
            ..ServerConfig::default()
        }
    }

    /// For a client whose sign of life is whatever it sends, answers to pings included.
    pub(crate) fn for_traffic(self, heartbeat: &HeartbeatSettings) -> HeartbeatConfig {
        let limit = limit(heartbeat).max(self.ping_interval * MISSED_PINGS);
        HeartbeatConfig {
            interval: limit / 2,
            misses: 1,
        }
    }
}

/// For a client that sends heartbeats.
pub(crate) fn for_heartbeats(heartbeat: &HeartbeatSettings) -> HeartbeatConfig {
    HeartbeatConfig {
        interval: heartbeat.interval,
        misses: heartbeat.misses,
    }
}

/// How long a process whose stream has ended may take to register again.
pub(crate) fn reconnect_timeout(heartbeat: &HeartbeatSettings) -> Duration {
    REDIAL.max(limit(heartbeat))
}

fn limit(heartbeat: &HeartbeatSettings) -> Duration {
    let beats = heartbeat.misses.saturating_add(1);
    heartbeat.interval.saturating_mul(beats)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn every(millis: u64, misses: u32) -> HeartbeatSettings {
        HeartbeatSettings {
            interval: Duration::from_millis(millis),
            misses,
        }
    }

    #[test]
    fn a_client_without_heartbeats_is_judged_by_several_pings() {
        let limits = |ping| LivenessTimeouts {
            ping_interval: Duration::from_secs(ping),
            close_after: Duration::ZERO,
        };
        let silence = |limits: LivenessTimeouts, heartbeat| {
            let config = limits.for_traffic(&heartbeat);
            config.interval * (config.misses + 1)
        };
        assert_eq!(
            silence(limits(10), every(2_000, 5)),
            Duration::from_secs(30)
        );
        assert_eq!(silence(limits(1), every(200, 3)), Duration::from_secs(3));
        assert_eq!(
            silence(limits(1), every(60_000, 1)),
            Duration::from_secs(120)
        );
        assert_eq!(reconnect_timeout(&every(2_000, 5)), Duration::from_secs(15));
        assert_eq!(
            reconnect_timeout(&every(60_000, 1)),
            Duration::from_secs(120)
        );
    }
}
