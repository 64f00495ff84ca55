//! Room for the calls that wait for one domain, in bytes. Callers wait for it in order.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::lock::lock;

/// The room of one domain.
pub(super) struct Room {
    free: Arc<Semaphore>,
    size: u32,
    /// Callers that wait for room.
    waiting: AtomicUsize,
}

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        let size = u32::try_from(bytes).unwrap_or(u32::MAX);
        let size = size.min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        Self {
            free: Arc::new(Semaphore::new(size as usize)),
            size,
            waiting: AtomicUsize::new(0),
        }
    }

    /// A call that is larger than the whole room gets all of it.
    fn share(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.size)
    }

    /// Room for so many bytes, if it is free and nobody waits for it.
    pub(super) fn try_reserve(&self, bytes: usize) -> Option<Reservation> {
        let free = Arc::clone(&self.free);
        let permit = free.try_acquire_many_owned(self.share(bytes)).ok()?;
        Some(Reservation(Mutex::new(Some(permit))))
    }

    /// Waits for room for so many bytes. Dropping the future gives up.
    pub(super) async fn reserve(&self, bytes: usize) -> Reservation {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waits = Waits(&self.waiting);
        let free = Arc::clone(&self.free);
        // It is never closed.
        Reservation(Mutex::new(
            free.acquire_many_owned(self.share(bytes)).await.ok(),
        ))
    }

    /// The number of callers that wait for room.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Room that is taken until this is released or dropped.
#[derive(Default)]
pub(crate) struct Reservation(Mutex<Option<OwnedSemaphorePermit>>);

impl Reservation {
    /// Whether it has room.
    pub(super) fn is_held(&self) -> bool {
        lock(&self.0).is_some()
    }

    /// Frees the room.
    pub(super) fn release(&self) {
        lock(&self.0).take();
    }
}

/// A copy is not part of what waits, and has no room.
impl Clone for Reservation {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Reservation").finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_is_taken_in_order_and_freed_by_a_release() {
        let room = Room::new(10);
        let first = room.reserve(6).await;
        assert!(room.try_reserve(5).is_none(), "only 4 are free");
        let mut large = Box::pin(room.reserve(100));
        let pending = std::future::poll_fn(|context| {
            std::task::Poll::Ready(large.as_mut().poll(context).is_pending())
        });
        assert!(pending.await && room.waiting() == 1);
        assert!(room.try_reserve(1).is_none(), "the large one is first");
        first.release();
        let large = large.await;
        assert!(large.is_held() && room.try_reserve(1).is_none());
        drop((large, first));
        assert!(room.try_reserve(10).is_some());
        assert_eq!(room.waiting(), 0);
    }
}
