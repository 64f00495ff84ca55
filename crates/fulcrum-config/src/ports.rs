//! Ports of domains: automatic ones, and how others refer to them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::app::App;
use crate::code::Code;
use crate::diagnostic::quoted;
use crate::options::LoadOptions;
use crate::process::PortSetting;
use crate::suggest::closest;
use crate::value_error::ValueError;

/// Automatic ports lie below those that systems choose for outgoing connections (from 32768 on
/// Linux): one that is not in use yet stays free.
const FIRST_AUTOMATIC_PORT: u16 = 20_000;
const AUTOMATIC_PORTS: u16 = 10_000;

/// The port that a domain with `port: auto` has if it is free, and after `attempt` others that are
/// not: the same for an app and a domain on every machine.
#[must_use]
pub fn automatic_port(app_root: &Path, domain: &str, attempt: u16) -> u16 {
    // FNV-1a: the result may not change between versions of Fulcrum or Rust.
    let bytes = app_root.as_os_str().as_encoded_bytes().iter();
    let bytes = bytes.chain(b"\0").chain(domain.as_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let offset = (hash ^ (hash >> 32)) % u64::from(AUTOMATIC_PORTS);
    let offset = (offset + u64::from(attempt)) % u64::from(AUTOMATIC_PORTS);
    FIRST_AUTOMATIC_PORT + offset as u16
}

/// The ports that domains are configured with.
pub(crate) fn is_configured(app: &App, port: u16) -> bool {
    let mut domains = app.domains.iter();
    domains.any(|domain| domain.process.port == Some(PortSetting::Fixed(port)))
}

/// The ports of all domains as text, for references; `None` for domains without one.
pub(crate) fn by_domain(app: &App, options: &LoadOptions) -> BTreeMap<String, Option<String>> {
    let port = |name: &str, setting| match setting {
        PortSetting::Fixed(port) => Some(port),
        PortSetting::Auto => match &options.auto_ports {
            Some(source) => source.port(&app.root, name, &|port| is_configured(app, port)),
            None => Some(automatic_port(&app.root, name, 0)),
        },
    };
    let domains = app.domains.iter();
    domains
        .map(|domain| {
            let name = domain.name.as_str();
            let port = domain.process.port.and_then(|setting| port(name, setting));
            (name.to_owned(), port.map(|port| port.to_string()))
        })
        .collect()
}

/// The error for `${ports.NAME}` of a domain without a port.
pub(crate) fn unknown_port(
    name: &str,
    ports: Option<&BTreeMap<String, Option<String>>>,
) -> ValueError {
    let error = |message| ValueError {
        code: Code::UnknownPort,
        message,
        hint: None,
    };
    let reference = quoted(&format!("${{ports.{name}}}"));
    if ports.is_some_and(|ports| ports.contains_key(name)) {
        let message = format!("{reference}: the domain {} has no port", quoted(name));
        return error(message).hint(format!(
            "set `process.port: auto` in the fulcrum.yml of {name}, or write a default: \
             `${{ports.{name}:-3000}}`"
        ));
    }
    let error = error(format!("{reference}: unknown domain {}", quoted(name)));
    let with_port = ports.into_iter().flatten();
    let with_port: Vec<&str> = with_port
        .filter_map(|(name, port)| port.as_ref().map(|_| name.as_str()))
        .collect();
    match closest(name, with_port.iter().copied()) {
        Some(other) => error.hint(format!("did you mean `${{ports.{other}}}`?")),
        None if with_port.is_empty() => error.hint("no domain has a port: set `process.port`"),
        None => error.hint(format!(
            "the domains with a port are {}",
            with_port.join(", ")
        )),
    }
}

/// The variable with the port of a domain in the environment of the others: `FULCRUM_PORT_USERS` for
/// `users`. Shells read only letters, digits and `_` as a name, so `-` is written `_`.
#[must_use]
pub fn port_variable(domain: &str) -> String {
    let name = domain.to_ascii_uppercase().replace('-', "_");
    format!("FULCRUM_PORT_{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_automatic_port_is_the_same_on_every_machine() {
        let port = |domain, attempt| automatic_port(Path::new("/srv/shop"), domain, attempt);
        assert_eq!(port("users", 0), port("users", 0));
        assert_ne!(port("users", 0), port("orders", 0));
        assert_ne!(
            port("users", 0),
            automatic_port(Path::new("/srv/other"), "users", 0)
        );
        let all: std::collections::BTreeSet<u16> = (0..AUTOMATIC_PORTS)
            .map(|attempt| port("users", attempt))
            .collect();
        assert_eq!(all.len(), usize::from(AUTOMATIC_PORTS));
        assert_eq!(all.first(), Some(&20_000));
        assert_eq!(all.last(), Some(&29_999));
    }

    #[test]
    fn a_port_variable_is_a_name_that_shells_read() {
        assert_eq!(port_variable("users"), "FULCRUM_PORT_USERS");
        assert_eq!(port_variable("my-api_2"), "FULCRUM_PORT_MY_API_2");
    }
}
