//! The variables of OpenTelemetry's specification, as far as they are of use to a supervisor.
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>

use std::path::PathBuf;
use std::time::Duration;

use crate::context::Sampler;
use crate::export::{ExportConfig, ExportProtocol};
use crate::resource::{Resource, parse_list};

/// The default port of OTLP over gRPC.
const GRPC_PORT: &str = "4317";

/// What the environment says. Empty variables are not set.
#[derive(Debug, Default)]
pub struct EnvironmentSettings {
    /// Telemetry is off: `OTEL_SDK_DISABLED`.
    pub disabled: bool,
    /// The collector, if there is one.
    pub export: Option<ExportConfig>,
    /// Which traces are recorded, if it says so.
    pub sampler: Option<Sampler>,
    /// What was not understood, for people.
    pub problems: Vec<String>,
    service: Option<String>,
    attributes: Option<String>,
}

impl EnvironmentSettings {
    /// Reads the variables.
    #[must_use]
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| {
            let value = variable(name)?;
            let value = value.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let mut problems = Vec::new();
        let is_off = variable("OTEL_TRACES_EXPORTER").is_some_and(|name| name == "none");
        let export = match is_off {
            true => None,
            false => export(&variable, &mut problems),
        };
        Self {
            disabled: variable("OTEL_SDK_DISABLED")
                .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            export,
            sampler: sampler(&variable, &mut problems),
            problems,
            service: variable("OTEL_SERVICE_NAME"),
            attributes: variable("OTEL_RESOURCE_ATTRIBUTES"),
        }
    }

    /// The attributes of `OTEL_RESOURCE_ATTRIBUTES`, without those of one service.
    #[must_use]
    pub fn attributes(&self) -> Vec<(String, String)> {
        let list = self.attributes.as_deref().unwrap_or_default();
        parse_list(list)
            .filter(|(name, _)| !name.starts_with("service."))
            .collect()
    }

    /// A resource with what the environment adds to it.
    #[must_use]
    pub fn complete(&self, resource: Resource) -> Resource {
        let resource = match &self.attributes {
            Some(list) => resource.with_list(list),
            None => resource,
        };
        match &self.service {
            Some(service) => resource.with("service.name", service.clone()),
            None => resource,
        }
    }
}

fn export(
    variable: &impl Fn(&str) -> Option<String>,
    problems: &mut Vec<String>,
) -> Option<ExportConfig> {
    let endpoint = variable("OTEL_EXPORTER_OTLP_ENDPOINT")?;
    if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
        problems.push(format!(
            "OTEL_EXPORTER_OTLP_ENDPOINT is not an address of HTTP: {endpoint:?}"
        ));
        return None;
    }
    let protocol = match variable("OTEL_EXPORTER_OTLP_PROTOCOL") {
        Some(name) => ExportProtocol::named(&name).or_else(|| {
            problems.push(format!(
                "OTEL_EXPORTER_OTLP_PROTOCOL {name:?} is neither grpc nor http/protobuf"
            ));
            None
        }),
        None => None,
    };
    let gzip = match variable("OTEL_EXPORTER_OTLP_COMPRESSION").as_deref() {
        Some("gzip") => true,
        Some("none") | None => false,
        Some(other) => {
            problems.push(format!(
                "OTEL_EXPORTER_OTLP_COMPRESSION {other:?} is neither gzip nor none"
            ));
            false
        }
    };
    let headers = variable("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default();
    let headers = parse_list(&headers).map(|(name, value)| (name.to_ascii_lowercase(), value));
    let timeout = variable("OTEL_EXPORTER_OTLP_TIMEOUT");
    let timeout = timeout.and_then(|millis| millis.parse().ok().map(Duration::from_millis));
    let default = ExportConfig::default();
    Some(ExportConfig {
        protocol: protocol.unwrap_or_else(|| default_protocol(&endpoint)),
        endpoint: endpoint.trim_end_matches('/').to_owned(),
        headers: headers.collect(),
        gzip,
        certificate: variable("OTEL_EXPORTER_OTLP_CERTIFICATE").map(PathBuf::from),
        timeout: timeout.unwrap_or(default.timeout),
    })
}

/// By the specification it is HTTP; but what listens on the port of gRPC speaks nothing else.
#[must_use]
pub fn default_protocol(endpoint: &str) -> ExportProtocol {
    let authority = endpoint.split("://").nth(1).unwrap_or_default();
    let authority = authority.split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((_, GRPC_PORT)) => ExportProtocol::Grpc,
        _ => ExportProtocol::HttpProtobuf,
    }
}

fn sampler(
    variable: &impl Fn(&str) -> Option<String>,
    problems: &mut Vec<String>,
) -> Option<Sampler> {
    let name = variable("OTEL_TRACES_SAMPLER")?;
    let argument = variable("OTEL_TRACES_SAMPLER_ARG");
    let ratio = argument.as_deref().and_then(|text| text.parse().ok());
    if let (Some(text), None) = (&argument, ratio) {
        problems.push(format!("OTEL_TRACES_SAMPLER_ARG is not a number: {text:?}"));
    }
    let sampler = Sampler::named(&name, ratio);
    if sampler.is_none() {
        problems.push(format!("OTEL_TRACES_SAMPLER {name:?} is not known here"));
    }
    sampler
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> EnvironmentSettings {
        EnvironmentSettings::read(|name| {
            let found = variables.iter().find(|(set, _)| *set == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_collector_is_read_with_its_headers() {
        let settings = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4317/"),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "Authorization=Bearer%20x, a=b",
            ),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ]);
        let export = settings.export.expect("set");
        assert_eq!(export.endpoint, "https://collector:4317");
        assert_eq!(export.protocol, ExportProtocol::Grpc);
        assert_eq!(export.headers["authorization"], "Bearer x");
        assert!(export.gzip && export.timeout == Duration::from_millis(2500));
        assert_eq!(settings.sampler, Some(Sampler::ratio(0.25)));
        assert_eq!(settings.problems, [] as [&str; 0]);
    }

    #[test]
    fn the_protocol_is_that_of_the_variable_or_the_port() {
        let protocol = |endpoint: &str, protocol: &str| {
            let settings = read(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ]);
            settings.export.expect("set").protocol.name()
        };
        assert_eq!(protocol("http://c:4318", ""), "http/protobuf");
        assert_eq!(protocol("http://c:4317", ""), "grpc");
        assert_eq!(protocol("http://c:4318", "grpc"), "grpc");
        assert_eq!(protocol("https://c/otlp", ""), "http/protobuf");
    }

    #[test]
    fn what_is_not_understood_is_told_and_empty_is_not_set() {
        let settings = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
            ("OTEL_SDK_DISABLED", ""),
        ]);
        assert_eq!(settings.problems.len(), 2);
        assert!(settings.export.is_none() && !settings.disabled);
        assert!(read(&[("OTEL_SDK_DISABLED", "TRUE")]).disabled);
        let off = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317"),
            ("OTEL_TRACES_EXPORTER", "none"),
        ]);
        assert!(off.export.is_none());
    }

    #[test]
    fn the_name_of_the_service_takes_precedence_over_the_attributes() {
        let settings = read(&[
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,a=b"),
        ]);
        let resource = settings.complete(Resource::new("fulcrum", "1"));
        assert_eq!(resource.service(), "shop");
        assert_eq!(resource.attributes().len(), 3);
    }
}
