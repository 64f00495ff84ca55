//! Detects a domain that does not read its stream, and when it reads again.

use std::sync::Arc;
use std::time::Duration;

use super::event::DomainEvent;
use super::registered_stream::{QUEUE, RegisteredStream, lock};
use super::registry::Registry;

/// A queue that is full for no longer than this is a burst, and is not reported.
const BURST_TOLERANCE: Duration = Duration::from_millis(250);

impl Registry {
    /// Called when a message found the queue full. The first call for a stream starts a task that
    /// reports it, and runs until there is capacity again.
    pub(super) fn on_queue_full(&self, stream: &Arc<RegisteredStream>) {
        if !stream.begin_backpressure() {
            return;
        }
        let (registry, stream) = (self.clone(), Arc::clone(stream));
        tokio::spawn(async move {
            if tokio::time::timeout(BURST_TOLERANCE, stream.wait_for_capacity())
                .await
                .is_err()
            {
                registry.emit_backpressure(&stream, true);
                if !stream.wait_for_capacity().await {
                    // The stream has ended, which is an event of its own.
                    return;
                }
                registry.emit_backpressure(&stream, false);
            }
            stream.end_backpressure();
        });
    }

    /// Emits the event if the stream still has its name, in the order of the changes.
    fn emit_backpressure(&self, stream: &RegisteredStream, full: bool) {
        let registrations = lock(&self.shared.registrations);
        let holder = registrations.get(&stream.domain);
        if holder.is_some_and(|holder| holder.id == stream.id) {
            self.emit(DomainEvent::Backpressure {
                domain: stream.domain.clone(),
                generation: stream.grant.generation,
                waiting: if full { QUEUE } else { 0 },
            });
        }
    }
}
