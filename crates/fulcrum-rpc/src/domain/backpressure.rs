//! A domain that doesn't read its stream: told when its queue is full and stays so, and when
//! there is room again.

use std::sync::Arc;
use std::time::Duration;

use super::registered_stream::{QUEUE, RegisteredStream, lock};
use super::{DomainEvent, Registry};

/// A queue that is full for no longer than this was a burst, and is no news.
const BURST_TOLERANCE: Duration = Duration::from_millis(250);

impl Registry {
    /// A message found the queue full. Who waits for that, waits in a task of its own, one for a
    /// stream.
    pub(super) fn on_queue_full(&self, connection: &Arc<RegisteredStream>) {
        if !connection.begin_congestion() {
            return;
        }
        let (registry, connection) = (self.clone(), Arc::clone(connection));
        tokio::spawn(async move {
            if tokio::time::timeout(BURST_TOLERANCE, connection.wait_for_capacity())
                .await
                .is_err()
            {
                registry.tell(&connection, true);
                if !connection.wait_for_capacity().await {
                    // Its end is told as such.
                    return;
                }
                registry.tell(&connection, false);
            }
            connection.end_congestion();
        });
    }

    /// Tells of it while the stream holds its name, in the order of the facts.
    fn tell(&self, connection: &RegisteredStream, full: bool) {
        let roster = lock(&self.shared.registrations);
        let holder = roster.get(&connection.domain);
        if holder.is_some_and(|holder| holder.id == connection.id) {
            self.emit(DomainEvent::Backpressure {
                domain: connection.domain.clone(),
                generation: connection.admission.generation,
                waiting: if full { QUEUE } else { 0 },
            });
        }
    }
}
