//! Candidates that are always the same.

use clap_complete::engine::CompletionCandidate;
use fulcrum_spawn::process::signal_names;

/// The names of signals.
pub(super) fn signals() -> Vec<CompletionCandidate> {
    signal_names().map(CompletionCandidate::new).collect()
}

/// The levels of log lines.
pub(super) fn levels() -> Vec<CompletionCandidate> {
    let levels = ["trace", "debug", "info", "warn", "error", "fatal"];
    levels.map(CompletionCandidate::new).into()
}

/// The streams of log lines.
pub(super) fn streams() -> Vec<CompletionCandidate> {
    ["stdout", "stderr", "fulcrum"]
        .map(CompletionCandidate::new)
        .into()
}
