//! Detects a domain that does not read its stream, and when it reads again.

use std::sync::Arc;
use std::time::Duration;

use super::event::DomainEvent;
use super::lock::lock;
use super::registry::Registry;
use super::routing::DomainRoute;

/// A domain that reads nothing for this long although calls wait for it is reported.
pub(crate) const STALLED_AFTER: Duration = Duration::from_secs(2);

impl Registry {
    /// Called after a call was added. The first call that the stream has not asked for starts a
    /// task, which runs until the stream asks for more.
    pub(super) fn watch_reading(&self, route: &Arc<DomainRoute>) {
        if route.unread_since().is_none() || !route.begin_watch() {
            return;
        }
        let (registry, route) = (self.clone(), Arc::clone(route));
        tokio::spawn(async move {
            registry.watch(&route).await;
            route.end_watch();
        });
    }

    async fn watch(&self, route: &DomainRoute) {
        while let Some(since) = route.unread_since() {
            let unread = since.elapsed();
            if unread < STALLED_AFTER {
                route.wait_until_read(Some(STALLED_AFTER - unread)).await;
                continue;
            }
            if !self.emit_stall(route, true) {
                return;
            }
            while route.unread_since() == Some(since) {
                route.wait_until_read(None).await;
            }
            self.emit_stall(route, false);
        }
    }

    /// Emits the event if a stream has this name, in the order of the changes.
    fn emit_stall(&self, route: &DomainRoute, stalled: bool) -> bool {
        let registrations = lock(&self.shared.registrations);
        let Some(holder) = registrations.get(route.domain()) else {
            return false;
        };
        self.emit(DomainEvent::Backpressure {
            domain: holder.domain.clone(),
            generation: holder.grant.generation,
            waiting: if stalled { route.waiting().max(1) } else { 0 },
        });
        true
    }
}
