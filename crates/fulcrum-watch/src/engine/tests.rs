//! The engine over real files and a system that only says what the test makes it say.

use std::cell::RefCell;
use std::fs;
use std::rc::Rc;

use super::*;
use crate::change::{Change, ChangeKind, Key};
use crate::notifier::WatchFailure;
use crate::spec::{WatchSpec, WatchedDir, WatchedFile};

/// A system that tells of nothing by itself, and has only so many watches.
#[derive(Debug, Default, Clone)]
struct FakeNotifier(Rc<RefCell<Requested>>);

#[derive(Debug, Default)]
struct Requested {
    watched: BTreeSet<PathBuf>,
    left: Option<usize>,
}

impl Notifier for FakeNotifier {
    fn watch(&mut self, folder: &Path) -> Result<(), WatchFailure> {
        let mut asked = self.0.borrow_mut();
        match &mut asked.left {
            Some(0) => return Err(WatchFailure::LimitReached(used_up())),
            Some(left) => *left -= 1,
            None => {}
        }
        asked.watched.insert(folder.to_owned());
        Ok(())
    }

    fn unwatch(&mut self, folder: &Path) {
        self.0.borrow_mut().watched.remove(folder);
    }
}

fn used_up() -> LimitReached {
    LimitReached {
        reason: String::from("used up (fs.inotify.max_user_watches is 8)"),
        hint: String::from("sudo sysctl fs.inotify.max_user_watches=1024"),
    }
}

/// An app, an engine that hears only what the test tells it, and the test's clock.
struct Harness {
    home: tempfile::TempDir,
    system: FakeNotifier,
    engine: Engine<FakeNotifier>,
    now: Instant,
}

impl Harness {
    fn new(left: Option<usize>) -> Self {
        let home = tempfile::tempdir().unwrap();
        for domain in ["users", "orders"] {
            let lib = home.path().join("domains").join(domain).join("lib");
            fs::create_dir_all(&lib).unwrap();
            fs::write(lib.join("price.js"), "first").unwrap();
        }
        let system = FakeNotifier::default();
        system.0.borrow_mut().left = left;
        let now = start();
        let plan = ResolvedSpec::new(&spec(home.path())).unwrap();
        let engine = Engine::new(plan, Ok(system.clone()), WatchOptions::default(), now);
        let mut world = Self {
            home,
            system,
            engine,
            now,
        };
        while world.engine.is_learning() {
            world.engine.hash_next(now);
        }
        world
    }

    fn path(&self, path: &str) -> PathBuf {
        self.home.path().join("domains").join(path)
    }

    /// What is told until nothing is left to do, or for a second.
    fn pass(&mut self) -> (Vec<(PathBuf, ChangeKind)>, Vec<WatchStatus>) {
        let (mut changes, mut notices) = (Vec::new(), Vec::new());
        let end = self.now + Duration::from_secs(1);
        self.engine.tick(self.now);
        while let Some(at) = self.engine.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.engine.tick(self.now);
            self.engine.polled(self.now, self.now);
        }
        self.now = end;
        while let Some(notice) = self.engine.outbox.take_notice() {
            notices.push(notice);
        }
        if let Some(batch) = self.engine.outbox.take_changes() {
            changes.extend(
                batch
                    .changes
                    .into_iter()
                    .map(|Change { path, kind, .. }| (path, kind)),
            );
        }
        (changes, notices)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the test's clock begins doesn't matter"
)]
fn start() -> Instant {
    Instant::now()
}

fn spec(app: &Path) -> WatchSpec {
    WatchSpec {
        app_root: app.to_owned(),
        trees: ["users", "orders"]
            .map(|domain| WatchedDir::new(domain, app.join("domains").join(domain)))
            .into(),
        files: vec![WatchedFile::new(Key::from("env"), app.join(".env"))],
        ..WatchSpec::default()
    }
}

#[test]
fn only_wanted_folders_are_watched() {
    let mut world = Harness::new(None);
    let app = world.home.path().to_owned();
    for noise in ["node_modules/a/b", ".git/objects", "dist"] {
        fs::create_dir_all(app.join("domains/users").join(noise)).unwrap();
    }
    let plan = ResolvedSpec::new(&spec(&app)).unwrap();
    world.engine.update(plan, world.now);
    let mut expected: BTreeSet<PathBuf> = [
        "",
        "domains",
        "domains/users",
        "domains/users/lib",
        "domains/orders",
        "domains/orders/lib",
    ]
    .map(|folder| {
        if folder.is_empty() {
            app.clone()
        } else {
            app.join(folder)
        }
    })
    .into();
    expected.extend(app.parent().map(Path::to_owned));
    assert_eq!(world.system.0.borrow().watched, expected);
    let mut less = spec(&app);
    less.trees.truncate(1);
    world
        .engine
        .update(ResolvedSpec::new(&less).unwrap(), world.now);
    assert!(
        !world
            .system
            .0
            .borrow()
            .watched
            .contains(&app.join("domains/orders"))
    );
}

