//! Where the log lines of an instance go: the store, standard output, and an OTLP endpoint.

use fulcrum_logs::otlp::OtlpExport;
use fulcrum_logs::{Hub, Stream, tracing_layer};
use fulcrum_runtime::{ShutdownSignal, export};
use fulcrum_tui::dev::ScreenHandle;

use super::log_store::{self, LogStoreHandle};
use super::options::Options;
use super::terminal::OutputWriter;
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
        let terminal = OutputWriter::start(
            &hub,
            &names,
            options.style,
            options.json,
            options.exit_on_stdout_close,
            // The store has the lines of the domains.
            (options.detached && store.run() > 0).then_some(Stream::Fulcrum),
            options.keys.is_some(),
            shutdown.clone(),
        )
        .map_err(|error| CliError::cannot_run(&error))?;
        let export = export::start(&hub, &options.app);
        Ok(Self {
            hub,
            store,
            terminal,
            export,
        })
    }

    /// The writer to a terminal that has keys.
    pub(crate) fn screen(&self) -> Option<&ScreenHandle> {
        self.terminal.screen.as_ref()
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
