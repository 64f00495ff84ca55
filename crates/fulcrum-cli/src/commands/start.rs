//! Shared by `dev` and `serve`.

use fulcrum_config::{FailureNotice, Mode, TerminalSettings};
use fulcrum_runtime::AutoPorts;
use fulcrum_tui::dev::Notify;
use fulcrum_tui::term::is_interactive;

use super::context::Context;
use super::development::DevelopmentArgs;
use super::start_args::{LineFormat, StartArgs};
use super::{detach, executor, instance_options};
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::load;
use crate::output::CiReporter;
use crate::wiring::options::{KeyOptions, Options};
use crate::wiring::{begin_timings, run};

/// Why the full-screen view cannot be shown.
const NO_KEYS: &str = "the full-screen view needs a terminal for input and output, with keys\n  \
                       hint: set runtime.terminal.keys, and not CI or TERM=dumb";

/// How an instance in the foreground is shown.
#[derive(Debug, Default)]
pub(super) struct Foreground {
    /// With the full-screen view first.
    pub(super) tui: bool,
    /// As a step of CI, which ends with the first failure.
    pub(super) ci: bool,
}

/// Runs the app in the foreground, or in the background with `--detach`.
///
/// # Errors
/// An invalid configuration, or any end of the instance except by a signal or `down`.
pub(super) fn run(
    mode: Mode,
    start: StartArgs,
    development: DevelopmentArgs,
    foreground: Foreground,
    context: Context,
) -> Result<(), CliError> {
    if start.detach {
        let detached = detach::run(mode, start, development, context);
        return executor::run_client(Some("the start"), detached);
    }
    let mut timings = begin_timings();
    let auto_ports = AutoPorts::default();
    let loaded = load::load_for_instance(context.app(), mode, &auto_ports, &context.output)?;
    let wait = start.wait_timeout();
    let is_ci = foreground.ci;
    let ci = is_ci.then(|| CiReporter::detect(&context.output, &loaded.0));
    let stdout = context.output.stdout();
    let keys = key_options(mode, loaded.0.runtime.terminal, foreground.tui);
    if foreground.tui && keys.is_none() {
        return Err(CliError::new(ErrorCode::NoTerminal, NO_KEYS));
    }
    let format = start.output;
    let options =
        instance_options::background_options(mode, start.selection, &development, loaded, stdout);
    let mut options = Options {
        json: format.map_or(options.json, |format| format == LineFormat::Json),
        wait,
        // In production a closed log pipe is no reason to exit.
        exit_on_stdout_close: mode == Mode::Dev,
        detached: false,
        auto_ports,
        ci,
        keys,
        ..options
    };
    if options.json {
        options.keys = None;
    }
    timings.done("configuration");
    executor::run_instance(run::run(options, timings))
}

/// The keys of `dev` on a terminal; none where nobody presses them.
fn key_options(mode: Mode, settings: TerminalSettings, full_screen: bool) -> Option<KeyOptions> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    let has_keys = mode == Mode::Dev && settings.keys && is_interactive();
    (has_keys && !is_dumb && !is_set("CI")).then_some(KeyOptions {
        full_screen,
        title: settings.title,
        notify: match settings.notify {
            FailureNotice::Off => Notify::Off,
            FailureNotice::Bell => Notify::Bell,
            FailureNotice::Osc9 => Notify::Osc9,
            FailureNotice::Osc777 => Notify::Osc777,
        },
    })
}
