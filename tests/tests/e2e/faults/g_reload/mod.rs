//! Section G: reloading.

mod broken;
mod configuration;
mod directories;
mod editors;
mod floods;
mod limits;
mod loops;
mod watch_scope;

use std::time::Duration;

/// A pause between saves that may end a burst.
const BURST_END: Duration = Duration::from_millis(70);

/// A save that is interrupted for longer, as on a machine that is busy, may be acted on halfway, and
/// then again.
const PARTIAL_SAVE: Duration = Duration::from_millis(100);
