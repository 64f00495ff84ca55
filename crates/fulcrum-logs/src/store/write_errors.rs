//! Reports when a store fails and recovers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::event::StoreEvent;

/// How long a store must have worked after an error until it counts as recovered.
const RECOVERY_DELAY: Duration = Duration::from_secs(1);

/// The state of a store.
pub(super) struct WriteErrorState {
    events: UnboundedSender<StoreEvent>,
    /// The last error, until recovery.
    failed_at: Option<Instant>,
    dropped: BTreeMap<Arc<str>, u64>,
    /// Lines that were dropped since the start.
    total: Arc<AtomicU64>,
}

impl WriteErrorState {
    /// `total` counts the lines that are dropped.
    pub(super) fn new(events: UnboundedSender<StoreEvent>, total: Arc<AtomicU64>) -> Self {
        Self {
            events,
            failed_at: None,
            dropped: BTreeMap::new(),
            total,
        }
    }

    pub(super) fn on_error(&mut self, reason: String, dropped: BTreeMap<Arc<str>, u64>) {
        for (domain, lines) in dropped {
            self.total.fetch_add(lines, Ordering::Relaxed);
            *self.dropped.entry(domain).or_default() += lines;
        }
        if self.failed_at.replace(clock()).is_none() {
            // The receiver may be dropped.
            let _ = self.events.send(StoreEvent::Failing { reason });
        }
    }

    pub(super) fn on_success(&mut self) {
        let recovered = |failed_at| clock() - failed_at > RECOVERY_DELAY;
        if self.failed_at.is_some_and(recovered) {
            self.failed_at = None;
            let dropped = std::mem::take(&mut self.dropped);
            let _ = self.events.send(StoreEvent::Resumed { dropped });
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the writer thread is a driver and measures how long the disk has worked"
)]
fn clock() -> Instant {
    Instant::now()
}
