//! What changed on disk, and when to act on it.
//!
//! # How it works
//!
//! A [`Watcher`] is a thread. It watches the folders that a [`Spec`] wants, each on its own and
//! none that is ignored, by the system's notifications or, where there are none, by looking again
//! and again. A notification only says where to look. What is told is decided by what is found:
//! of each file the hash of its content is known, and the same content again is nothing.
//!
//! A file is looked at when its save is over: at once when it was closed or renamed, a while after
//! the last write where nobody closes. A file that has become empty or has appeared is waited for
//! 100 ms, one that has vanished 250 ms, since these are halves of saves. So however an editor
//! saves, one save is one [`Change`], and nobody is sent to half a file.
//!
//! Lost notifications, a new folder, a root that comes back, another `.gitignore`: all lead to the
//! same look at what is there, compared with what was known. Roots are watched by the folders that
//! they are in, up to the app's and the one above it, and by the links that lead to them.
//!
//! [`Coalescer`] and [`LoopGuard`] only decide, and the time is an argument: when to act on changes
//! (the first at once, a burst as rarely as can be), and whether a domain sets off its own reloads.
//! They belong between the watcher and what is done about it:
//!
//! ```no_run
//! use std::time::Instant;
//! use fulcrum_watch::{Advice, Coalescer, LoopGuard, LoopLimits, News, Options, Pace, Spec, Tree, Watcher};
//!
//! # async fn watch(now: impl Fn() -> Instant) -> Result<(), Box<dyn std::error::Error>> {
//! let spec = Spec {
//!     app_root: "/srv/shop".into(),
//!     trees: vec![Tree::new("users", "/srv/shop/domains/users")],
//!     ..Spec::default()
//! };
//! let mut watcher = Watcher::start(&spec, Options::default()).await?;
//! let mut coalescer = Coalescer::new(Pace::default());
//! let mut guard = LoopGuard::new(LoopLimits::default());
//! loop {
//!     let deadline = [coalescer.deadline(), guard.deadline()].into_iter().flatten().min();
//!     let alarm = async {
//!         match deadline {
//!             Some(at) => tokio::time::sleep_until(at.into()).await,
//!             None => std::future::pending().await,
//!         }
//!     };
//!     tokio::select! {
//!         news = watcher.next() => match news {
//!             Some(News::Changes(batch)) => {
//!                 let alone = batch.is_alone();
//!                 for change in batch.changes {
//!                     for key in change.keys {
//!                         match guard.changed(&key, &change.path, now()) {
//!                             Advice::Act => coalescer.changed(key, change.path.clone(), alone, now()),
//!                             Advice::Loop { reloads } => { /* say so, with the file */ }
//!                             Advice::Wait | Advice::Known => {}
//!                         }
//!                     }
//!                 }
//!             }
//!             Some(News::Notice(notice)) => { /* say so */ }
//!             None => break,
//!         },
//!         () = alarm => {}
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
//! Dropping the watcher ends its thread, without waiting for it.
//!
//! # What it costs
//!
//! Measured by `cargo run -p fulcrum-watch --example figures`: 20 domains with 2,000 files of
//! 5 KiB, and 40,000 files in `node_modules`; unoptimised, on 2 cores that had work for 13.
//!
//! | | |
//! |---|---|
//! | set-up | 19 ms of CPU (52 ms waited); 63 watches, 2.3 MiB |
//! | all contents known | 126 ms after the start, 54 ms of CPU in all |
//! | save to report, in place | p50 0.4 ms, p95 8 ms |
//! | save to report, renamed over | p50 0.6 ms, p95 3 ms |
//! | idle | 0.3 ms of CPU in 5 s (0.005 %) |
//! | polling each 500 ms | 64 ms of CPU in 5 s (1.3 %) |
//! | 50,000 writes into `node_modules` | nothing told |
//!
//! # What it doesn't see
//!
//! - Changes behind links to folders within a tree, and in `node_modules`, `dist` and the like:
//!   watch their real paths as trees or files of their own.
//! - The app's folder coming back after one two or more levels above it was moved away.
//! - A mount over a watched folder, until something in the folder above it changes.
//! - Another content of a file larger than 8 MiB with the same size and time.
//! - Other machines' writes on network file systems: those need [`Options::poll`].
//!
//! # What this crate isn't for
//!
//! It doesn't know what a domain is, what a change means for one, nor how it is reloaded.

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
mod resolved_spec;
mod spec;
mod watcher;
mod write_settling;

pub use change::{Batch, Change, ChangeKind, Key, WatchEvent, WatchStatus};
pub use coalescer::{Coalescer, CoalescerConfig, DueAction};
pub use loop_guard::{LoopDecision, LoopGuard, LoopLimits};
pub use remote_fs::polling_hint;
pub use spec::{WatchError, WatchOptions, WatchSpec, WatchedDir, WatchedFile};
pub use watcher::Watcher;
