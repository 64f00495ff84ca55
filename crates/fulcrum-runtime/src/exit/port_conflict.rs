//! Who has the address that a domain wanted for itself.

use fulcrum_spawn::process::{
    SocketOwner, Stat, descends_from, find_listener, find_unix_listener, parse_listen_address,
    read_env_var,
};

use crate::state::domain::{ProcessIdentity, SharedDomainStates};

/// Whose process a holder is.
enum PortOwner {
    Fulcrum,
    Generation {
        domain: String,
        generation: u64,
    },
    /// Left behind by a life that is over, maybe of an earlier instance.
    StaleProcess {
        domain: String,
    },
    Other,
}

/// Cause and cure of a failure to listen on `address`, as Node writes it, by `domain`. None if
/// nobody is seen there any more.
pub(crate) fn diagnose(
    address: &str,
    desks: &SharedDomainStates,
    domain: &str,
) -> Option<(String, String)> {
    let (what, holder) = match parse_listen_address(address) {
        Some(address) => (format!("port {}", address.port()), find_listener(address)?),
        None => (
            format!("the socket {address}"),
            find_unix_listener(address)?,
        ),
    };
    let owner = owner(&holder, desks);
    Some(describe(&what, &holder, &owner, domain))
}

fn owner(holder: &SocketOwner, desks: &SharedDomainStates) -> PortOwner {
    if holder.pid == std::process::id() {
        return PortOwner::Fulcrum;
    }
    let group = Stat::read(holder.pid).map(|stat| stat.group);
    let token = read_env_var(holder.pid, "FULCRUM_DOMAIN_TOKEN");
    let is_of = |badge: &ProcessIdentity| {
        let by_tree = |leader: u32| {
            !badge.exited && (group == Some(leader) || descends_from(holder.pid, leader))
        };
        badge.pid.is_some_and(by_tree) || token.as_deref() == Some(badge.token.as_str())
    };
    for (name, desk) in desks.all().iter() {
        if let Some(badge) = desk.process.borrow().as_ref().filter(|badge| is_of(badge)) {
            return PortOwner::Generation {
                domain: name.clone(),
                generation: badge.generation,
            };
        }
    }
    match read_env_var(holder.pid, "FULCRUM_DOMAIN_NAME").filter(|_| token.is_some()) {
        Some(domain) => PortOwner::StaleProcess { domain },
        None => PortOwner::Other,
    }
}

fn describe(what: &str, holder: &SocketOwner, owner: &PortOwner, domain: &str) -> (String, String) {
    let pid = holder.pid;
    let held = format!(
        "{what} is held by pid {pid} ({})",
        fulcrum_config::redact_command_line(&holder.command)
    );
    match owner {
        PortOwner::Fulcrum => (
            format!("{held}, Fulcrum itself"),
            "domains register there: listen on another one".to_owned(),
        ),
        PortOwner::Generation {
            domain: other,
            generation,
        } => (
            format!("{held}, a process of {other} generation {generation}"),
            if other == domain {
                "listen on it once only".to_owned()
            } else {
                format!("give {other} or {domain} another one")
            },
        ),
        PortOwner::StaleProcess { domain: other } => (
            format!("{held}, which an earlier life of a domain {other} has left behind"),
            format!("end it: `kill {pid}`"),
        ),
        PortOwner::Other => (
            format!("{held}, which Fulcrum didn't start"),
            "stop it, or listen on another one".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_and_the_way_out_are_named() {
        let holder = SocketOwner {
            pid: 4242,
            command: "node /srv/x.js".to_owned(),
        };
        let life = PortOwner::Generation {
            domain: "orders".to_owned(),
            generation: 6,
        };
        let (cause, cure) = describe("port 3001", &holder, &life, "users");
        assert_eq!(
            cause,
            "port 3001 is held by pid 4242 (node /srv/x.js), a process of orders generation 6"
        );
        assert_eq!(cure, "give orders or users another one");
        let (cause, _) = describe("port 3001", &holder, &PortOwner::Other, "users");
        assert!(cause.ends_with(", which Fulcrum didn't start"), "{cause}");
    }
}
