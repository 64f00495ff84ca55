//! Starts and stops the export of log lines over OTLP.

use std::time::Duration;

use fulcrum_config::App;
use fulcrum_logs::Hub;
use fulcrum_logs::otlp::{OtlpConfig, OtlpExport};

/// How long the last lines may take to be sent.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// The same after a second Ctrl-C.
const FAST_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(200);

/// Starts the export, if the app has a receiver.
pub fn start(hub: &Hub, app: &App) -> Option<OtlpExport> {
    let settings = app.runtime.logs.forward.as_ref()?;
    let config = OtlpConfig {
        endpoint: settings.otlp.clone(),
        headers: settings.headers.clone(),
        level: settings
            .level
            .as_deref()
            .and_then(|level| level.parse().ok()),
    };
    Some(OtlpExport::start(hub, &config))
}

/// Sends the remaining lines; for a short time only where `fast`.
pub async fn stop(export: Option<OtlpExport>, fast: bool) {
    if let Some(export) = export {
        let limit = if fast {
            FAST_SHUTDOWN_TIMEOUT
        } else {
            SHUTDOWN_TIMEOUT
        };
        export.shutdown(limit).await;
    }
}
