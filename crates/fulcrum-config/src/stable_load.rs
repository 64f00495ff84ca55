//! Loads a configuration only while none of its files is being written.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::app::App;
use crate::file::CONFIG_FILE;
use crate::file_stamp::FileStamp;
use crate::load::load;
use crate::options::{LoadOptions, LoadResult};

/// A file that has been empty for this long is empty on purpose.
const MIN_EMPTY_AGE: Duration = Duration::from_millis(200);

/// Loads the configuration, unless a file of `running` changes meanwhile or has just become empty:
/// some editors truncate a file before they write it. `now` is the wall clock's time. May block.
///
/// None means that a file is being written, so that the caller should try again a moment later.
pub fn load_if_stable(options: &LoadOptions, running: &App, now: SystemTime) -> Option<LoadResult> {
    let files = config_files(running);
    let before = read_stamps(&files);
    if !before.iter().flatten().all(|stamp| is_complete(stamp, now)) {
        return None;
    }
    let loaded = load(options);
    // Files of new domains are not among these: their changes are noticed later.
    (read_stamps(&files) == before).then_some(loaded)
}

/// The app's file, and each domain's file and environment files.
fn config_files(app: &App) -> Vec<PathBuf> {
    let mut files = vec![app.root.join(CONFIG_FILE)];
    for domain in &app.domains {
        files.push(domain.dir.join(CONFIG_FILE));
        files.extend(
            domain
                .process
                .env_files
                .iter()
                .map(|file| file.path.clone()),
        );
    }
    files
}

/// Whether a file has content, or has been empty for a while.
fn is_complete(stamp: &FileStamp, now: SystemTime) -> bool {
    let modified = stamp.modified;
    let age = modified.and_then(|modified| now.duration_since(modified).ok());
    stamp.size > 0 || age.is_some_and(|age| age >= MIN_EMPTY_AGE)
}

fn read_stamps(files: &[PathBuf]) -> Vec<Option<FileStamp>> {
    files.iter().map(|file| FileStamp::read(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_just_truncated_is_not_complete() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join(CONFIG_FILE);
        std::fs::write(&file, "").expect("a file");
        let stamp = FileStamp::read(&file).expect("a stamp");
        let written = stamp.modified.expect("a time of the last write");
        assert!(!is_complete(&stamp, written));
        assert!(is_complete(&stamp, written + MIN_EMPTY_AGE));
        std::fs::write(&file, "runtime: {}").expect("content");
        let stamp = FileStamp::read(&file).expect("a stamp");
        assert!(is_complete(&stamp, written));
    }
}
