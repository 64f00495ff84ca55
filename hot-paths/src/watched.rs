//! Saves of a watched file.

use std::fs;

use anyhow::{Context, ensure};
use fulcrum_watch::{WatchEvent, WatchOptions, WatchSpec, WatchStatus, WatchedDir, Watcher};

/// Saves a file `count` times, as editors do: a complete file is renamed over the one before.
pub(super) async fn changes(count: u32) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let app_root = directory.path().canonicalize()?.join("app");
    let users = app_root.join("users");
    fs::create_dir_all(&users)?;
    let file = users.join("domain.js");
    fs::write(&file, "export default 0;\n")?;
    // Outside of what is watched: the rename is all that happens there.
    let draft = directory.path().join("domain.js");

    let spec = WatchSpec {
        app_root,
        dirs: vec![WatchedDir::new("users", &users)],
        ..WatchSpec::default()
    };
    let mut watcher = Watcher::start(&spec, WatchOptions::default()).await?;
    while !matches!(
        watcher.next().await.context("the watcher ended")?,
        WatchEvent::Status(WatchStatus::Ready { .. })
    ) {}
    for number in 1..=count {
        fs::write(&draft, format!("export default {number:05};\n"))?;
        fs::rename(&draft, &file)?;
        let event = watcher.next().await.context("the watcher ended")?;
        let WatchEvent::Changes(batch) = event else {
            anyhow::bail!("save {number}: {event:?}");
        };
        ensure!(
            batch.changes.len() == 1 && batch.changes[0].path == file,
            "save {number}: {:?}",
            batch.changes
        );
    }
    Ok(())
}
