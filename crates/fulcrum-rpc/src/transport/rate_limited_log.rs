//! Words about strangers, few however many come.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::RateLimiter;

/// Says why connections were closed: at most one log line a second, whatever comes. Clones
/// share that second.
#[derive(Clone)]
pub(crate) struct RateLimitedLog {
    /// What listens.
    name: &'static str,
    limiter: Arc<Mutex<RateLimiter>>,
}

impl RateLimitedLog {
    pub(crate) fn new(name: &'static str) -> Self {
        let limiter = RateLimiter::new(Duration::from_secs(1));
        Self {
            name,
            limiter: Arc::new(Mutex::new(limiter)),
        }
    }

    pub(crate) fn warn(&self, why: &dyn Display) {
        let now = Instant::now();
        let passed = self
            .limiter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .allow(now);
        if let Some(held) = passed {
            tracing::warn!(
                held_back = held,
                "{}: a connection was closed: {why}",
                self.name
            );
        }
    }
}
