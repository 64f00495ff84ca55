//! The engine over real files, with notifications from the test.

use std::cell::RefCell;
use std::fs;
use std::rc::Rc;

use super::*;
use crate::change::{Change, ChangeKind, Key};
use crate::notifier::WatchFailure;
use crate::spec::{WatchSpec, WatchedDir, WatchedFile};

/// A notifier that sends nothing by itself and has a limited number of watches.
#[derive(Debug, Default, Clone)]
struct FakeNotifier(Rc<RefCell<Requested>>);

#[derive(Debug, Default)]
struct Requested {
    watched: BTreeSet<PathBuf>,
    limit: Option<usize>,
}

impl Notifier for FakeNotifier {
    fn watch(&mut self, dir: &Path) -> Result<(), WatchFailure> {
        let mut requested = self.0.borrow_mut();
        match &mut requested.limit {
            Some(0) => return Err(WatchFailure::LimitReached(watch_limit())),
            Some(limit) => *limit -= 1,
            None => {}
        }
        requested.watched.insert(dir.to_owned());
        Ok(())
    }

    fn unwatch(&mut self, dir: &Path) {
        self.0.borrow_mut().watched.remove(dir);
    }
}

fn watch_limit() -> LimitReached {
    LimitReached {
        reason: String::from("used up (fs.inotify.max_user_watches is 8)"),
        hint: String::from("sudo sysctl fs.inotify.max_user_watches=1024"),
    }
}

/// An app, an engine with notifications from the test, and the test's clock.
struct Harness {
    home: tempfile::TempDir,
    notifier: FakeNotifier,
    engine: Engine<FakeNotifier>,
    now: Instant,
}

impl Harness {
    fn new(limit: Option<usize>) -> Self {
        let home = tempfile::tempdir().unwrap();
        for domain in ["users", "orders"] {
            let lib = home.path().join("domains").join(domain).join("lib");
            fs::create_dir_all(&lib).unwrap();
            fs::write(lib.join("price.js"), "first").unwrap();
        }
        let notifier = FakeNotifier::default();
        notifier.0.borrow_mut().limit = limit;
        let now = start();
        let resolved = ResolvedSpec::new(&spec(home.path())).unwrap();
        let engine = Engine::new(resolved, Ok(notifier.clone()), WatchOptions::default(), now);
        let mut harness = Self {
            home,
            notifier,
            engine,
            now,
        };
        while harness.engine.is_hashing() {
            harness.engine.hash_next(now);
        }
        harness
    }

    fn path(&self, path: &str) -> PathBuf {
        self.home.path().join("domains").join(path)
    }

    /// What is reported within a second.
    fn settle(&mut self) -> (Vec<(PathBuf, ChangeKind)>, Vec<WatchStatus>) {
        let (mut changes, mut statuses) = (Vec::new(), Vec::new());
        let end = self.now + Duration::from_secs(1);
        self.engine.tick(self.now);
        while let Some(at) = self.engine.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.engine.tick(self.now);
            self.engine.polled(self.now, self.now);
        }
        self.now = end;
        while let Some(status) = self.engine.queue.next_status() {
            statuses.push(status);
        }
        if let Some(batch) = self.engine.queue.take_changes() {
            changes.extend(
                batch
                    .changes
                    .into_iter()
                    .map(|Change { path, kind, .. }| (path, kind)),
            );
        }
        (changes, statuses)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an arbitrary start of the test's clock"
)]
fn start() -> Instant {
    Instant::now()
}

fn spec(app: &Path) -> WatchSpec {
    WatchSpec {
        app_root: app.to_owned(),
        dirs: ["users", "orders"]
            .map(|domain| WatchedDir::new(domain, app.join("domains").join(domain)))
            .into(),
        files: vec![WatchedFile::new(Key::from("env"), app.join(".env"))],
        ..WatchSpec::default()
    }
}