#[test]
fn after_lost_notifications_all_that_differs_is_told_and_all_is_watched_anew() {
    let mut world = Harness::new(None);
    world.pass();
    fs::write(world.path("users/lib/price.js"), "other").unwrap();
    fs::remove_dir_all(world.path("orders/lib")).unwrap();
    fs::create_dir_all(world.path("users/new/deep")).unwrap();
    fs::write(world.path("users/new/deep/a.js"), "new").unwrap();
    fs::write(world.home.path().join(".env"), "A=1").unwrap();
    world.system.0.borrow_mut().watched.clear();
    assert_eq!(
        world.pass(),
        (Vec::new(), Vec::new()),
        "nobody has told of it"
    );

    world.engine.signal(FsEvent::Lost, world.now);
    world.engine.signal(FsEvent::Lost, world.now);
    let (changes, notices) = world.pass();
    let expected = [
        (world.home.path().join(".env"), ChangeKind::Created),
        (world.path("orders/lib/price.js"), ChangeKind::Removed),
        (world.path("users/lib/price.js"), ChangeKind::Modified),
        (world.path("users/new/deep/a.js"), ChangeKind::Created),
    ];
    assert_eq!(changes, expected);
    assert_eq!(notices, [WatchStatus::Rescanned]);
    let asked = world.system.0.borrow();
    for folder in ["users/new/deep", "users/lib", "orders"] {
        assert!(asked.watched.contains(&world.path(folder)), "{folder}");
    }
    assert!(!asked.watched.contains(&world.path("orders/lib")));
}

#[test]
fn when_the_system_has_no_watches_left_it_polls_and_says_so_once() {
    for left in 0..7 {
        let mut world = Harness::new(Some(left));
        let (changes, notices) = world.pass();
        assert_eq!(changes, []);
        let told: Vec<_> = notices
            .iter()
            .filter(|notice| matches!(notice, WatchStatus::PollingFallback { cure, .. } if cure.contains("max_user_watches")))
            .collect();
        assert_eq!(told.len(), 1, "with {left} watches: {notices:?}");
        fs::write(world.path("users/lib/price.js"), "other").unwrap();
        let (changes, notices) = world.pass();
        assert_eq!(
            changes,
            [(world.path("users/lib/price.js"), ChangeKind::Modified)]
        );
        assert_eq!(notices, []);
    }
}

#[test]
fn watches_may_run_out_later() {
    let mut world = Harness::new(Some(7));
    let (_, notices) = world.pass();
    assert!(
        !notices
            .iter()
            .any(|notice| matches!(notice, WatchStatus::PollingFallback { .. }))
    );
    fs::create_dir_all(world.path("users/new")).unwrap();
    fs::write(world.path("users/new/a.js"), "first").unwrap();
    let new = world.path("users/new");
    world
        .engine
        .signal(FsEvent::Created(new.clone()), world.now);
    let (changes, notices) = world.pass();
    assert_eq!(changes, [(new.join("a.js"), ChangeKind::Created)]);
    assert!(
        matches!(notices[..], [WatchStatus::PollingFallback { .. }]),
        "{notices:?}"
    );
    fs::write(new.join("a.js"), "second").unwrap();
    assert_eq!(world.pass().0, [(new.join("a.js"), ChangeKind::Modified)]);
}

#[test]
fn a_file_that_is_written_is_told_when_it_is_closed() {
    let mut world = Harness::new(None);
    world.pass();
    let path = world.path("users/lib/price.js");
    fs::write(&path, "half").unwrap();
    world
        .engine
        .signal(FsEvent::Written(path.clone()), world.now);
    world.engine.tick(world.now);
    assert!(world.engine.outbox.take_changes().is_none());
    fs::write(&path, "half and half").unwrap();
    world
        .engine
        .signal(FsEvent::Closed(path.clone()), world.now);
    world.engine.tick(world.now);
    let told = world
        .engine
        .outbox
        .take_changes()
        .map(|batch| batch.changes.len());
    assert_eq!(told, Some(1), "and at once");
}

#[test]
fn a_file_emptied_for_good_is_told() {
    let mut world = Harness::new(None);
    world.pass();
    let path = world.path("users/lib/price.js");
    fs::write(&path, "").unwrap();
    world
        .engine
        .signal(FsEvent::Closed(path.clone()), world.now);
    world.engine.tick(world.now);
    assert!(world.engine.outbox.take_changes().is_none());
    assert_eq!(world.pass().0, [(path, ChangeKind::Modified)]);
}

#[test]
fn a_file_that_was_gone_while_another_change_was_told_is_told_when_it_is_back() {
    for is_told in [false, true] {
        let mut world = Harness::new(None);
        world.pass();
        let path = world.path("users/lib/price.js");
        let other = world.path("orders/lib/price.js");
        fs::remove_file(&path).unwrap();
        world.engine.signal(FsEvent::Gone(path.clone()), world.now);
        world.engine.tick(world.now);
        world.now += Duration::from_millis(1);
        if is_told {
            fs::write(&other, "other").unwrap();
            world
                .engine
                .signal(FsEvent::Closed(other.clone()), world.now);
            world.engine.tick(world.now);
            assert!(world.engine.outbox.take_changes().is_some());
        }
        world.now += Duration::from_millis(1);
        fs::write(&path, "first").unwrap();
        world
            .engine
            .signal(FsEvent::Closed(path.clone()), world.now);
        let expected = if is_told {
            vec![(path, ChangeKind::Modified)]
        } else {
            Vec::new()
        };
        assert_eq!(world.pass().0, expected);
    }
}
