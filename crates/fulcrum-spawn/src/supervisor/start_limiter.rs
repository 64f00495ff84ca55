//! Limits how many domains start at once.
//!
//! The start of a Node domain is mostly computation: type stripping, the initialization of Node. If
//! all domains of a large app started at once, each would exceed its start timeout. A few at a time
//! need the same time altogether, and the first ones are up early. Any other program costs no more
//! than a fork, so only the forks at one time are limited, not what follows them.

use std::future::Future;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Concurrent starts per core: while some wait for a disk, others compute.
const PER_CORE: usize = 2;

/// Concurrent forks of programs other than Node.
const FORKS: usize = 16;

/// How long a start holds its permit at most. A start that takes longer waits for something, which
/// may be another domain that needs the permit.
const MAX_HOLD: Duration = Duration::from_secs(1);

/// Permits to start. Clones share the same permits.
#[derive(Debug, Clone)]
pub struct StartLimiter {
    permits: Arc<Semaphore>,
    forks: Arc<Semaphore>,
}

impl StartLimiter {
    /// A limiter for this machine: two starts per core.
    #[must_use]
    pub fn new() -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self {
            permits: Arc::new(Semaphore::new(cores * PER_CORE)),
            forks: Arc::new(Semaphore::new(FORKS)),
        }
    }

    /// Waits for a permit to start a Node domain, in the order of the calls.
    pub async fn acquire(&self) -> StartPermit {
        StartPermit::of(&self.permits).await
    }

    /// Waits for a permit to start any other program, to be dropped when its process exists.
    pub async fn acquire_fork(&self) -> StartPermit {
        StartPermit::of(&self.forks).await
    }
}

impl Default for StartLimiter {
    fn default() -> Self {
        Self::new()
    }
}

/// The right to start now. Dropping it gives it back.
#[derive(Debug)]
pub struct StartPermit {
    _permit: Option<OwnedSemaphorePermit>,
}

impl StartPermit {
    async fn of(permits: &Arc<Semaphore>) -> Self {
        let permit = Arc::clone(permits).acquire_owned().await;
        // The semaphore is never closed. If it were, starts would only be unlimited.
        Self {
            _permit: permit.ok(),
        }
    }

    /// Holds the permit in a background task until `started` completes, one second at most.
    pub fn release_when(self, started: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(async move {
            let _permit = self;
            let _ = timeout(MAX_HOLD, started).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    fn limiter_of(permits: usize) -> StartLimiter {
        StartLimiter {
            permits: Arc::new(Semaphore::new(permits)),
            forks: Arc::new(Semaphore::new(1)),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_fork_waits_for_other_forks_only() {
        let limiter = limiter_of(1);
        limiter.acquire().await.release_when(pending());
        for _ in 0..200 {
            let fork = timeout(MAX_HOLD / 4, limiter.acquire_fork()).await;
            assert!(fork.is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_is_released_when_the_start_is_complete() {
        let limiter = limiter_of(1);
        let started = Arc::new(tokio::sync::Notify::new());
        let completion = Arc::clone(&started);
        let permit = limiter.acquire().await;
        permit.release_when(async move { completion.notified().await });
        let next = timeout(MAX_HOLD / 2, limiter.acquire()).await;
        assert!(next.is_err(), "the first start is not complete");
        started.notify_one();
        let next = timeout(MAX_HOLD / 4, limiter.acquire()).await;
        assert!(next.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_that_never_completes_holds_its_permit_for_a_bounded_time() {
        let limiter = limiter_of(1);
        limiter.acquire().await.release_when(pending());
        let next = timeout(MAX_HOLD * 2, limiter.acquire()).await;
        assert!(next.is_ok());
    }
}
