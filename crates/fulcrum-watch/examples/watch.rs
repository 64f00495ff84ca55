//! Watches a temporary directory, changes files in it, and prints the changes:
//! `cargo run -p fulcrum-watch --example watch`.
#![expect(
    clippy::disallowed_macros,
    reason = "a stand-alone program that prints to standard output"
)]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use fulcrum_watch::{WatchEvent, WatchOptions, WatchSpec, WatchStatus, WatchedDir, Watcher};

/// Changes something in a directory.
type Change = fn(&Path) -> std::io::Result<()>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = tempfile::tempdir()?;
    let app = app.path().canonicalize()?;
    let users = app.join("users");
    fs::create_dir_all(users.join("node_modules"))?;
    fs::write(users.join("domain.js"), "export default 1;\n")?;

    let spec = WatchSpec {
        app_root: app.clone(),
        dirs: vec![WatchedDir::new("users", &users)],
        ..WatchSpec::default()
    };
    let mut watcher = Watcher::start(&spec, WatchOptions::default()).await?;

    // From here on, rewriting a file with the same content is no change.
    while !matches!(
        watcher.next().await.ok_or("the watcher has ended")?,
        WatchEvent::Status(WatchStatus::Ready { .. })
    ) {}

    let changes: [(&str, Change); 4] = [
        ("save domain.js", |dir| {
            fs::write(dir.join("domain.js"), "export default 2;\n")
        }),
        ("save a new file with a rename", |dir| {
            fs::write(dir.join("price.js.tmp"), "export const price = 1;\n")?;
            fs::rename(dir.join("price.js.tmp"), dir.join("price.js"))
        }),
        ("write into node_modules, which is ignored", |dir| {
            fs::write(dir.join("node_modules/package.js"), "")
        }),
        ("remove price.js", |dir| {
            fs::remove_file(dir.join("price.js"))
        }),
    ];
    for (title, change) in changes {
        println!("{title}");
        change(&users)?;
        match tokio::time::timeout(Duration::from_millis(500), watcher.next()).await {
            Ok(Some(WatchEvent::Changes(batch))) => {
                for change in batch.changes {
                    let path = change.path.strip_prefix(&app)?.display();
                    println!("  {:?} {path} (keys {:?})", change.kind, change.keys);
                }
            }
            Ok(Some(WatchEvent::Status(status))) => println!("  {status:?}"),
            Ok(None) => return Err("the watcher has ended".into()),
            Err(_) => println!("  no change reported"),
        }
    }
    Ok(())
}
