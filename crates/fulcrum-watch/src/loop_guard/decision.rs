//! What a guard against reload loops decides.

/// What to do with a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoopDecision {
    /// Reload.
    Proceed,
    /// Do nothing yet: it may be a loop. If nothing else happens, [`LoopGuard::due`](super::LoopGuard::due) returns the
    /// change later, so that no save is lost.
    Defer,
    /// A loop was detected. Report it with the file, and do not reload.
    LoopDetected {
        /// The number of reloads in the loop.
        reloads: u32,
    },
    /// The change belongs to a loop that was reported. Do not reload.
    Suppress,
}
