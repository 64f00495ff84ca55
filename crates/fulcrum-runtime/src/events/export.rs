//! Starts and stops the export of log lines over OTLP.

use std::time::Duration;

use fulcrum_config::{App, OtlpExportSettings};
use fulcrum_logs::otlp::{OtlpConfig, OtlpExport, OtlpTransport, TransportError};
use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_telemetry::environment::EnvironmentSettings;
use fulcrum_telemetry::{ExportConfig, ExportProtocol, OtlpClient, SendError};

use crate::code::Code;
use crate::traces::setup::collector;

/// How long the last lines may take to be sent.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// The same after a second Ctrl-C.
const FAST_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(200);

/// Starts the export, if the app has a receiver. The resource of each domain has what the environment
/// says of the app.
pub fn start(hub: &Hub, app: &App, environment: &EnvironmentSettings) -> Option<OtlpExport> {
    let settings = app.runtime.logs.forward.as_ref()?;
    let Some(client) = receiver(settings, app, environment) else {
        let text = "no log lines are exported: runtime.logs.forward.collector is set, and there is no collector (runtime.telemetry.export.otlp, or OTEL_EXPORTER_OTLP_ENDPOINT)";
        hub.log(Level::Warn, with_code(text, Code::NoCollector));
        return None;
    };
    let config = OtlpConfig {
        endpoint: client.endpoint.clone(),
        resource: environment.attributes(),
        level: settings
            .level
            .as_deref()
            .and_then(|level| level.parse().ok()),
    };
    let transport = Transport(OtlpClient::new(client));
    Some(OtlpExport::start(hub, config, transport))
}

/// The receiver of its own, else the collector of telemetry.
fn receiver(
    settings: &OtlpExportSettings,
    app: &App,
    environment: &EnvironmentSettings,
) -> Option<ExportConfig> {
    let own = |otlp: &String| ExportConfig {
        endpoint: otlp.clone(),
        protocol: ExportProtocol::Grpc,
        ..ExportConfig::default()
    };
    let mut receiver = match &settings.otlp {
        Some(otlp) => own(otlp),
        None => collector(app, environment)?,
    };
    receiver.headers.extend(settings.headers.clone());
    Some(receiver)
}

/// The client of telemetry, as the transport of lines.
struct Transport(OtlpClient);

impl OtlpTransport for Transport {
    async fn send(&mut self, request: Vec<u8>) -> Result<(), TransportError> {
        let sent = self.0.send_logs(request).await;
        sent.map_err(|error| match error {
            SendError::Rejected(reason) => TransportError::Rejected(reason),
            SendError::Unreachable(reason) => TransportError::Unreachable(reason),
        })
    }
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
