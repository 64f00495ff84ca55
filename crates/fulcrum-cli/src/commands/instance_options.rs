//! The options of an instance, from the arguments and the configuration.

use fulcrum_config::{App, Diagnostic, FileWatchOptions, LogFormat, Mode};
use fulcrum_runtime::AutoPorts;
use fulcrum_tui::term::has_links;

use super::development::DevelopmentArgs;
use super::start_args::SelectionArgs;
use crate::output::StreamInfo;
use crate::wiring::options::{Options, OutputStyle};

/// The options of a background instance with these arguments. `loaded` is the app, and the warnings
/// about its configuration.
pub(super) fn background_options(
    mode: Mode,
    selection: SelectionArgs,
    development: &DevelopmentArgs,
    loaded: (App, Vec<Diagnostic>),
    stdout: StreamInfo,
) -> Options {
    let (mut app, warnings) = loaded;
    let watch = &development.watch;
    app.forget_effective();
    Options {
        mode,
        auto_ports: AutoPorts::default(),
        inspect: development.inspect.requests(),
        is_tied: false,
        ci: None,
        only: selection.only,
        no_deps: selection.no_deps,
        install: !selection.no_install,
        watching: FileWatchOptions::resolve(watch.watch, watch.poll, &app.runtime.watch, mode),
        // In production, code is checked before it is deployed.
        typecheck: mode == Mode::Dev && (watch.typecheck || app.runtime.typecheck),
        json: wants_json(app.runtime.logs.format, mode, stdout.terminal),
        keys: None,
        style: OutputStyle {
            color: stdout.color,
            links: stdout.color && has_links(|name| std::env::var(name).ok()),
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
    fn auto_is_json_in_production_without_a_terminal() {
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
