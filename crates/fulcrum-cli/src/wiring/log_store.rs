//! The store in which the instance keeps what was said.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fulcrum_config::App;
use fulcrum_logs::store::{RetentionLimits, StoreEvent};
use fulcrum_logs::{Hub, HubConfig, Level, Store};
use tokio::sync::mpsc::UnboundedReceiver;

use fulcrum_runtime::log;

/// How long the last lines may take to be written at the end.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Where an app's lines are kept.
pub(crate) fn store_dir(app: &Path) -> PathBuf {
    app.join(".fulcrum/logs")
}

/// The store, open or not.
pub(crate) struct LogStoreHandle {
    store: Option<Store>,
    notices: Option<UnboundedReceiver<StoreEvent>>,
    /// Why there is none, where there should be one.
    pub(crate) open_error: Option<String>,
}

/// Opens it. Where it can't be, the instance runs without.
pub(crate) fn open(app: &App) -> LogStoreHandle {
    let mut keeping = LogStoreHandle {
        store: None,
        notices: None,
        open_error: None,
    };
    let Some(wanted) = &app.runtime.logs.store else {
        return keeping;
    };
    let limits = RetentionLimits {
        file_bytes: wanted.file_size,
        files: wanted.files,
        age: wanted.max_age,
        total_bytes: wanted.total_size,
        compress: wanted.compress,
    };
    let folder = store_dir(&app.root);
    match Store::open(folder.clone(), limits) {
        Ok((store, notices)) => {
            keeping.store = Some(store);
            keeping.notices = Some(notices);
        }
        Err(error) => {
            keeping.open_error = Some(format!(
                "cannot open the log store {}: {error}; logs are available in memory only",
                folder.display()
            ));
        }
    }
    keeping
}

impl LogStoreHandle {
    /// The hub whose lines are kept.
    pub(crate) fn hub(&mut self) -> Hub {
        let hub = match &self.store {
            Some(store) => Hub::with_store(HubConfig::default(), store),
            None => Hub::new(HubConfig::default()),
        };
        if let Some(why) = self.open_error.take() {
            log(&hub, Level::Warn, why);
        }
        if let Some(notices) = self.notices.take() {
            tokio::spawn(log_store_events(notices, hub.clone()));
        }
        hub
    }

    /// What tells this run's lines from those of others; 0 without a store.
    pub(crate) fn run(&self) -> u64 {
        self.store.as_ref().map_or(0, Store::run)
    }

    /// Writes the last lines. Blocks.
    pub(crate) fn close(self) {
        // A disk that stands still has been told of; there is nobody left to tell more.
        let _ = self.store.is_none_or(|store| store.close(LAST_LINES));
    }
}

async fn log_store_events(mut notices: UnboundedReceiver<StoreEvent>, hub: Hub) {
    while let Some(notice) = notices.recv().await {
        log(&hub, Level::Warn, notice.to_string());
    }
}
