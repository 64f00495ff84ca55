//! Finds the owner of an address that a domain cannot listen on.

use fulcrum_spawn::process::{
    SocketOwner, Stat, descends_from, find_listener, find_unix_listener, parse_listen_address,
    read_env_var,
};

use crate::state::domain::SharedDomainStates;
use crate::state::process::{ProcessIdentity, TOKEN_VAR};

/// What the owner of the address is.
enum PortOwner {
    Fulcrum,
    Generation {
        domain: String,
        generation: u64,
    },
    /// Left by an earlier generation, maybe of an earlier run.
    StaleProcess {
        domain: String,
    },
    Other,
}

/// Cause and hint for a failure of `domain` to listen on `address`, which is written as Node writes
/// it. `None` if the address has no owner any more.
pub(crate) fn diagnose(
    address: &str,
    states: &SharedDomainStates,
    domain: &str,
) -> Option<(String, String)> {
    let (what, owner_process) = match parse_listen_address(address) {
        Some(address) => (format!("port {}", address.port()), find_listener(address)?),
        None => (
            format!("the socket {address}"),
            find_unix_listener(address)?,
        ),
    };
    let owner = classify_owner(&owner_process, states);
    Some(describe(&what, &owner_process, &owner, domain))
}

fn classify_owner(owner_process: &SocketOwner, states: &SharedDomainStates) -> PortOwner {
    if owner_process.pid == std::process::id() {
        return PortOwner::Fulcrum;
    }
    let group = Stat::read(owner_process.pid).map(|stat| stat.group);
    let token = read_env_var(owner_process.pid, TOKEN_VAR);
    let matches = |process: &ProcessIdentity| {
        let in_tree = |leader: u32| {
            !process.exited && (group == Some(leader) || descends_from(owner_process.pid, leader))
        };
        process.pid.is_some_and(in_tree) || token.as_deref() == Some(process.token.as_str())
    };
    for (name, state) in states.all().iter() {
        let process = state.process.borrow();
        if let Some(process) = process.as_ref().filter(|process| matches(process)) {
            return PortOwner::Generation {
                domain: name.clone(),
                generation: process.generation,
            };
        }
    }
    match read_env_var(owner_process.pid, "FULCRUM_DOMAIN_NAME").filter(|_| token.is_some()) {
        Some(domain) => PortOwner::StaleProcess { domain },
        None => PortOwner::Other,
    }
}

fn describe(
    what: &str,
    owner_process: &SocketOwner,
    owner: &PortOwner,
    domain: &str,
) -> (String, String) {
    let pid = owner_process.pid;
    let held = format!(
        "{what} is held by pid {pid} ({})",
        fulcrum_config::redact_command_line(&owner_process.command)
    );
    match owner {
        PortOwner::Fulcrum => (
            format!("{held}, Fulcrum itself"),
            "domains register there; listen on another address".to_owned(),
        ),
        PortOwner::Generation {
            domain: other,
            generation,
        } => (
            format!("{held}, a process of {other} generation {generation}"),
            if other == domain {
                "listen on it only once".to_owned()
            } else {
                format!("use another address for {other} or {domain}")
            },
        ),
        PortOwner::StaleProcess { domain: other } => (
            format!("{held}, which an earlier generation of {other} left running"),
            format!("stop it with `kill {pid}`"),
        ),
        PortOwner::Other => (
            format!("{held}, which Fulcrum did not start"),
            "stop it, or listen on another address".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_and_a_hint_are_named() {
        let owner_process = SocketOwner {
            pid: 4242,
            command: "node /srv/x.js".to_owned(),
        };
        let generation = PortOwner::Generation {
            domain: "orders".to_owned(),
            generation: 6,
        };
        let (cause, hint) = describe("port 3001", &owner_process, &generation, "users");
        assert_eq!(
            cause,
            "port 3001 is held by pid 4242 (node /srv/x.js), a process of orders generation 6"
        );
        assert_eq!(hint, "use another address for orders or users");
        let (cause, _) = describe("port 3001", &owner_process, &PortOwner::Other, "users");
        assert!(cause.ends_with(", which Fulcrum did not start"), "{cause}");
    }
}
