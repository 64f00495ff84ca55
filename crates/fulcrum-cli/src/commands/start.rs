//! Shared by `dev` and `serve`.

use fulcrum_config::Mode;

use super::context::Context;
use super::start_args::{LineFormat, StartArgs};
use super::watch::WatchArgs;
use super::{detach, executor, instance_options};
use crate::exit::CliError;
use crate::load;
use crate::output::Timings;
use crate::wiring::options::Options;
use crate::wiring::run;

/// Runs the app in the foreground, or in the background with `--detach`.
///
/// # Errors
/// An invalid configuration, or any end of the instance except by a signal or `down`.
pub(crate) fn run(
    mode: Mode,
    start: StartArgs,
    watch: WatchArgs,
    context: Context,
) -> Result<(), CliError> {
    if start.detach {
        return executor::run_client(Some("the start"), detach::run(mode, start, watch, context));
    }
    let mut timings = Timings::begin();
    let (app, warnings) = load::load_valid(context.app(), mode, &context.output)?;
    let wait = start.wait_timeout();
    let stdout = context.output.stdout();
    let format = start.output;
    let options =
        instance_options::background_options(mode, start.selection, watch, app, &warnings, stdout);
    let options = Options {
        json: format.map_or(options.json, |format| format == LineFormat::Json),
        wait,
        // In production a closed log pipe is no reason to exit.
        exit_on_stdout_close: mode == Mode::Dev,
        detached: false,
        ..options
    };
    timings.done("configuration");
    executor::run_instance(run::run(options, timings))
}
