//! How long silence may last, for domains with and without heartbeats.

use std::time::Duration;

use crate::heartbeat::HeartbeatConfig;

/// The shortest interval between keep-alive pings.
const MIN_PING_INTERVAL: Duration = Duration::from_secs(1);

/// The longest interval between keep-alive pings, also where there are no domains.
const MAX_PING_INTERVAL: Duration = Duration::from_secs(10);

/// A client that leaves the pings of this many intervals unanswered is hung; 30 s by default.
const MAX_MISSED_PINGS: u32 = 3;

/// A connection is closed no sooner than this after an unanswered ping.
const MIN_CLOSE_AFTER: Duration = Duration::from_secs(20);

/// Existing clients reconnect 5 s after they have lost their connection, and may fail once or
/// twice.
const MIN_RECONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The times of a server that all domains share, derived from the domains' heartbeat settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LivenessTimeouts {
    ping_interval: Duration,
    close_after: Duration,
}

impl LivenessTimeouts {
    /// Derives them from the heartbeats of all domains that have a process.
    ///
    /// Keep-alive times belong to the whole port. So pings follow the domain with the shortest
    /// limit; and HTTP/2's own timeout, which closes a connection without looking for the reason,
    /// is twice as long as any silence that a [`LivenessMonitor`](crate::LivenessMonitor) accepts.
    #[must_use]
    pub fn new(heartbeats: impl IntoIterator<Item = HeartbeatConfig>) -> Self {
        let (mut shortest, mut longest) = (None::<Duration>, Duration::ZERO);
        for limit in heartbeats.into_iter().map(HeartbeatConfig::limit) {
            shortest = Some(shortest.map_or(limit, |shortest| shortest.min(limit)));
            longest = longest.max(limit);
        }
        let ping_interval = shortest
            .unwrap_or(MAX_PING_INTERVAL)
            .clamp(MIN_PING_INTERVAL, MAX_PING_INTERVAL);
        let longest = longest.max(ping_interval * MAX_MISSED_PINGS);
        Self {
            ping_interval,
            close_after: longest.saturating_mul(2).max(MIN_CLOSE_AFTER),
        }
    }

    /// How long a connection may be silent until it is sent a keep-alive ping.
    #[must_use]
    pub fn ping_interval(&self) -> Duration {
        self.ping_interval
    }

    /// How long a connection may leave a ping unanswered until it is closed.
    #[must_use]
    pub fn close_after(&self) -> Duration {
        self.close_after
    }

    /// The limits for a client that sends no heartbeats: any data counts, responses to pings
    /// included.
    #[must_use]
    pub fn for_traffic(&self, heartbeat: HeartbeatConfig) -> HeartbeatConfig {
        let limit = heartbeat.limit().max(self.ping_interval * MAX_MISSED_PINGS);
        HeartbeatConfig {
            interval: limit / 2,
            misses: 1,
        }
    }

    /// How long a process whose stream has ended may take to register again.
    #[must_use]
    pub fn reconnect_timeout(heartbeat: HeartbeatConfig) -> Duration {
        MIN_RECONNECT_TIMEOUT.max(heartbeat.limit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn every(millis: u64, misses: u32) -> HeartbeatConfig {
        HeartbeatConfig {
            interval: Duration::from_millis(millis),
            misses,
        }
    }

    #[test]
    fn a_client_without_heartbeats_may_miss_several_pings() {
        let timeouts = |ping| LivenessTimeouts {
            ping_interval: Duration::from_secs(ping),
            close_after: Duration::ZERO,
        };
        let limit = |timeouts: LivenessTimeouts, heartbeat| timeouts.for_traffic(heartbeat).limit();
        let seconds = Duration::from_secs;
        assert_eq!(limit(timeouts(10), every(2_000, 5)), seconds(30));
        assert_eq!(limit(timeouts(1), every(200, 3)), seconds(3));
        assert_eq!(limit(timeouts(1), every(60_000, 1)), seconds(120));
        let reconnect = LivenessTimeouts::reconnect_timeout;
        assert_eq!(reconnect(every(2_000, 5)), seconds(15));
        assert_eq!(reconnect(every(60_000, 1)), seconds(120));
    }

    #[test]
    fn pings_follow_the_shortest_limit_and_the_close_the_longest() {
        let timeouts = LivenessTimeouts::new([every(1_000, 3), every(60_000, 1)]);
        assert_eq!(timeouts.ping_interval(), Duration::from_secs(4));
        assert_eq!(timeouts.close_after(), Duration::from_secs(240));
        let none = LivenessTimeouts::new([]);
        assert_eq!(none.ping_interval(), MAX_PING_INTERVAL);
        assert_eq!(none.close_after(), Duration::from_secs(60));
    }
}
