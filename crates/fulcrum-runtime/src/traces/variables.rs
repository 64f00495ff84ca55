//! The variables by which a domain's own OpenTelemetry finds its way.

use std::ffi::{OsStr, OsString};

use fulcrum_spawn::prepare::Environment;
use fulcrum_telemetry::{DOMAIN_ATTRIBUTE, TraceContext, write_list};

const SERVICE: &str = "OTEL_SERVICE_NAME";
const RESOURCE: &str = "OTEL_RESOURCE_ATTRIBUTES";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";

/// The variable with the trace of a start.
pub(crate) const TRACEPARENT: &str = "TRACEPARENT";

/// The variables that differ between two generations of a domain.
pub(crate) const OF_GENERATION: [&str; 2] = [TRACEPARENT, RESOURCE];

/// Where domains export to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportTarget {
    /// The endpoint, without a path.
    pub endpoint: String,
    /// `grpc` or `http/protobuf`.
    pub protocol: String,
    /// Whether it takes the place of an endpoint that the instance has inherited: it is passed on
    /// there.
    pub replaces_inherited: bool,
}

impl ExportTarget {
    /// The address of the instance's own receiver, if that is the target.
    pub(crate) fn receiver(&self) -> Option<String> {
        let address = self.endpoint.strip_prefix("http://")?;
        self.replaces_inherited.then(|| address.to_owned())
    }
}

/// One generation of a domain.
pub(crate) struct Generation<'a> {
    pub(crate) domain: &'a str,
    /// What distinguishes it from all others.
    pub(crate) instance: String,
    /// The span of its start.
    pub(crate) start: Option<TraceContext>,
}

/// Adds the variables that are not set. `inherited` is the environment of the instance itself.
pub(crate) fn add_variables(
    environment: &mut Environment,
    inherited: &Environment,
    generation: &Generation<'_>,
    target: Option<&ExportTarget>,
) {
    let names_service = environment
        .get(OsStr::new(RESOURCE))
        .is_some_and(|list| list.to_string_lossy().contains("service.name="));
    let mut set = |name: &str, value: String| {
        environment
            .entry(name.into())
            .or_insert_with(|| value.into());
    };
    if !names_service {
        set(SERVICE, generation.domain.to_owned());
    }
    let list = [
        (DOMAIN_ATTRIBUTE, generation.domain),
        ("service.instance.id", generation.instance.as_str()),
    ];
    set(RESOURCE, write_list(list));
    if let Some(start) = &generation.start {
        // That of the instance belongs to who has started it.
        environment.insert(TRACEPARENT.into(), start.to_string().into());
    }
    if let Some(target) = target {
        let is_own = |environment: &Environment, name: &str| -> bool {
            let name = OsString::from(name);
            let value = environment.get(&name);
            value.is_some() && (value != inherited.get(&name) || !target.replaces_inherited)
        };
        if !is_own(environment, ENDPOINT) {
            environment.insert(ENDPOINT.into(), target.endpoint.clone().into());
            if !is_own(environment, PROTOCOL) {
                environment.insert(PROTOCOL.into(), target.protocol.clone().into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let variables = variables.iter();
        variables
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    fn added(own: &[(&str, &str)], inherited: &[(&str, &str)]) -> Vec<(String, String)> {
        let inherited = environment(inherited);
        let mut all = inherited.clone();
        all.extend(environment(own));
        let generation = Generation {
            domain: "orders",
            instance: "run-orders-1".to_owned(),
            start: TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        };
        let target = ExportTarget {
            endpoint: "http://127.0.0.1:4318".to_owned(),
            protocol: "http/protobuf".to_owned(),
            replaces_inherited: true,
        };
        add_variables(&mut all, &inherited, &generation, Some(&target));
        let text = |text: OsString| text.to_string_lossy().into_owned();
        all.into_iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect()
    }

    fn value<'a>(all: &'a [(String, String)], name: &str) -> Option<&'a str> {
        let found = all.iter().find(|(set, _)| set == name);
        found.map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_domain_gets_its_name_its_trace_and_where_to_export() {
        let all = added(&[], &[]);
        assert_eq!(value(&all, SERVICE), Some("orders"));
        assert_eq!(
            value(&all, RESOURCE),
            Some("fulcrum.domain=orders,service.instance.id=run-orders-1")
        );
        assert_eq!(
            value(&all, TRACEPARENT),
            Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        );
        assert_eq!(value(&all, ENDPOINT), Some("http://127.0.0.1:4318"));
        assert_eq!(value(&all, PROTOCOL), Some("http/protobuf"));
    }

    #[test]
    fn what_the_app_sets_stays() {
        let own = [
            (SERVICE, "own"),
            (RESOURCE, "a=b"),
            (ENDPOINT, "http://collector:4317"),
        ];
        let all = added(&own, &[]);
        for (name, expected) in own {
            assert_eq!(value(&all, name), Some(expected));
        }
        assert_eq!(value(&all, PROTOCOL), None, "that of another endpoint");
        let named = added(&[(RESOURCE, "service.name=own")], &[]);
        assert_eq!(value(&named, SERVICE), None);
    }

    #[test]
    fn the_collector_of_the_instance_gets_it_through_the_receiver() {
        let inherited = [(ENDPOINT, "http://collector:4317"), (PROTOCOL, "grpc")];
        let all = added(&[], &inherited);
        assert_eq!(value(&all, ENDPOINT), Some("http://127.0.0.1:4318"));
        assert_eq!(value(&all, PROTOCOL), Some("http/protobuf"));
    }
}
