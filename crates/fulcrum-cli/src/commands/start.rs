//! Shared by `dev` and `serve`.

use fulcrum_config::Mode;
use fulcrum_runtime::AutoPorts;

use super::context::Context;
use super::development::DevelopmentArgs;
use super::start_args::StartArgs;
use super::{detach, executor, instance_options};
use crate::exit::CliError;
use crate::load;
use crate::output::{CiReporter, Timings};
use crate::wiring::options::Options;
use crate::wiring::run;

/// Runs the app in the foreground, or in the background with `--detach`.
///
/// # Errors
/// An invalid configuration, or any end of the instance except by a signal or `down`.
pub(crate) fn run(
    mode: Mode,
    start: StartArgs,
    development: DevelopmentArgs,
    ci: Option<CiReporter>,
    context: Context,
) -> Result<(), CliError> {
    if start.detach {
        let detached = detach::run(mode, start, development, context);
        return executor::run_client(Some("the start"), detached);
    }
    let mut timings = Timings::begin();
    let auto_ports = AutoPorts::default();
    let loaded = load::load_for_instance(context.app(), mode, &auto_ports, &context.output)?;
    let wait = start.wait_timeout();
    let stdout = context.output.stdout();
    let options = Options {
        wait,
        // In production a closed log pipe is no reason to exit.
        exit_on_stdout_close: mode == Mode::Dev,
        detached: false,
        auto_ports,
        ci,
        ..instance_options::background_options(mode, start.selection, &development, loaded, stdout)
    };
    timings.done("configuration");
    executor::run_instance(run::run(options, timings))
}
