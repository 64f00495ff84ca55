//! What changed on disk, and when to act on it: watched directories, compared contents, coalesced
//! bursts, detected reload loops.
//!
//! A [`Watcher`] reports each file whose *content* has changed, once for each save, however an editor
//! saves. A [`Coalescer`] decides when to act on changes, and a [`LoopGuard`] detects programs whose
//! own writes cause their reloads.
//!
//! ```
//! use fulcrum_watch::{
//!     ChangeKind, WatchEvent, WatchOptions, WatchSpec, WatchedDir, Watcher,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dir = tempfile::tempdir()?;
//! let app_root = dir.path().canonicalize()?;
//! let spec = WatchSpec {
//!     dirs: vec![WatchedDir::new("users", app_root.join("users"))],
//!     app_root: app_root.clone(),
//!     ..WatchSpec::default()
//! };
//! let mut watcher = Watcher::start(&spec, WatchOptions::default()).await?;
//!
//! std::fs::create_dir(app_root.join("users"))?;
//! std::fs::write(app_root.join("users/domain.js"), "export default 1;\n")?;
//! let change = loop {
//!     match watcher.next().await {
//!         Some(WatchEvent::Changes(mut batch)) => break batch.changes.remove(0),
//!         Some(WatchEvent::Status(_)) => {}
//!         None => return Err("the watcher has ended".into()),
//!     }
//! };
//! assert_eq!(change.kind, ChangeKind::Created);
//! assert_eq!(change.path, app_root.join("users/domain.js"));
//! assert_eq!(&*change.keys[0], "users");
//! # Ok(())
//! # }
//! ```
//!
//! # Theory of operation
//!
//! A [`Watcher`] is a handle of a thread; dropping it ends the thread without waiting for it. The
//! thread watches every directory of a [`WatchSpec`] that is not ignored, by the system's
//! notifications or, where there are none, by polling. A notification determines only where to look.
//! What is reported follows from the files: the hash of each file's content is known, and the same
//! content again is no change.
//!
//! A file is checked when its save is complete: at once when it was closed or renamed, and a while
//! after the last write where no close is notified. A file that has appeared is checked again after
//! 100 ms, one that has become empty or has disappeared after 250 ms, since these may be intermediate
//! states of a save. So one save is one [`Change`], and its content is complete.
//!
//! Lost notifications, a new directory, a directory that is created again, and a changed `.gitignore`
//! all lead to a scan, which compares the files with what is known. To notice that a watched
//! directory appears or disappears, its parent directories up to the parent of the app are watched,
//! as well as the symbolic links that lead to it.
//!
//! [`Coalescer`] and [`LoopGuard`] are pure: the time is an argument. They belong between the watcher
//! and the reload:
//!
//! ```no_run
//! use std::time::Instant;
//! use fulcrum_watch::{
//!     Coalescer, CoalescerConfig, LoopDecision, LoopGuard, LoopLimits, WatchEvent, WatchOptions,
//!     WatchSpec, WatchedDir, Watcher,
//! };
//!
//! # async fn watch(now: impl Fn() -> Instant) -> Result<(), Box<dyn std::error::Error>> {
//! let spec = WatchSpec {
//!     app_root: "/srv/shop".into(),
//!     dirs: vec![WatchedDir::new("users", "/srv/shop/domains/users")],
//!     ..WatchSpec::default()
//! };
//! let mut watcher = Watcher::start(&spec, WatchOptions::default()).await?;
//! let mut coalescer = Coalescer::new(CoalescerConfig::default());
//! let mut guard = LoopGuard::new(LoopLimits::default());
//! loop {
//!     let deadline = [coalescer.deadline(), guard.deadline()].into_iter().flatten().min();
//!     let timer = async {
//!         match deadline {
//!             Some(at) => tokio::time::sleep_until(at.into()).await,
//!             None => std::future::pending().await,
//!         }
//!     };
//!     tokio::select! {
//!         event = watcher.next() => match event {
//!             Some(WatchEvent::Changes(batch)) => {
//!                 let single = batch.is_single();
//!                 for change in batch.changes {
//!                     for key in change.keys {
//!                         match guard.changed(&key, &change.path, now()) {
//!                             LoopDecision::Proceed => {
//!                                 coalescer.changed(key, change.path.clone(), single, now());
//!                             }
//!                             LoopDecision::LoopDetected { reloads } => { /* report it once */ }
//!                             LoopDecision::Defer | LoopDecision::Suppress => {}
//!                         }
//!                     }
//!                 }
//!             }
//!             Some(WatchEvent::Status(status)) => { /* log it */ }
//!             None => break,
//!         },
//!         () = timer => {}
//!     }
//!     for (key, files) in guard.due(now()) {
//!         for file in files {
//!             coalescer.changed(key.clone(), file, true, now());
//!         }
//!     }
//!     for action in coalescer.due(now()) {
//!         guard.started(&action.key, now());
//!         // Reload `action.key` because of `action.items`.
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Cost
//!
//! Measured by `cargo run -p fulcrum-watch --example measure`: 20 domains with 2,000 files of 5 KiB,
//! and 40,000 files in `node_modules`; an unoptimized build, on 2 cores with a load of 13.
//!
//! | | |
//! |---|---|
//! | set-up | 19 ms of CPU (52 ms elapsed); 63 watches, 2.3 MiB |
//! | all contents known | 126 ms after the start, 54 ms of CPU in total |
//! | save to report, in place | p50 0.4 ms, p95 8 ms |
//! | save to report, with a rename | p50 0.6 ms, p95 3 ms |
//! | idle | 0.3 ms of CPU in 5 s (0.005 %) |
//! | polling every 500 ms | 64 ms of CPU in 5 s (1.3 %) |
//! | 50,000 writes into `node_modules` | nothing reported |
//!
//! # Limits
//!
//! Not reported are:
//! - Changes behind symbolic links to directories inside a watched directory, and in `node_modules`,
//!   `dist` and other ignored directories. Their canonical paths can be watched as directories or
//!   files of their own.
//! - The return of the app's directory after a directory two or more levels above it was moved.
//! - A mount over a watched directory, until something in its parent changes.
//! - A changed content of a file larger than 8 MiB with the same size and times.
//! - Writes of other machines on network file systems, without [`WatchOptions::poll`];
//!   [`polling_hint`] detects such file systems.
//!
//! # Scope
//!
//! The crate does not know what a domain is, what a change means for one, or how it is reloaded.

mod builtin_ignores;
mod change;
mod coalescer;
mod content;
mod engine;
mod event_queue;
mod ignore_rules;
mod loop_guard;
mod notifier;
mod remote_fs;
mod repository_lock;
mod resolved_spec;
mod spec;
mod watcher;
mod write_settling;

pub use change::{Batch, Change, ChangeKind, Key, WatchEvent, WatchStatus};
pub use coalescer::{Coalescer, CoalescerConfig, DueAction};
pub use loop_guard::{LoopDecision, LoopGuard, LoopLimits};
pub use remote_fs::{file_system_name, polling_hint};
pub use repository_lock::RepositoryLocks;
pub use spec::{WatchError, WatchOptions, WatchSpec, WatchedDir, WatchedFile};
pub use watcher::Watcher;
