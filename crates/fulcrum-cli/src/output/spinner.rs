//! The sign that a command waits: on a terminal only, and never in what is piped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::stream_info::StreamInfo;

/// The sign turns this fast. What takes less time never shows one.
const INTERVAL: Duration = Duration::from_millis(120);

const TEMPLATE: &str = "{spinner} {wide_msg} {elapsed}";

/// A spinner on standard error. Clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Spinner {
    bar: ProgressBar,
    /// A bar that was never started would be drawn by a print, too.
    is_turning: Arc<AtomicBool>,
}

impl Spinner {
    /// A spinner that is not shown yet; never, where the cursor must not be moved.
    pub(super) fn new(stderr: StreamInfo, quiet: bool) -> Self {
        let target = match stderr.color && !quiet {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        let style = ProgressStyle::with_template(TEMPLATE)
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
        Self {
            bar,
            is_turning: Arc::default(),
        }
    }

    /// It is not shown any more.
    pub(super) fn end(&self) {
        if self.is_turning.swap(false, Ordering::Relaxed) {
            self.bar.disable_steady_tick();
            self.bar.finish_and_clear();
        }
    }

    /// Prints something that it must not be drawn over.
    pub(super) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match self.is_turning.load(Ordering::Relaxed) {
            true => self.bar.suspend(print),
            false => print(),
        }
    }
}

/// The spinner turns as long as this exists.
#[derive(Debug)]
pub(crate) struct Waiting {
    spinner: Spinner,
}

impl Waiting {
    pub(super) fn start(spinner: Spinner, text: &str) -> Self {
        spinner.bar.reset();
        spinner.bar.set_message(text.to_owned());
        spinner.bar.enable_steady_tick(INTERVAL);
        spinner.is_turning.store(true, Ordering::Relaxed);
        Self { spinner }
    }

    /// Tells what is waited for.
    pub(crate) fn step(&self, text: &str) {
        self.spinner.bar.set_message(text.to_owned());
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.spinner.end();
    }
}
