//! The system's notifications, behind a trait that tests implement too.

use std::fs;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind, RenameMode};
use notify::{Config, ErrorKind, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

/// A notification of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FsEvent {
    /// Data was written; more may come.
    Written(PathBuf),
    /// A writer has closed the file.
    Closed(PathBuf),
    /// The path was created.
    Created(PathBuf),
    /// Something was renamed to this path, or something unspecified happened to it.
    Arrived(PathBuf),
    /// The path was removed or renamed, and with it whatever was watched there.
    Gone(PathBuf),
    /// Notifications were lost.
    Lost,
}

/// Why a directory is not watched.
#[derive(Debug)]
pub(crate) enum WatchFailure {
    /// It does not exist any more, which another notification reports.
    Gone,
    /// A limit of the system is reached.
    LimitReached(LimitReached),
    /// Another error.
    Other(String),
}

/// A limit of the system that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LimitReached {
    pub(crate) reason: String,
    pub(crate) hint: String,
}

/// Notifies of changes directly in directories, not below them.
pub(crate) trait Notifier {
    /// Starts notifications for a directory. Idempotent.
    fn watch(&mut self, dir: &Path) -> Result<(), WatchFailure>;
    /// Stops notifications for a directory. Idempotent.
    fn unwatch(&mut self, dir: &Path);
}

/// The notifications of the operating system.
pub(crate) struct NotifyBackend(RecommendedWatcher);

impl NotifyBackend {
    /// Calls `on_event` with each notification, on another thread.
    pub(crate) fn new(on_event: impl Fn(FsEvent) + Send + 'static) -> Result<Self, LimitReached> {
        let handler = move |event: notify::Result<notify::Event>| match event {
            Ok(event) => translate(event, &on_event),
            Err(_) => on_event(FsEvent::Lost),
        };
        RecommendedWatcher::new(handler, Config::default())
            .map(Self)
            .map_err(|error| limit_reached(&error, &INSTANCES))
    }
}

impl Notifier for NotifyBackend {
    fn watch(&mut self, dir: &Path) -> Result<(), WatchFailure> {
        self.0
            .watch(dir, RecursiveMode::NonRecursive)
            .map_err(|error| match &error.kind {
                ErrorKind::MaxFilesWatch => {
                    WatchFailure::LimitReached(limit_reached(&error, &WATCHES))
                }
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

    fn unwatch(&mut self, dir: &Path) {
        // The watch of a removed directory is gone already.
        let _ = self.0.unwatch(dir);
    }
}

fn translate(event: notify::Event, on_event: &impl Fn(FsEvent)) {
    if event.need_rescan() {
        return on_event(FsEvent::Lost);
    }
    let to_event: fn(PathBuf) -> FsEvent = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => FsEvent::Closed,
        // Opening and reading, which scans cause too; and times, owners and permissions.
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => return,
        EventKind::Create(
            CreateKind::Any | CreateKind::File | CreateKind::Folder | CreateKind::Other,
        ) => FsEvent::Created,
        EventKind::Modify(ModifyKind::Name(RenameMode::From))
        | EventKind::Remove(
            RemoveKind::Any | RemoveKind::File | RemoveKind::Folder | RemoveKind::Other,
        ) => FsEvent::Gone,
        // Both halves of the rename have their own events.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => return,
        EventKind::Modify(ModifyKind::Name(
            RenameMode::To | RenameMode::Any | RenameMode::Other,
        )) => FsEvent::Arrived,
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any | ModifyKind::Other) => {
            FsEvent::Written
        }
        EventKind::Any | EventKind::Other => FsEvent::Arrived,
    };
    event.paths.into_iter().map(to_event).for_each(on_event);
}

/// A limit of inotify: what it counts, and its settings, of which the lower one applies.
struct Limit {
    counts: &'static str,
    settings: [(&'static str, &'static str); 2],
}

const WATCHES: Limit = Limit {
    counts: "watches",
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
    counts: "inotify instances",
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

fn limit_reached(error: &notify::Error, limit: &Limit) -> LimitReached {
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
            hint: String::from("find out which other programs watch files on this machine"),
        };
    };
    let more = now.saturating_mul(4).max(1024);
    LimitReached {
        reason: format!("limit of {} reached ({name} is {now})", limit.counts),
        hint: format!("sudo sysctl {name}={more}"),
    }
}
