//! Opens the log store of an instance.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fulcrum_config::App;
use fulcrum_logs::store::{RetentionLimits, StoreEvent};
use fulcrum_logs::{Hub, HubConfig, Level, Store, with_code};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::error_code::ErrorCode;

/// How long the last lines may take to be written at the end.
const LAST_LINES: Duration = Duration::from_secs(2);

/// The directory of an app's log store.
pub(crate) fn store_dir(app: &Path) -> PathBuf {
    app.join(".fulcrum/logs")
}

/// The log store of an instance; none if it is disabled or cannot be opened.
pub(crate) struct LogStoreHandle {
    store: Option<Store>,
}

/// Opens the store, and the hub whose lines it keeps. If that fails, the instance runs without one.
pub(crate) fn open(app: &App) -> (LogStoreHandle, Hub) {
    let without_store = || {
        (
            LogStoreHandle { store: None },
            Hub::new(HubConfig::default()),
        )
    };
    let Some(settings) = &app.runtime.logs.store else {
        return without_store();
    };
    let limits = RetentionLimits {
        file_bytes: settings.file_size,
        files: settings.files,
        age: settings.max_age,
        total_bytes: settings.total_size,
        compress: settings.compress,
    };
    let dir = store_dir(&app.root);
    match Store::open(dir.clone(), limits) {
        Ok((store, events)) => {
            let hub = Hub::with_store(HubConfig::default(), &store);
            tokio::spawn(log_store_events(events, hub.clone()));
            (LogStoreHandle { store: Some(store) }, hub)
        }
        Err(error) => {
            let (handle, hub) = without_store();
            let text = format!(
                "cannot open the log store {}: {error}; logs are available in memory only",
                dir.display()
            );
            hub.log(Level::Warn, with_code(&text, ErrorCode::StoreUnwritable));
            (handle, hub)
        }
    }
}

impl LogStoreHandle {
    /// The number of this run in the store; 0 without a store.
    pub(crate) fn run(&self) -> u64 {
        self.store.as_ref().map_or(0, Store::run)
    }

    /// Writes the last lines. Blocks.
    pub(crate) fn close(self) {
        // A stalled disk was reported before; nothing can be logged any more.
        let _ = self.store.is_none_or(|store| store.close(LAST_LINES));
    }
}

async fn log_store_events(mut events: UnboundedReceiver<StoreEvent>, hub: Hub) {
    while let Some(event) = events.recv().await {
        let text = with_code(&event.to_string(), ErrorCode::StoreUnwritable);
        hub.log(Level::Warn, text);
    }
}
