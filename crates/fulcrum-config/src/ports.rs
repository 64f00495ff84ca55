//! Ports of domains: the variables that tell others about them, and conflicts.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, quoted};
use crate::domain_builder::DomainBuilder;
use crate::process::PortSetting;
use crate::runtime::RuntimeSettings;
use crate::setting::Origin;

/// The variable with the port of a domain in the environment of the others: `FULCRUM_PORT_USERS` for
/// `users`. Shells read only letters, digits and `_` as a name, so `-` is written `_`.
#[must_use]
pub fn port_variable(domain: &str) -> String {
    let name = domain.to_ascii_uppercase().replace('-', "_");
    format!("FULCRUM_PORT_{name}")
}

/// Warns of ports and of variables that two domains share.
pub(crate) fn check(
    runtime: &RuntimeSettings,
    builders: &BTreeMap<String, DomainBuilder>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    check_numbers(runtime, builders, diagnostics);
    check_variables(builders, diagnostics);
}

/// Two domains with the same port cannot both listen on it. It is only a warning, since they may use
/// different addresses, or not listen at all.
fn check_numbers(
    runtime: &RuntimeSettings,
    builders: &BTreeMap<String, DomainBuilder>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut used: BTreeMap<u16, &str> =
        BTreeMap::from([(runtime.grpc.listen.port, "runtime.grpc.listen")]);
    for builder in builders.values() {
        let Some(PortSetting::Fixed(port)) = builder.process.port else {
            continue;
        };
        match used.get(&port) {
            Some(other) => diagnostics.push(
                Diagnostic::warning(
                    "duplicate-port",
                    format!(
                        "`process.port`: {} uses port {port}, which {} uses too",
                        quoted(&builder.name),
                        quoted(other)
                    ),
                )
                .at(builder.origin("port").and_then(Origin::location))
                .hint("assign different ports, or use `port: auto`"),
            ),
            None => {
                used.insert(port, &builder.name);
            }
        }
    }
}

/// Of two domains whose variable is the same, the others see only one port.
fn check_variables(builders: &BTreeMap<String, DomainBuilder>, diagnostics: &mut Vec<Diagnostic>) {
    let mut named: BTreeMap<String, &str> = BTreeMap::new();
    let with_port = builders
        .values()
        .filter(|builder| builder.process.port.is_some());
    for builder in with_port {
        let variable = port_variable(&builder.name);
        match named.get(&variable) {
            Some(other) => diagnostics.push(
                Diagnostic::warning(
                    "duplicate-port-variable",
                    format!(
                        "`process.port`: other domains find the ports of {} and {} in the same \
                         variable, {}, which has that of {}",
                        quoted(other),
                        quoted(&builder.name),
                        quoted(&variable),
                        quoted(other)
                    ),
                )
                .at(builder.origin("port").and_then(Origin::location))
                .hint("rename one of the two directories"),
            ),
            None => {
                named.insert(variable, &builder.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_variable_is_a_name_that_shells_read() {
        assert_eq!(port_variable("users"), "FULCRUM_PORT_USERS");
        assert_eq!(port_variable("my-api_2"), "FULCRUM_PORT_MY_API_2");
    }
}
