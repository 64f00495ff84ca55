//! What an instance is told by the command that starts it.

use std::time::Duration;

use fulcrum_config::{App, Mode};

use fulcrum_config::FileWatchOptions;

/// How an instance is to run.
#[derive(Debug)]
pub(crate) struct Options {
    /// The app, valid.
    pub(crate) app: App,
    /// As `dev` or as `serve`.
    pub(crate) mode: Mode,
    /// Which domains to start, with what they depend on; empty means all.
    pub(crate) only: Vec<String>,
    /// Start exactly `only`, and let nobody wait for a dependency outside it.
    pub(crate) no_deps: bool,
    /// Whether missing packages are installed before a start.
    pub(crate) install: bool,
    /// Whether and how files are watched.
    pub(crate) watching: Option<FileWatchOptions>,
    /// JSON lines instead of text.
    pub(crate) json: bool,
    /// Somebody looks at standard output: when it is gone, the instance has no reason to go on.
    pub(crate) exit_on_stdout_close: bool,
    /// Standard output is a file for Fulcrum's own words: what domains say is in the store.
    pub(crate) detached: bool,
    /// How text is shown.
    pub(crate) style: OutputStyle,
    /// Findings about the configuration that don't keep it from running.
    pub(crate) warnings: Vec<String>,
    /// Give up when not all domains are ready after this long.
    pub(crate) wait: Option<Duration>,
}

/// How lines are shown.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OutputStyle {
    /// With colors.
    pub(crate) color: bool,
    /// The terminal's columns, if it is one.
    pub(crate) width: Option<u16>,
}
