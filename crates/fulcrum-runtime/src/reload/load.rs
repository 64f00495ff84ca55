//! Loads the configuration while it may be being saved.

use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::{LoadOptions, LoadResult, load, load_if_stable};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::sleep;

use crate::clock::now;
use crate::state::desired::DesiredState;

/// Between two attempts.
const RETRY_DELAY: Duration = Duration::from_millis(20);

/// After so many attempts the files are read as they are: files that are saved again and again for
/// 5 s are rare, and half of a save is never meant.
const MAX_ATTEMPTS: usize = 250;

/// Loads the configuration as soon as none of its files is being written. `desired` is the
/// configuration in force.
///
/// # Errors
/// Loading panicked.
pub(crate) async fn load_when_stable(
    options: &LoadOptions,
    desired: &Arc<DesiredState>,
) -> Result<LoadResult, JoinError> {
    for _ in 0..MAX_ATTEMPTS {
        let (options, desired) = (options.clone(), Arc::clone(desired));
        let attempt = move || load_if_stable(&options, &desired.app, now());
        if let Some(loaded) = spawn_blocking(attempt).await? {
            return Ok(without_effective(loaded));
        }
        sleep(RETRY_DELAY).await;
    }
    let options = options.clone();
    let loaded = spawn_blocking(move || load(&options)).await?;
    Ok(without_effective(loaded))
}

/// The instance never shows the settings with their origins.
fn without_effective(mut loaded: LoadResult) -> LoadResult {
    if let Some(app) = &mut loaded.app {
        app.forget_effective();
    }
    loaded
}
