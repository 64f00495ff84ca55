//! The system's notifications, behind a trait that tests stand in for.

use std::fs;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind, RenameMode};
use notify::{Config, ErrorKind, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

/// Something that the system told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FsEvent {
    /// Data was written; more may come.
    Written(PathBuf),
    /// Whoever wrote has closed the file.
    Closed(PathBuf),
    /// A name has come into being.
    Created(PathBuf),
    /// Something was renamed to this name, or something has happened that isn't told precisely.
    Arrived(PathBuf),
    /// A name is gone, or moved away; with it whatever was watched there.
    Gone(PathBuf),
    /// Notifications were lost.
    Lost,
}

/// Why a folder isn't watched.
#[derive(Debug)]
pub(crate) enum WatchFailure {
    /// It is gone, which will be told, or was.
    Gone,
    /// The system has no more notifications for us.
    LimitReached(LimitReached),
    /// Anything else.
    Other(String),
}

/// A limit of the system that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LimitReached {
    pub(crate) reason: String,
    pub(crate) hint: String,
}

/// What notifies of changes in folders, not in what is below them.
pub(crate) trait Notifier {
    /// Begins to notify of a folder. To ask twice does no harm.
    fn watch(&mut self, folder: &Path) -> Result<(), WatchFailure>;
    /// Ends it. That it wasn't watched does no harm.
    fn unwatch(&mut self, folder: &Path);
}

/// The notifications of this machine.
pub(crate) struct NotifyBackend(RecommendedWatcher);

impl NotifyBackend {
    /// Hands signals to `tell`, on a thread of its own.
    pub(crate) fn new(tell: impl Fn(FsEvent) + Send + 'static) -> Result<Self, LimitReached> {
        let handler = move |event: notify::Result<notify::Event>| match event {
            Ok(event) => translate(event, &tell),
            Err(_) => tell(FsEvent::Lost),
        };
        RecommendedWatcher::new(handler, Config::default())
            .map(Self)
            .map_err(|error| exhausted(&error, &INSTANCES))
    }
}

impl Notifier for NotifyBackend {
    fn watch(&mut self, folder: &Path) -> Result<(), WatchFailure> {
        self.0
            .watch(folder, RecursiveMode::NonRecursive)
            .map_err(|error| match &error.kind {
                ErrorKind::MaxFilesWatch => WatchFailure::LimitReached(exhausted(&error, &WATCHES)),
                ErrorKind::PathNotFound => WatchFailure::Gone,
                ErrorKind::Io(io) if io.kind() == std::io::ErrorKind::NotFound => {
                    WatchFailure::Gone
                }
                ErrorKind::Io(_)
                | ErrorKind::Generic(_)
                | ErrorKind::WatchNotFound
                | ErrorKind::InvalidConfig(_) => WatchFailure::Other(error.to_string()),
            })
    }

    fn unwatch(&mut self, folder: &Path) {
        // The kernel drops the watch of a folder that goes, and notify with it.
        let _ = self.0.unwatch(folder);
    }
}

fn translate(event: notify::Event, tell: &impl Fn(FsEvent)) {
    if event.need_rescan() {
        return tell(FsEvent::Lost);
    }
    let as_signal: fn(PathBuf) -> FsEvent = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => FsEvent::Closed,
        // Opening and reading, our own included; and times, owners and permissions.
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => return,
        EventKind::Create(
            CreateKind::Any | CreateKind::File | CreateKind::Folder | CreateKind::Other,
        ) => FsEvent::Created,
        EventKind::Modify(ModifyKind::Name(RenameMode::From))
        | EventKind::Remove(
            RemoveKind::Any | RemoveKind::File | RemoveKind::Folder | RemoveKind::Other,
        ) => FsEvent::Gone,
        // Both halves have been told on their own.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => return,
        EventKind::Modify(ModifyKind::Name(
            RenameMode::To | RenameMode::Any | RenameMode::Other,
        )) => FsEvent::Arrived,
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any | ModifyKind::Other) => {
            FsEvent::Written
        }
        EventKind::Any | EventKind::Other => FsEvent::Arrived,
    };
    event.paths.into_iter().map(as_signal).for_each(tell);
}

/// A limit of inotify: what it counts, and the settings that hold it; the lower one applies.
struct Limit {
    what: &'static str,
    settings: [(&'static str, &'static str); 2],
}

const WATCHES: Limit = Limit {
    what: "folders that may be watched",
    settings: [
        (
            "fs.inotify.max_user_watches",
            "/proc/sys/fs/inotify/max_user_watches",
        ),
        (
            "user.max_inotify_watches",
            "/proc/sys/user/max_inotify_watches",
        ),
    ],
};

const INSTANCES: Limit = Limit {
    what: "programs that may watch",
    settings: [
        (
            "fs.inotify.max_user_instances",
            "/proc/sys/fs/inotify/max_user_instances",
        ),
        (
            "user.max_inotify_instances",
            "/proc/sys/user/max_inotify_instances",
        ),
    ],
};

fn exhausted(error: &notify::Error, limit: &Limit) -> LimitReached {
    let value = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let [(first, first_at), (second, second_at)] = limit.settings;
    let (name, now) = match (value(first_at), value(second_at)) {
        (Some(one), Some(two)) if two < one => (second, Some(two)),
        (Some(one), _) => (first, Some(one)),
        (None, two) => (second, two),
    };
    let Some(now) = now else {
        return LimitReached {
            reason: error.to_string(),
            hint: String::from("see what else watches files on this machine"),
        };
    };
    let more = now.saturating_mul(4).max(1024);
    LimitReached {
        reason: format!("the number of {} is used up ({name} is {now})", limit.what),
        hint: format!("sudo sysctl {name}={more}"),
    }
}
