//! The memory of the instance itself.

use std::time::Duration;

use fulcrum_spawn::process::release_unused_memory;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// When the timers of a start have expired and the first samples are taken.
const SETTLED: Duration = Duration::from_secs(12);

/// Gives back what only the start needed: at once, and what its last steps needed a little later.
pub(crate) async fn release_after_start() {
    for delay in [Duration::ZERO, SETTLED] {
        sleep(delay).await;
        // Blocks for as long as it takes to unmap a few megabytes. Only a shutdown cancels it.
        let _ = spawn_blocking(release_unused_memory).await;
    }
}
