//! Ports and variables that two domains share.

use std::collections::BTreeMap;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::domain_builder::DomainBuilder;
use crate::ports::port_variable;
use crate::process::PortSetting;
use crate::runtime::RuntimeSettings;
use crate::setting::Origin;

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
    let http = runtime.http.listen.as_ref();
    if let Some(listen) = http.filter(|listen| listen.explicit) {
        used.insert(listen.port, "runtime.http.listen");
    }
    for builder in builders.values() {
        let Some(PortSetting::Fixed(port)) = builder.process.port else {
            continue;
        };
        match used.get(&port) {
            Some(other) => diagnostics.push(
                Diagnostic::warning(
                    Code::DuplicatePort,
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
                    Code::DuplicatePortVariable,
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