#[test]
fn only_directories_that_are_not_ignored_are_watched() {
    let mut harness = Harness::new(None);
    let app = harness.home.path().to_owned();
    for noise in ["node_modules/a/b", ".git/objects", "dist"] {
        fs::create_dir_all(app.join("domains/users").join(noise)).unwrap();
    }
    let resolved = ResolvedSpec::new(&spec(&app)).unwrap();
    harness.engine.update(resolved, harness.now);
    let mut expected: BTreeSet<PathBuf> = [
        "",
        "domains",
        "domains/users",
        "domains/users/lib",
        "domains/orders",
        "domains/orders/lib",
    ]
    .map(|dir| {
        if dir.is_empty() {
            app.clone()
        } else {
            app.join(dir)
        }
    })
    .into();
    expected.extend(app.parent().map(Path::to_owned));
    assert_eq!(harness.notifier.0.borrow().watched, expected);
    let mut less = spec(&app);
    less.dirs.truncate(1);
    harness
        .engine
        .update(ResolvedSpec::new(&less).unwrap(), harness.now);
    assert!(
        !harness
            .notifier
            .0
            .borrow()
            .watched
            .contains(&app.join("domains/orders"))
    );
}

#[test]
fn a_file_that_is_created_just_before_the_spec_is_replaced_is_reported() {
    for limit in [None, Some(0)] {
        let mut harness = Harness::new(limit);
        harness.settle();
        let app = harness.home.path().to_owned();
        let shared = app.join("shared");
        fs::create_dir_all(harness.path("users/views")).unwrap();
        fs::create_dir_all(&shared).unwrap();
        let created = ["orders/a.js", "users/views/x.hbs"].map(|path| harness.path(path));
        for path in [&created[0], &created[1], &shared.join("money.js")] {
            fs::write(path, "new").unwrap();
        }
        let mut more = spec(&app);
        more.dirs.push(WatchedDir::new("users", shared));
        harness
            .engine
            .update(ResolvedSpec::new(&more).unwrap(), harness.now);
        let dir = harness.path("users/views");
        harness.engine.on_event(FsEvent::Created(dir), harness.now);
        let expected = created.map(|path| (path, ChangeKind::Created));
        assert_eq!(
            harness.settle().0,
            expected,
            "what was not watched before is known as it is; limit {limit:?}"
        );
    }
}

#[test]
fn after_lost_notifications_all_differences_are_reported_and_all_directories_are_watched_again() {
    let mut harness = Harness::new(None);
    harness.settle();
    fs::write(harness.path("users/lib/price.js"), "other").unwrap();
    fs::remove_dir_all(harness.path("orders/lib")).unwrap();
    fs::create_dir_all(harness.path("users/new/deep")).unwrap();
    fs::write(harness.path("users/new/deep/a.js"), "new").unwrap();
    fs::write(harness.home.path().join(".env"), "A=1").unwrap();
    harness.notifier.0.borrow_mut().watched.clear();
    assert_eq!(
        harness.settle(),
        (Vec::new(), Vec::new()),
        "there was no notification"
    );

    harness.engine.on_event(FsEvent::Lost, harness.now);
    harness.engine.on_event(FsEvent::Lost, harness.now);
    let (changes, statuses) = harness.settle();
    let expected = [
        (harness.home.path().join(".env"), ChangeKind::Created),
        (harness.path("orders/lib/price.js"), ChangeKind::Removed),
        (harness.path("users/lib/price.js"), ChangeKind::Modified),
        (harness.path("users/new/deep/a.js"), ChangeKind::Created),
    ];
    assert_eq!(changes, expected);
    assert_eq!(statuses, [WatchStatus::Rescanned]);
    let requested = harness.notifier.0.borrow();
    for dir in ["users/new/deep", "users/lib", "orders"] {
        assert!(requested.watched.contains(&harness.path(dir)), "{dir}");
    }
    assert!(!requested.watched.contains(&harness.path("orders/lib")));
}

