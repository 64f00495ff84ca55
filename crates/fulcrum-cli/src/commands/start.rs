//! What `dev`, `serve` and the detached instance have in common.

use std::time::Duration;

use fulcrum_config::{App, Diagnostic, LogFormat, Mode};

use super::watch::WatchArgs;
use super::{Context, detach, executor};
use crate::args::duration;
use crate::exit::CliError;
use crate::load;
use crate::output::StreamInfo;
use crate::wiring::options::{Options, OutputStyle};
use crate::wiring::run;
use fulcrum_config::FileWatchOptions;

/// How long `--wait` waits unless it is told.
const DEFAULT_WAIT: Duration = Duration::from_secs(60);

/// Which domains an instance starts, and what may be done for that.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SelectionArgs {
    /// Start these domains only, and what they depend on
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Start nothing that the domains of --only depend on
    #[arg(long, requires = "only")]
    pub(crate) no_deps: bool,
    /// Don't install missing packages
    #[arg(long)]
    pub(crate) no_install: bool,
}

/// How an instance is started.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StartArgs {
    #[command(flatten)]
    pub(crate) what: SelectionArgs,
    /// Leave the instance running in the background
    #[arg(short = 'D', long)]
    pub(crate) detach: bool,
    /// Don't take longer than --timeout until all domains are ready; with --detach, wait for it
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long --wait waits; 0 is for ever [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = duration::parse, requires = "wait")]
    pub(crate) timeout: Option<Duration>,
}

impl StartArgs {
    /// How long the domains may take to be ready; none without a limit.
    pub(crate) fn wait_timeout(&self) -> Option<Duration> {
        self.wait
            .then(|| self.timeout.unwrap_or(DEFAULT_WAIT))
            .filter(|limit| !limit.is_zero())
    }
}

/// Runs the app here, or in the background.
///
/// # Errors
/// An invalid configuration, and whatever ends the instance but a signal or `down`.
pub(super) fn run(
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
        // In production nobody has to look on, and a log pipe may be replaced.
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

/// What a detached instance is told, whose standard output is `stdout`.
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
            colour: stdout.colour,
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

    #[test]
    fn waiting_has_a_limit_unless_it_is_zero() {
        let start = |wait, timeout| {
            let what = SelectionArgs {
                only: vec![],
                no_deps: false,
                no_install: false,
            };
            StartArgs {
                what,
                detach: false,
                wait,
                timeout,
            }
            .wait_timeout()
        };
        assert_eq!(start(false, None), None);
        assert_eq!(start(true, None), Some(DEFAULT_WAIT));
        assert_eq!(
            start(true, Some(Duration::from_secs(5))),
            Some(Duration::from_secs(5))
        );
        assert_eq!(start(true, Some(Duration::ZERO)), None);
    }
}
