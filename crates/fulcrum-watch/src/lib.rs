//! What changed on disk.

mod change;
mod coalescer;
mod content;
mod engine;
mod ignores;
mod loops;
mod noise;
mod outbox;
mod roots;
mod settle;
mod spec;
mod system;
mod watcher;

pub use change::{Batch, Change, Key, Kind, News, Notice};
pub use coalescer::{Action, Coalescer, Pace};
pub use loops::{Advice, LoopGuard, LoopLimits};
pub use spec::{Options, SingleFile, Spec, Tree, WatchError};
pub use watcher::Watcher;
