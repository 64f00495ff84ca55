//! The telemetry of an instance, by its settings and its environment.

use fulcrum_config::{App, CollectorSettings};
use fulcrum_spawn::process::RunId;
use fulcrum_telemetry::environment::{EnvironmentSettings, default_protocol};
use fulcrum_telemetry::{
    ExportConfig, ExportProtocol, Resource, Sampler, TelemetryService, TelemetrySetup,
};

use crate::traces::variables::ExportTarget;

/// What telemetry an instance has. What the settings say takes precedence over the environment.
pub fn telemetry_setup(
    app: &App,
    run: &RunId,
    environment: &EnvironmentSettings,
) -> TelemetrySetup {
    let settings = &app.runtime.telemetry;
    if environment.disabled {
        return TelemetrySetup::default();
    }
    let memory = usize::try_from(settings.memory).unwrap_or(usize::MAX);
    let sampler = settings.sampling.map(Sampler::ratio);
    TelemetrySetup {
        receive: settings.receive.then_some((0, memory)),
        sampler: sampler.or(environment.sampler).unwrap_or_default(),
        resource: environment.complete(own_resource(run)),
        export: collector(app, environment),
    }
}

/// The collector, if the settings or the environment name one.
pub(crate) fn collector(app: &App, environment: &EnvironmentSettings) -> Option<ExportConfig> {
    let settings = app.runtime.telemetry.export.as_ref();
    let set = settings.map(collector_config);
    set.or_else(|| environment.export.clone())
}

/// Where domains export: to the receiver of the instance, else to the collector.
pub fn export_target(service: &TelemetryService) -> Option<ExportTarget> {
    let receiver = service.address().map(|address| ExportTarget {
        endpoint: format!("http://{address}"),
        protocol: ExportProtocol::HttpProtobuf.name().to_owned(),
        replaces_inherited: true,
    });
    receiver.or_else(|| {
        let collector = service.collector()?;
        Some(ExportTarget {
            endpoint: collector.endpoint.clone(),
            protocol: collector.protocol.name().to_owned(),
            replaces_inherited: false,
        })
    })
}

/// What distinguishes an instance in telemetry. The run's id begins the tokens of domains, so that
/// only a part of it is shown.
pub(crate) fn instance_id(run: &RunId) -> String {
    run.to_string().chars().take(12).collect()
}

fn own_resource(run: &RunId) -> Resource {
    Resource::new("fulcrum", instance_id(run))
        .with("service.version", env!("CARGO_PKG_VERSION"))
        .with("process.pid", u64::from(std::process::id()))
        .with("process.executable.name", "fulcrum")
        .with("host.arch", std::env::consts::ARCH)
        .with("os.type", std::env::consts::OS)
}

fn collector_config(settings: &CollectorSettings) -> ExportConfig {
    let protocol = settings.protocol.as_deref().and_then(ExportProtocol::named);
    ExportConfig {
        protocol: protocol.unwrap_or_else(|| default_protocol(&settings.otlp)),
        endpoint: settings.otlp.clone(),
        headers: settings.headers.clone(),
        gzip: settings.gzip,
        certificate: settings.certificate.clone(),
        ..ExportConfig::default()
    }
}
