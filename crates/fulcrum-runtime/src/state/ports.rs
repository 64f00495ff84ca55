//! The ports of domains whose `process.port` is `auto`.

use std::collections::BTreeMap;

use std::path::Path;

use fulcrum_config::{App, Domain, PortSetting, PortSource, automatic_port, port_variable};
use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::{find_free_port, is_port_free};
use tokio::sync::watch;

/// How many ports are tried for a domain before the system chooses one.
const MAX_ATTEMPTS: u16 = 1000;

/// The port of each domain with `port: auto`: chosen when one is first asked for, and kept as long as
/// the instance runs. Others have it in their environment, so a restart must not change it. It is
/// [`automatic_port`] where that is free, so it is mostly the same in the next instance too.
///
/// Clones share the ports. A program gives one to [`RuntimeParts`](crate::RuntimeParts) and to the
/// options that it loads the configuration with.
#[derive(Clone, Debug, Default)]
pub struct AutoPorts(watch::Sender<BTreeMap<String, u16>>);

impl PortSource for AutoPorts {
    fn port(
        &self,
        app_root: &Path,
        domain: &str,
        is_reserved: &dyn Fn(u16) -> bool,
    ) -> Option<u16> {
        let is_usable = |port| !is_reserved(port) && is_port_free(port);
        let preferred = (0..MAX_ATTEMPTS).map(|attempt| automatic_port(app_root, domain, attempt));
        let by_system = std::iter::from_fn(|| find_free_port().ok()).take(MAX_ATTEMPTS.into());
        self.assign(domain, preferred.chain(by_system), is_usable)
    }
}

impl AutoPorts {
    /// The port of a domain; `None` if it has none. May block.
    ///
    /// # Errors
    /// A transient failure if there is no free port.
    pub(crate) fn of(&self, domain: &Domain, app: &App) -> Result<Option<u16>, StartError> {
        match domain.process.port {
            None => Ok(None),
            Some(PortSetting::Fixed(port)) => Ok(Some(port)),
            Some(PortSetting::Auto) => {
                let is_reserved = |port: u16| reserved_ports(app).any(|reserved| reserved == port);
                let port = PortSource::port(self, &app.root, &domain.name, &is_reserved);
                port.map(Some)
                    .ok_or_else(|| StartError::transient("no port is free"))
            }
        }
    }

    /// The port of a domain, unless it is automatic and nobody has asked for it yet.
    pub(crate) fn known(&self, domain: &Domain) -> Option<u16> {
        match domain.process.port? {
            PortSetting::Fixed(port) => Some(port),
            PortSetting::Auto => self.0.borrow().get(&domain.name).copied(),
        }
    }

    /// The variables with the ports of all other domains. May block.
    ///
    /// # Errors
    /// A transient failure if there is no free port.
    pub(crate) fn peer_variables(
        &self,
        domain: &Domain,
        app: &App,
    ) -> Result<BTreeMap<String, u16>, StartError> {
        let mut variables = BTreeMap::new();
        // Most have no port, and this is done at each start of each domain.
        let peers = app
            .domains
            .iter()
            .filter(|peer| peer.process.port.is_some());
        for peer in peers.filter(|peer| peer.has_process() && peer.name != domain.name) {
            if let Some(port) = self.of(peer, app)? {
                // Of two with the same variable, the first has it, as a warning says.
                variables.entry(port_variable(&peer.name)).or_insert(port);
            }
        }
        Ok(variables)
    }

    /// The port of a domain: the one it has, or the first usable candidate that no other has.
    pub(crate) fn assign(
        &self,
        domain: &str,
        candidates: impl IntoIterator<Item = u16>,
        is_usable: impl Fn(u16) -> bool,
    ) -> Option<u16> {
        let mut assigned = None;
        // Under the lock of the channel, so that two starts at once don't choose the same port.
        self.0.send_if_modified(|ports| {
            assigned = ports.get(domain).copied();
            if assigned.is_some() {
                return false;
            }
            let is_taken = |port| ports.values().any(|one| *one == port);
            let mut candidates = candidates.into_iter();
            assigned = candidates.find(|port| !is_taken(*port) && is_usable(*port));
            assigned.is_some_and(|port| ports.insert(domain.to_owned(), port).is_none())
        });
        assigned
    }
}

/// Ports that domains are configured to use.
fn reserved_ports(app: &App) -> impl Iterator<Item = u16> {
    app.domains
        .iter()
        .filter_map(|domain| match domain.process.port {
            Some(PortSetting::Fixed(port)) => Some(port),
            Some(PortSetting::Auto) | None => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::app;

    #[test]
    fn a_port_stays_that_of_its_domain() {
        let ports = AutoPorts::default();
        assert_eq!(ports.assign("users", [4000], |_| true), Some(4000));
        assert_eq!(ports.clone().assign("users", [4001], |_| true), Some(4000));
    }

    #[test]
    fn a_port_of_another_domain_is_not_chosen() {
        let ports = AutoPorts::default();
        let is_usable = |port| port != 3000;
        assert_eq!(ports.assign("users", [3000, 4000], is_usable), Some(4000));
        let orders = ports.assign("orders", [4000, 3000, 4001], is_usable);
        assert_eq!(orders, Some(4001));
        assert_eq!(ports.assign("pay", [4000, 3000], is_usable), None);
    }

    #[test]
    fn a_free_port_is_the_one_of_every_instance() {
        let (_dir, app) = app(&[(
            "domains/users/fulcrum.yml",
            "process: {command: [sleep, '1'], port: auto}",
        )]);
        let domain = app.domain("users").expect("it is configured");
        assert_eq!(AutoPorts::default().known(domain), None);
        let ports = AutoPorts::default();
        let port = ports.of(domain, &app).expect("a free port");
        let candidate = |attempt| automatic_port(&app.root, "users", attempt);
        assert!((0..MAX_ATTEMPTS).any(|attempt| port == Some(candidate(attempt))));
        assert_eq!(ports.known(domain), port);
        let held = std::net::TcpListener::bind(("127.0.0.1", candidate(0)));
        let other = AutoPorts::default().of(domain, &app).expect("a free port");
        if held.is_ok() {
            assert_ne!(other, Some(candidate(0)));
        }
    }

    #[test]
    fn a_domain_has_the_ports_of_the_others() {
        let (_dir, app) = app(&[
            (
                "domains/my-api/fulcrum.yml",
                "process: {command: [sleep, '1'], port: 3000}",
            ),
            (
                "domains/orders/fulcrum.yml",
                "process: {command: [sleep, '1']}",
            ),
            (
                "domains/users/fulcrum.yml",
                "process: {command: [sleep, '1'], port: auto}",
            ),
        ]);
        let ports = AutoPorts::default();
        let domain = |name| app.domain(name).expect("it is configured");
        let users = ports.of(domain("users"), &app).expect("a free port");
        let users = users.expect("it has a port");
        let variables = |name| ports.peer_variables(domain(name), &app).expect("ports");
        let of = |pairs: &[(&str, u16)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(name, port)| ((*name).to_owned(), *port))
                .collect::<BTreeMap<_, _>>()
        };
        let both = of(&[("FULCRUM_PORT_MY_API", 3000), ("FULCRUM_PORT_USERS", users)]);
        assert_eq!(variables("orders"), both);
        assert_eq!(variables("users"), of(&[("FULCRUM_PORT_MY_API", 3000)]));
        assert_eq!(ports.of(domain("orders"), &app).ok(), Some(None));
    }
}