#[test]
fn when_the_limit_of_watches_is_reached_it_polls_and_reports_that_once() {
    for limit in 0..7 {
        let mut harness = Harness::new(Some(limit));
        let (changes, statuses) = harness.settle();
        assert_eq!(changes, []);
        let reported: Vec<_> = statuses
            .iter()
            .filter(|status| matches!(status, WatchStatus::PollingFallback { hint, .. } if hint.contains("max_user_watches")))
            .collect();
        assert_eq!(reported.len(), 1, "with {limit} watches: {statuses:?}");
        fs::write(harness.path("users/lib/price.js"), "other").unwrap();
        let (changes, statuses) = harness.settle();
        assert_eq!(
            changes,
            [(harness.path("users/lib/price.js"), ChangeKind::Modified)]
        );
        assert_eq!(statuses, []);
    }
}

#[test]
fn the_limit_of_watches_may_be_reached_later() {
    let mut harness = Harness::new(Some(7));
    let (_, statuses) = harness.settle();
    assert!(
        !statuses
            .iter()
            .any(|status| matches!(status, WatchStatus::PollingFallback { .. }))
    );
    fs::create_dir_all(harness.path("users/new")).unwrap();
    fs::write(harness.path("users/new/a.js"), "first").unwrap();
    let new = harness.path("users/new");
    harness
        .engine
        .on_event(FsEvent::Created(new.clone()), harness.now);
    let (changes, statuses) = harness.settle();
    assert_eq!(changes, [(new.join("a.js"), ChangeKind::Created)]);
    assert!(
        matches!(statuses[..], [WatchStatus::PollingFallback { .. }]),
        "{statuses:?}"
    );
    fs::write(new.join("a.js"), "second").unwrap();
    assert_eq!(
        harness.settle().0,
        [(new.join("a.js"), ChangeKind::Modified)]
    );
}

#[test]
fn a_written_file_is_reported_when_it_is_closed() {
    let mut harness = Harness::new(None);
    harness.settle();
    let path = harness.path("users/lib/price.js");
    fs::write(&path, "half").unwrap();
    harness
        .engine
        .on_event(FsEvent::Written(path.clone()), harness.now);
    harness.engine.tick(harness.now);
    assert!(harness.engine.queue.take_changes().is_none());
    fs::write(&path, "half and half").unwrap();
    harness
        .engine
        .on_event(FsEvent::Closed(path.clone()), harness.now);
    harness.engine.tick(harness.now);
    let reported = harness
        .engine
        .queue
        .take_changes()
        .map(|batch| batch.changes.len());
    assert_eq!(reported, Some(1), "at once");
}

#[test]
fn a_file_that_stays_empty_is_reported() {
    let mut harness = Harness::new(None);
    harness.settle();
    let path = harness.path("users/lib/price.js");
    fs::write(&path, "").unwrap();
    harness
        .engine
        .on_event(FsEvent::Closed(path.clone()), harness.now);
    harness.engine.tick(harness.now);
    assert!(harness.engine.queue.take_changes().is_none());
    assert_eq!(harness.settle().0, [(path, ChangeKind::Modified)]);
}

#[test]
fn a_file_that_was_missing_while_another_change_was_reported_is_reported_again() {
    for is_reported in [false, true] {
        let mut harness = Harness::new(None);
        harness.settle();
        let path = harness.path("users/lib/price.js");
        let other = harness.path("orders/lib/price.js");
        fs::remove_file(&path).unwrap();
        harness
            .engine
            .on_event(FsEvent::Gone(path.clone()), harness.now);
        harness.engine.tick(harness.now);
        harness.now += Duration::from_millis(1);
        if is_reported {
            fs::write(&other, "other").unwrap();
            harness
                .engine
                .on_event(FsEvent::Closed(other.clone()), harness.now);
            harness.engine.tick(harness.now);
            assert!(harness.engine.queue.take_changes().is_some());
        }
        harness.now += Duration::from_millis(1);
        fs::write(&path, "first").unwrap();
        harness
            .engine
            .on_event(FsEvent::Closed(path.clone()), harness.now);
        let expected = if is_reported {
            vec![(path, ChangeKind::Modified)]
        } else {
            Vec::new()
        };
        assert_eq!(harness.settle().0, expected);
    }
}
