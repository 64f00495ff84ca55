//! What `dev`, `serve` and the background instance have in common.

use fulcrum_config::{App, Diagnostic, LogFormat, Mode};

use super::start_args::{SelectionArgs, StartArgs};
use super::watch::WatchArgs;
use crate::commands::context::Context;
use crate::commands::detach;
use crate::commands::executor;
use crate::exit::CliError;
use crate::load;
use crate::output::StreamInfo;
use crate::wiring::options::{Options, OutputStyle};
use crate::wiring::run;
use fulcrum_config::FileWatchOptions;

/// Runs the app in the foreground, or in the background with `--detach`.
///
/// # Errors
/// An invalid configuration, and every end of the instance but a signal or `down`.
pub(crate) fn run(
    mode: Mode,
    start: StartArgs,
    watch: WatchArgs,
    context: Context,
) -> Result<(), CliError> {
    if start.detach {
        return executor::run_client(Some("the start"), detach::run(mode, start, watch, context));
    }
    let (app, warnings) = load::valid(context.app(), mode, &context.output)?;
    let limit = start.wait_timeout();
    let options = Options {
        wait: limit,
        // In production a closed log pipe is no reason to exit.
        exit_on_stdout_close: mode == Mode::Dev,
        detached: false,
        ..options(
            mode,
            start.what,
            watch,
            app,
            &warnings,
            context.output.stdout(),
        )
    };
    executor::run_instance(run::run(options))
}

/// The options of a background instance whose standard output is `stdout`.
pub(super) fn options(
    mode: Mode,
    what: SelectionArgs,
    watch: WatchArgs,
    app: App,
    warnings: &[Diagnostic],
    stdout: StreamInfo,
) -> Options {
    Options {
        mode,
        only: what.only,
        no_deps: what.no_deps,
        install: !what.no_install,
        watching: FileWatchOptions::resolve(watch.watch, watch.poll, &app.runtime.watch, mode),
        json: wants_json(app.runtime.logs.format, mode, stdout.terminal),
        style: OutputStyle {
            color: stdout.color,
            width: stdout.width,
        },
        warnings: warnings.iter().map(Diagnostic::to_string).collect(),
        wait: None,
        exit_on_stdout_close: false,
        detached: true,
        app,
    }
}

fn wants_json(format: LogFormat, mode: Mode, terminal: bool) -> bool {
    match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => mode == Mode::Serve && !terminal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_for_production_without_a_terminal_or_when_asked_for() {
        for (format, mode, terminal, json) in [
            (LogFormat::Auto, Mode::Serve, false, true),
            (LogFormat::Auto, Mode::Serve, true, false),
            (LogFormat::Auto, Mode::Dev, false, false),
            (LogFormat::Json, Mode::Dev, true, true),
            (LogFormat::Text, Mode::Serve, false, false),
        ] {
            assert_eq!(
                wants_json(format, mode, terminal),
                json,
                "{format:?} {mode:?} {terminal}"
            );
        }
    }
}
