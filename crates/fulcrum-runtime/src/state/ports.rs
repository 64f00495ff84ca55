//! The ports of domains whose `process.port` is `auto`.

use std::collections::BTreeMap;

use fulcrum_config::{App, Domain, PortSetting, port_variable};
use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::find_free_port;
use tokio::sync::watch;

/// How often the system is asked for another port. It seldom proposes one that is not usable.
const MAX_ATTEMPTS: u32 = 100;

/// The port of each domain with `port: auto`: chosen when one is first asked for, and kept as long as
/// the instance runs. Others have it in their environment, so a restart must not change it.
#[derive(Clone, Debug, Default)]
pub(crate) struct AutoPorts(watch::Sender<BTreeMap<String, u16>>);

impl AutoPorts {
    /// The port of a domain; `None` if it has none. May block.
    ///
    /// # Errors
    /// A transient failure if there is no free port.
    pub(crate) fn port(&self, domain: &Domain, app: &App) -> Result<Option<u16>, StartError> {
        match domain.process.port {
            None => Ok(None),
            Some(PortSetting::Fixed(port)) => Ok(Some(port)),
            Some(PortSetting::Auto) => {
                let is_reserved = |port: u16| reserved_ports(app).any(|reserved| reserved == port);
                self.assigned(&domain.name, is_reserved, find_free_port)
                    .map(Some)
            }
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
        let peers = app.domains.iter();
        for peer in peers.filter(|peer| peer.has_process() && peer.name != domain.name) {
            if let Some(port) = self.port(peer, app)? {
                // Of two with the same variable, the first has it, as a warning says.
                variables.entry(port_variable(&peer.name)).or_insert(port);
            }
        }
        Ok(variables)
    }

    fn assigned(
        &self,
        domain: &str,
        is_reserved: impl Fn(u16) -> bool,
        mut find: impl FnMut() -> Result<u16, StartError>,
    ) -> Result<u16, StartError> {
        let mut result = Err(StartError::transient(
            "every free port that the system proposes is that of another domain",
        ));
        // Under the lock of the channel, so that two starts at once don't choose the same port.
        self.0.send_modify(|ports| {
            if let Some(port) = ports.get(domain) {
                result = Ok(*port);
                return;
            }
            for _ in 0..MAX_ATTEMPTS {
                match find() {
                    // The system may propose a port again until it is bound.
                    Ok(port) if is_reserved(port) || ports.values().any(|one| *one == port) => {}
                    Ok(port) => {
                        ports.insert(domain.to_owned(), port);
                        result = Ok(port);
                        return;
                    }
                    Err(error) => {
                        result = Err(error);
                        return;
                    }
                }
            }
        });
        result
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

    /// Proposes these ports, one after the other.
    fn proposals(ports: &[u16]) -> impl FnMut() -> Result<u16, StartError> {
        let mut ports = ports.to_vec().into_iter();
        move || {
            ports
                .next()
                .ok_or_else(|| StartError::transient("no port is left"))
        }
    }

    #[test]
    fn a_port_stays_that_of_its_domain() {
        let ports = AutoPorts::default();
        let first = ports.assigned("users", |_| false, proposals(&[4000]));
        assert_eq!(first.ok(), Some(4000));
        let again = ports
            .clone()
            .assigned("users", |_| false, proposals(&[4001]));
        assert_eq!(again.ok(), Some(4000));
    }

    #[test]
    fn a_port_of_another_domain_is_not_chosen() {
        let ports = AutoPorts::default();
        let users = ports.assigned("users", |port| port == 3000, proposals(&[3000, 4000]));
        assert_eq!(users.ok(), Some(4000));
        let orders = ports.assigned(
            "orders",
            |port| port == 3000,
            proposals(&[4000, 3000, 4001]),
        );
        assert_eq!(orders.ok(), Some(4001));
        let none = ports.assigned("pay", |_| true, || Ok(1));
        assert!(none.is_err());
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
        let users = ports.port(domain("users"), &app).expect("a free port");
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
        assert_eq!(ports.port(domain("orders"), &app).ok(), Some(None));
    }
}
