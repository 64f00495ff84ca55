//! Checks of ports.

use crate::check::Check;
use crate::facts::{DomainFacts, PortFacts};

/// Domains can register.
#[must_use]
pub fn port(port: &PortFacts) -> Check {
    const ID: &str = "port";
    let PortFacts {
        address,
        is_explicit,
        holder,
    } = port;
    let Some(holder) = holder else {
        return Check::ok(ID, format!("{address} is free"));
    };
    if holder.is_own {
        return Check::ok(ID, format!("{address} is that of the running instance"));
    }
    let what = format!(
        "{address} is in use by pid {} ({})",
        holder.pid, holder.command
    );
    let cure = format!(
        "`kill {}`, or `runtime: {{grpc: {{listen: \"127.0.0.1:0\"}}}}` for any free port",
        holder.pid
    );
    match is_explicit {
        true => Check::fail(
            ID,
            what,
            "the address is configured, so an instance cannot start",
        ),
        false => Check::warn(
            ID,
            what,
            "`dev` takes another port, which domains with a fixed address do not find; `serve` fails",
        ),
    }
    .cure(cure)
}

/// The fixed ports of domains are free.
#[must_use]
pub fn domain_ports(domains: &[DomainFacts]) -> Check {
    const ID: &str = "domain-ports";
    let taken: Vec<_> = domains
        .iter()
        .filter_map(|domain| {
            let (port, holder) = domain.port.as_ref()?;
            let holder = holder.as_ref().filter(|holder| !holder.is_own)?;
            Some((domain, port, holder))
        })
        .collect();
    match taken.as_slice() {
        [] => Check::ok(ID, "free, or held by their domains"),
        [(domain, port, holder), more @ ..] => {
            let line = |(domain, port, holder): &(&DomainFacts, &u16, &crate::facts::Holder)| {
                format!(
                    "{}: port {port} is in use by pid {} ({})",
                    domain.name, holder.pid, holder.command
                )
            };
            Check::fail(
                ID,
                line(&(*domain, *port, *holder)),
                "the domain ends with EADDRINUSE as soon as it listens",
            )
            .details(more.iter().map(line))
            .cure(format!(
                "`kill {}`, or `process: {{port: auto}}` in {}",
                holder.pid, domain.name
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status::{Fail, Ok, Warn};
    use crate::facts::Holder;

    fn holder(is_own: bool) -> Holder {
        Holder {
            pid: 7,
            command: "node x".into(),
            is_own,
        }
    }

    #[test]
    fn a_port_of_another_process_fails_where_it_is_configured() {
        let found = |is_explicit, holder| {
            port(&PortFacts {
                address: "127.0.0.1:50051".into(),
                is_explicit,
                holder,
            })
            .status
        };
        assert_eq!(found(true, None), Ok);
        assert_eq!(found(true, Some(holder(true))), Ok);
        assert_eq!(found(true, Some(holder(false))), Fail);
        assert_eq!(found(false, Some(holder(false))), Warn);
    }

    #[test]
    fn a_port_that_its_own_domain_holds_is_fine() {
        let domain = |is_own| DomainFacts {
            name: "web".into(),
            port: Some((3000, Some(holder(is_own)))),
            ..DomainFacts::default()
        };
        assert_eq!(domain_ports(&[domain(true)]).status, Ok);
        let check = domain_ports(&[domain(false)]);
        assert_eq!(check.status, Fail);
        assert!(check.what.contains("port 3000 is in use by pid 7"));
    }
}
