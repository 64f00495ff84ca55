//! A receiver, and the counts of what becomes of its notifications.

use std::fmt;

use super::message::BodyFormat;
use crate::metrics::Metrics;

/// A receiver.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its URL, of HTTP or HTTPS.
    pub url: String,
    /// The same without secrets, for messages.
    pub shown: String,
    /// The form of bodies.
    pub format: BodyFormat,
    /// The key of signatures, if they are wanted.
    pub secret: Option<String>,
}

impl fmt::Debug for Webhook {
    /// Without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("shown", &self.shown)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

/// Counts what becomes of notifications, if metrics are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Results(Option<Metrics>);

impl Results {
    pub(super) fn new(metrics: Option<Metrics>) -> Self {
        Self(metrics)
    }

    pub(super) fn add(&self, result: &'static str) {
        if let Some(metrics) = &self.0 {
            metrics.notified(result);
        }
    }
}
