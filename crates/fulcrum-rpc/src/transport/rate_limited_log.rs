//! Warnings about connections, limited in number.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::code::WarningCode;

use super::rate_limiter::RateLimiter;

/// Logs why connections are closed and requests are refused, at most one line a second. Clones share the limit.
#[derive(Clone)]
pub(crate) struct RateLimitedLog {
    /// The listener, at the start of each line.
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

    /// Logs what is of no interest but for debugging: a connection without data, by which others
    /// check that a port is open.
    pub(crate) fn debug(&self, reason: &dyn Display) {
        tracing::debug!("{}: a connection was closed: {reason}", self.name);
    }

    /// Logs why a connection was closed.
    pub(crate) fn warn(&self, reason: &dyn Display) {
        self.report("a connection was closed", reason);
    }

    /// Logs why a request was refused.
    pub(crate) fn refused(&self, reason: &dyn Display) {
        self.report("a request was refused", reason);
    }

    fn report(&self, what: &str, reason: &dyn Display) {
        let allowed = self
            .limiter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .allow(Instant::now());
        if let Some(suppressed) = allowed {
            let more = match suppressed {
                0 => String::new(),
                more => format!(" ({more} more since the last report)"),
            };
            tracing::warn!(code = %WarningCode::ConnectionClosed, "{}: {what}: {reason}{more}", self.name);
        }
    }
}
