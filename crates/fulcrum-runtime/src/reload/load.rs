//! The configuration read while somebody may be saving it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::{App, LoadOptions, LoadResult, load};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::sleep;

use crate::context::now;
use crate::state::desired::DesiredState;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// So often it is tried again; whoever saves for longer than this is told of what is there.
const MAX_ATTEMPTS: usize = 50;

/// A file that has been empty for so long is meant to be.
const MIN_EMPTY_AGE: Duration = Duration::from_millis(200);

/// The file that holds settings, of an app and of a domain.
const FILE: &str = "fulcrum.yml";

/// Reads it when no file has changed during the reading, nor is empty since a moment ago: editors
/// that truncate a file first would have a domain of theirs without settings. `agenda` is what runs.
///
/// # Errors
/// The reading has panicked.
pub(crate) async fn load_when_stable(
    request: &LoadOptions,
    agenda: &Arc<DesiredState>,
) -> Result<LoadResult, JoinError> {
    for _ in 0..MAX_ATTEMPTS {
        let (request, agenda) = (request.clone(), Arc::clone(agenda));
        let read = move || try_load(&request, &agenda.app);
        if let Some(loaded) = spawn_blocking(read).await? {
            return Ok(loaded);
        }
        sleep(PAUSE).await;
    }
    let request = request.clone();
    spawn_blocking(move || load(&request)).await
}

/// `None` while somebody is writing.
fn try_load(request: &LoadOptions, app: &App) -> Option<LoadResult> {
    let files = files(app);
    let before = stamps(&files);
    if !before.iter().flatten().all(|stamp| stamp.is_complete) {
        return None;
    }
    let loaded = load(request);
    // New domains' files aren't among these: a change of those is heard of later.
    (stamps(&files) == before).then_some(loaded)
}

fn files(app: &App) -> Vec<PathBuf> {
    let domains = app.domains.iter();
    let variables = domains
        .clone()
        .flat_map(|domain| domain.process.env_files.clone());
    let own = domains.map(|domain| domain.dir.join(FILE));
    std::iter::once(app.root.join(FILE))
        .chain(own)
        .chain(variables)
        .collect()
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    changed: (i64, i64),
    size: u64,
    inode: u64,
    /// It isn't one that has just been emptied.
    is_complete: bool,
}

impl Stamp {
    fn of(file: &Path) -> Option<Self> {
        let status = fs::metadata(file).ok()?;
        let age = status
            .modified()
            .ok()
            .and_then(|at| now().duration_since(at).ok());
        let is_new = age.is_none_or(|age| age < MIN_EMPTY_AGE);
        Some(Self {
            changed: (status.ctime(), status.ctime_nsec()),
            size: status.len(),
            inode: status.ino(),
            is_complete: status.len() > 0 || !is_new,
        })
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|file| Stamp::of(file)).collect()
}
