//! A watched app on disk, and the events of its watcher.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fulcrum_watch::{
    Change, ChangeKind, Key, WatchEvent, WatchOptions, WatchSpec, WatchStatus, WatchedDir, Watcher,
};
use tempfile::TempDir;

/// The limit of each wait, which suffices even on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// An app in a temporary directory.
pub(crate) struct App {
    home: TempDir,
    root: PathBuf,
}

impl App {
    /// An app with the domains `users` and `orders`, each with two files.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let root = home
            .path()
            .canonicalize()
            .expect("a canonical path")
            .join("app");
        let app = Self { home, root };
        for domain in ["users", "orders"] {
            app.write(&format!("domains/{domain}/domain.js"), "first");
            app.write(&format!("domains/{domain}/lib/price.js"), "first");
        }
        app
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path(path);
        let dir = path.parent().expect("a parent directory");
        fs::create_dir_all(dir).expect("a new directory");
        fs::write(&path, text).expect("a written file");
        path
    }

    /// Both domains, with their names as keys.
    pub(crate) fn spec(&self) -> WatchSpec {
        WatchSpec {
            app_root: self.root.clone(),
            dirs: ["users", "orders"]
                .map(|domain| WatchedDir::new(domain, self.path("domains").join(domain)))
                .into(),
            ..WatchSpec::default()
        }
    }

    /// Watches both domains, and waits until their files are known.
    pub(crate) async fn watch(&self) -> Events {
        Events::start(&self.spec(), WatchOptions::default()).await
    }
}

/// The events of a watcher.
pub(crate) struct Events {
    pub(crate) watcher: Watcher,
    pub(crate) statuses: Vec<WatchStatus>,
    waiting: std::vec::IntoIter<Change>,
}

impl Events {
    pub(crate) async fn start(spec: &WatchSpec, options: WatchOptions) -> Self {
        let watcher = Watcher::start(spec, options)
            .await
            .expect("a started watcher");
        let mut events = Self {
            watcher,
            statuses: Vec::new(),
            waiting: Vec::new().into_iter(),
        };
        events
            .wait_for_status(|status| matches!(status, WatchStatus::Ready { .. }))
            .await;
        events
    }

    /// The next change.
    pub(crate) async fn next_change(&mut self) -> Change {
        loop {
            if let Some(change) = self.waiting.next() {
                return change;
            }
            match self.next_event("a change").await {
                WatchEvent::Changes(batch) => self.waiting = batch.changes.into_iter(),
                WatchEvent::Status(status) => self.statuses.push(status),
            }
        }
    }

    /// Waits for a status, before which nothing may change.
    pub(crate) async fn wait_for_status(&mut self, is_match: impl Fn(&WatchStatus) -> bool) {
        while !self.statuses.iter().any(&is_match) {
            match self.next_event("a status").await {
                WatchEvent::Status(status) => self.statuses.push(status),
                WatchEvent::Changes(batch) => panic!("changed before the status: {batch:?}"),
            }
        }
    }

    async fn next_event(&mut self, what: &str) -> WatchEvent {
        match tokio::time::timeout(LIMIT, self.watcher.next()).await {
            Ok(Some(event)) => event,
            Ok(None) => panic!("the watcher ended instead of {what}"),
            Err(_) => panic!("no {what} within {LIMIT:?}; statuses: {:?}", self.statuses),
        }
    }

    /// Asserts that this is the next change.
    pub(crate) async fn expect_change(&mut self, path: &Path, kind: ChangeKind, keys: &[&str]) {
        let keys: Vec<Key> = keys.iter().map(|key| Key::from(*key)).collect();
        let expected = Change {
            path: path.to_owned(),
            kind,
            keys,
        };
        assert_eq!(self.next_change().await, expected);
    }

    /// Asserts that nothing so far is reported: the next change is that of a file which is created
    /// now, and changes are reported in order.
    pub(crate) async fn expect_no_change(&mut self, app: &App) {
        let path = app.write("domains/orders/sentinel.js", "here");
        self.expect_change(&path, ChangeKind::Created, &["orders"])
            .await;
        fs::remove_file(&path).expect("a sentinel file");
        self.expect_change(&path, ChangeKind::Removed, &["orders"])
            .await;
    }
}

/// Runs a program that saves files.
#[expect(
    clippy::disallowed_methods,
    reason = "a tool of the operating system, not a domain"
)]
pub(crate) fn run(program: &str, args: &[&dyn AsRef<std::ffi::OsStr>]) {
    let status = Command::new(program)
        .args(args.iter().map(|arg| arg.as_ref()))
        .status()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(status.success(), "{program}: {status}");
}

/// The pause of a slow writer.
#[expect(clippy::disallowed_methods, reason = "the writer is slow on purpose")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
