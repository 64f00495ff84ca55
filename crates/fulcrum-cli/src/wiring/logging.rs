//! Where the log lines of an instance go: the store, standard output, and an OTLP endpoint.

use fulcrum_logs::otlp::OtlpExport;
use fulcrum_logs::{Hub, LinkBase, Stream, tracing_layer};
use fulcrum_runtime::{ShutdownSignal, ShutdownStage, export};
use fulcrum_telemetry::environment::EnvironmentSettings;
use fulcrum_tui::dev::{LineOptions, OutputWriter, ScreenHandle};

use super::log_store::{self, LogStoreHandle};
use super::options::Options;
use crate::exit::CliError;

/// The hub and its sinks.
pub(crate) struct Logging {
    pub(crate) hub: Hub,
    store: LogStoreHandle,
    terminal: OutputWriter,
    export: Option<OtlpExport>,
}

impl Logging {
    /// Opens the store and starts the sinks.
    ///
    /// # Errors
    /// The thread that writes to standard output cannot be started.
    pub(crate) fn start(options: &Options, shutdown: &ShutdownSignal) -> Result<Self, CliError> {
        let (store, hub) = log_store::open(&options.app);
        tracing_layer::install(&hub);
        let domains = options.app.domains.iter();
        let names: Vec<&str> = domains.map(|domain| domain.name.as_str()).collect();
        let links = options.style.links.then(|| LinkBase {
            host: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            root: options.app.root.clone(),
        });
        let lines = LineOptions {
            names: &names,
            color: options.style.color,
            width: options.style.width,
            links: links.as_ref(),
            json: options.json,
            // The store has the lines of the domains.
            stream: (options.detached && store.run() > 0).then_some(Stream::Fulcrum),
            keys: options.keys.is_some(),
        };
        let (watched, closing) = (options.exit_on_stdout_close, shutdown.clone());
        let on_closed = move || {
            if watched {
                closing.request(ShutdownStage::Stopping);
            }
        };
        let terminal = OutputWriter::start(&hub, lines, on_closed)
            .map_err(|error| CliError::cannot_run(&error))?;
        let environment = EnvironmentSettings::read(|name| std::env::var(name).ok());
        let export = export::start(&hub, &options.app, &environment);
        Ok(Self {
            hub,
            store,
            terminal,
            export,
        })
    }

    /// The writer to a terminal that has keys.
    pub(crate) fn screen(&self) -> Option<&ScreenHandle> {
        self.terminal.screen()
    }

    /// The number of this run in the store; 0 without a store.
    pub(crate) fn run(&self) -> u64 {
        self.store.run()
    }

    /// Exports the last lines. `fast` after a second Ctrl-C.
    pub(crate) async fn stop_export(&mut self, fast: bool) {
        export::stop(self.export.take(), fast).await;
    }

    /// Closes the hub, and writes the last lines to standard output and to the store.
    pub(crate) async fn close(self, fast: bool) {
        self.hub.close();
        let (terminal, store) = (self.terminal, self.store);
        let last_lines = move || {
            terminal.finish(fast);
            store.close();
        };
        let _ = tokio::task::spawn_blocking(last_lines).await;
    }
}
