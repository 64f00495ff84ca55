//! The delay of timers within the instance itself.

use std::time::Duration;

use fulcrum_telemetry::metrics::Metrics;
use tokio::time::{Instant, sleep_until};

/// How often the delay is measured.
const INTERVAL: Duration = Duration::from_secs(2);

/// Measures until the future is dropped.
pub(crate) async fn measure(metrics: Metrics) {
    loop {
        let due = Instant::now() + INTERVAL;
        sleep_until(due).await;
        metrics.loop_lag(due.elapsed());
    }
}
