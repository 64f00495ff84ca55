//! An app on the disk, watched, and what is told of it.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fulcrum_watch::{
    Change, ChangeKind, Key, WatchEvent, WatchOptions, WatchSpec, WatchStatus, WatchedDir, Watcher,
};
use tempfile::TempDir;

/// Nothing here takes longer, even on a machine that has other things to do.
const LIMIT: Duration = Duration::from_secs(20);

/// An app in a folder of its own.
pub(crate) struct App {
    home: TempDir,
    root: PathBuf,
}

impl App {
    /// One with the domains `users` and `orders`, each of two files.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("no folder for the test");
        let root = home
            .path()
            .canonicalize()
            .expect("the folder is gone")
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
        let folder = path.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("no folder");
        fs::write(&path, text).expect("not written");
        path
    }

    /// Both domains, with their names as keys.
    pub(crate) fn spec(&self) -> WatchSpec {
        WatchSpec {
            app_root: self.root.clone(),
            trees: ["users", "orders"]
                .map(|domain| WatchedDir::new(domain, self.path("domains").join(domain)))
                .into(),
            ..WatchSpec::default()
        }
    }

    /// Watches both domains, and has learned their files.
    pub(crate) async fn watch(&self) -> Told {
        Told::start(&self.spec(), WatchOptions::default()).await
    }
}

/// What a watcher tells.
pub(crate) struct Told {
    pub(crate) watcher: Watcher,
    pub(crate) notices: Vec<WatchStatus>,
    waiting: std::vec::IntoIter<Change>,
}

impl Told {
    pub(crate) async fn start(spec: &WatchSpec, options: WatchOptions) -> Self {
        let watcher = Watcher::start(spec, options).await.expect("not started");
        let mut told = Self {
            watcher,
            notices: Vec::new(),
            waiting: Vec::new().into_iter(),
        };
        told.notice(|notice| matches!(notice, WatchStatus::Ready { .. }))
            .await;
        told
    }

    /// The next change.
    pub(crate) async fn change(&mut self) -> Change {
        loop {
            if let Some(change) = self.waiting.next() {
                return change;
            }
            match self.news("a change").await {
                WatchEvent::Changes(batch) => self.waiting = batch.changes.into_iter(),
                WatchEvent::WatchStatus(notice) => self.notices.push(notice),
            }
        }
    }

    /// Waits for a notice, before which nothing may change.
    pub(crate) async fn notice(&mut self, is_it: impl Fn(&WatchStatus) -> bool) {
        while !self.notices.iter().any(&is_it) {
            match self.news("a notice").await {
                WatchEvent::WatchStatus(notice) => self.notices.push(notice),
                WatchEvent::Changes(batch) => panic!("changed before the notice: {batch:?}"),
            }
        }
    }

    async fn news(&mut self, what: &str) -> WatchEvent {
        match tokio::time::timeout(LIMIT, self.watcher.next()).await {
            Ok(Some(news)) => news,
            Ok(None) => panic!("the watching ended instead of {what}"),
            Err(_) => panic!("no {what} within {LIMIT:?}; notices: {:?}", self.notices),
        }
    }

    /// The next change is this one.
    pub(crate) async fn expect(&mut self, path: &Path, kind: ChangeKind, keys: &[&str]) {
        let keys: Vec<Key> = keys.iter().map(|key| Key::from(*key)).collect();
        let expected = Change {
            path: path.to_owned(),
            kind,
            keys,
        };
        assert_eq!(self.change().await, expected);
    }

    /// Nothing is told of what has been done so far: the next change is that of a file which is
    /// made now, and which is told later than whatever was before it.
    pub(crate) async fn expect_nothing(&mut self, app: &App) {
        let path = app.write("domains/orders/sentinel.js", "here");
        self.expect(&path, ChangeKind::Created, &["orders"]).await;
        fs::remove_file(&path).expect("no sentinel");
        self.expect(&path, ChangeKind::Removed, &["orders"]).await;
    }
}

/// Runs a program that people save files with.
#[expect(
    clippy::disallowed_methods,
    reason = "a tool of this machine, not a domain"
)]
pub(crate) fn run(program: &str, args: &[&dyn AsRef<std::ffi::OsStr>]) {
    let status = Command::new(program)
        .args(args.iter().map(|arg| arg.as_ref()))
        .status()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(status.success(), "{program}: {status}");
}

/// How a slow writer spends its time.
#[expect(
    clippy::disallowed_methods,
    reason = "the writer is slow, nothing waits for it"
)]
pub(crate) fn dawdle(time: Duration) {
    std::thread::sleep(time);
}
