//! Loads a configuration only while none of its files is being written.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::app::App;
use crate::file::CONFIG_FILE;
use crate::file_stamp::FileStamp;
use crate::load::load;
use crate::options::{LoadOptions, LoadResult};

/// A file that has been empty or invalid for this long is so on purpose.
const MIN_BROKEN_AGE: Duration = Duration::from_millis(200);

/// Loads the configuration, unless a file of `running` changes meanwhile, has just become empty, or
/// was written a moment ago and is invalid: some editors truncate a file before they write it, and
/// some write it in pieces. `now` is the wall clock's time. May block.
///
/// None means that a file is being written, so that the caller should try again a moment later.
pub fn load_if_stable(options: &LoadOptions, running: &App, now: SystemTime) -> Option<LoadResult> {
    let files = config_files(running);
    let before = read_stamps(&files);
    if !before.iter().flatten().all(|stamp| is_complete(stamp, now)) {
        return None;
    }
    let loaded = load(options);
    if !loaded.is_valid() && before.iter().flatten().any(|stamp| is_fresh(stamp, now)) {
        return None;
    }
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
    stamp.size > 0 || !is_fresh(stamp, now)
}

/// Whether a file was written a moment before or after `now`.
fn is_fresh(stamp: &FileStamp, now: SystemTime) -> bool {
    stamp.modified.is_some_and(|modified| {
        let distance = now.duration_since(modified);
        distance.unwrap_or_else(|ahead| ahead.duration()) < MIN_BROKEN_AGE
    })
}

fn read_stamps(files: &[PathBuf]) -> Vec<Option<FileStamp>> {
    files.iter().map(|file| FileStamp::read(file)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::mode::Mode;

    #[test]
    fn a_file_that_was_just_truncated_is_not_complete() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join(CONFIG_FILE);
        std::fs::write(&file, "").expect("a file");
        let stamp = FileStamp::read(&file).expect("a stamp");
        let written = stamp.modified.expect("a time of the last write");
        assert!(!is_complete(&stamp, written));
        assert!(is_complete(&stamp, written + MIN_BROKEN_AGE));
        std::fs::write(&file, "runtime: {}").expect("content");
        let stamp = FileStamp::read(&file).expect("a stamp");
        assert!(is_complete(&stamp, written));
    }

    #[test]
    fn an_invalid_file_is_read_again_until_it_is_a_while_old() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join(CONFIG_FILE);
        std::fs::write(&file, "runtime: {}\n").expect("a file");
        let options = LoadOptions {
            app: None,
            cwd: dir.path().to_owned(),
            env: BTreeMap::new(),
            flags: Vec::new(),
            mode: Mode::Dev,
            auto_ports: None,
        };
        let running = load(&options).app.expect("a valid configuration");
        std::fs::write(&file, "runtime:\n  domains: [").expect("half of a file");
        let stamp = FileStamp::read(&file).expect("a stamp");
        let written = stamp.modified.expect("a time of the last write");
        let attempt = |age| load_if_stable(&options, &running, written + age);
        assert!(attempt(Duration::ZERO).is_none());
        assert!(attempt(MIN_BROKEN_AGE - Duration::from_millis(1)).is_none());
        let loaded = attempt(MIN_BROKEN_AGE).expect("it is invalid on purpose");
        assert!(!loaded.is_valid(), "{:?}", loaded.diagnostics);
    }
}
