//! Traces: the port that they are received on, and their end.

use std::time::Duration;

use fulcrum_config::App;
use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_runtime::telemetry_setup;
use fulcrum_spawn::process::RunId;
use fulcrum_telemetry::TelemetryService;
use fulcrum_telemetry::environment::EnvironmentSettings;

use crate::error_code::ErrorCode;
use crate::exit::CliError;

/// How long the collector has for the last requests.
const STOP_LIMIT: Duration = Duration::from_secs(2);
const FAST_STOP_LIMIT: Duration = Duration::from_millis(100);

/// Starts what the settings and the environment ask for, if they do.
///
/// # Errors
/// There is no port to receive on.
pub(crate) fn start(
    app: &App,
    run: &RunId,
    hub: &Hub,
) -> Result<Option<TelemetryService>, CliError> {
    let environment = EnvironmentSettings::read(|name| std::env::var(name).ok());
    for problem in &environment.problems {
        hub.log(Level::Warn, with_code(problem, ErrorCode::TelemetryProblem));
    }
    let setup = telemetry_setup(app, run, &environment);
    TelemetryService::start(setup).map_err(|error| {
        let text = format!("cannot listen for telemetry of domains: {error}");
        CliError::new(ErrorCode::PortUnavailable, text)
    })
}

/// Ends it, when the domains have exited. What was lost is logged.
pub(crate) async fn stop(service: Option<TelemetryService>, fast: bool, hub: &Hub) {
    let limit = if fast { FAST_STOP_LIMIT } else { STOP_LIMIT };
    if let Some(service) = service
        && let Some(text) = service.stop(limit).await.describe()
    {
        hub.log(Level::Warn, with_code(&text, ErrorCode::TelemetryProblem));
    }
}
