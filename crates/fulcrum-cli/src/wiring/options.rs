//! The options of an instance, as the commands set them.

use std::time::Duration;

use fulcrum_config::{App, FileWatchOptions, Mode};
use fulcrum_runtime::{AutoPorts, InspectRequest, OutputTerminal};
use fulcrum_tui::dev::Notify;

use crate::output::CiReporter;

/// How an instance is to run.
#[derive(Debug)]
pub(crate) struct Options {
    /// The app, valid.
    pub(crate) app: App,
    /// The automatic ports that the app was loaded with.
    pub(crate) auto_ports: AutoPorts,
    /// The domains that are started with an inspector.
    pub(crate) inspect: Vec<InspectRequest>,
    /// As `dev` or as `serve`.
    pub(crate) mode: Mode,
    /// Which domains to start, with their dependencies; empty means all.
    pub(crate) only: Vec<String>,
    /// Start exactly `only`, without waiting for dependencies outside it.
    pub(crate) no_deps: bool,
    /// Whether missing packages are installed before a start.
    pub(crate) install: bool,
    /// Whether and how files are watched.
    pub(crate) watching: Option<FileWatchOptions>,
    /// Whether types are checked in the background.
    pub(crate) typecheck: bool,
    /// JSON lines instead of text.
    pub(crate) json: bool,
    /// Shut down when standard output is closed.
    pub(crate) exit_on_stdout_close: bool,
    /// Standard output is a file for Fulcrum's own lines; those of the domains are in the store.
    pub(crate) detached: bool,
    /// The keys of a terminal that has them.
    pub(crate) keys: Option<KeyOptions>,
    /// The style of text output.
    pub(crate) style: OutputStyle,
    /// Warnings about the configuration.
    pub(crate) warnings: Vec<String>,
    /// Shut down at the end of standard input.
    pub(crate) is_tied: bool,
    /// Shut down when a domain has failed for good, and report it to this CI system.
    pub(crate) ci: Option<CiReporter>,
    /// Shut down if not all domains are ready after this time.
    pub(crate) wait: Option<Duration>,
}

impl Options {
    /// The terminal on which lines are shown, if there is one.
    pub(crate) fn terminal(&self) -> Option<OutputTerminal> {
        let OutputStyle { color, width, .. } = self.style;
        let is_shown = !self.json && !self.detached && (color || width.is_some());
        is_shown.then_some(OutputTerminal {
            color,
            columns: width,
        })
    }
}

/// What keys need besides the instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyOptions {
    /// The full-screen view is shown first.
    pub(crate) full_screen: bool,
    /// How failures are told.
    pub(crate) notify: Notify,
    /// Whether the window's title is set.
    pub(crate) title: bool,
}

/// The style of text lines.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OutputStyle {
    /// With colors.
    pub(crate) color: bool,
    /// Names of files are links.
    pub(crate) links: bool,
    /// The terminal's columns, if it is one.
    pub(crate) width: Option<u16>,
}
