//! Whose listener answers at an address of the loopback.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::sockets::{LISTEN, Row, SocketOwner, command_line, owner, processes, rows};
use super::stat::Stat;

/// Programs that listen for a container or another machine. Who answers behind them is not visible.
const FORWARDERS: [&str; 8] = [
    "docker-proxy",
    "rootlessport",
    "slirp4netns",
    "pasta",
    "pasta.avx2",
    "gvproxy",
    "kubectl",
    "ssh",
];

/// The owner of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenerOwner {
    /// One of the given processes.
    Tree,
    /// A process outside.
    Other(SocketOwner),
    /// It belongs to a program that forwards the port to where it cannot be seen.
    Forwarded(SocketOwner),
    /// It cannot be seen: it belongs to another user or network namespace, or is gone.
    Unseen,
}

/// Finds the owner of the listener that answers at a loopback address. `tree` are processes that
/// are checked first. Reads `/proc` and may block for as long as that takes.
#[must_use]
pub fn listener_owner(address: SocketAddr, tree: &[u32]) -> ListenerOwner {
    let listeners = answering(address, all_listeners());
    let is_own = |row: &Row| owner(&row.inode, tree.iter().copied()).is_some();
    if listeners.iter().any(is_own) {
        return ListenerOwner::Tree;
    }
    let mut pids = listeners
        .iter()
        .filter_map(|row| owner(&row.inode, processes()));
    let Some(pid) = pids.next() else {
        return ListenerOwner::Unseen;
    };
    let found = SocketOwner {
        pid,
        command: command_line(pid),
    };
    let name = Stat::read(pid).map(|stat| stat.name).unwrap_or_default();
    match FORWARDERS.contains(&name.as_str()) {
        true => ListenerOwner::Forwarded(found),
        false => ListenerOwner::Other(found),
    }
}

/// The addresses on which these processes listen, in order. Reads `/proc` and may block for as long
/// as that takes.
#[must_use]
pub fn listen_addresses(tree: &[u32]) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = all_listeners()
        .filter(|row| owner(&row.inode, tree.iter().copied()).is_some())
        .map(|row| row.local)
        .collect();
    found.sort();
    found.dedup();
    found
}

fn all_listeners() -> impl Iterator<Item = Row> {
    let listens = |row: &Row| row.state == LISTEN;
    rows(false).chain(rows(true)).filter(listens)
}

/// The listeners that get a connection to an address: those at the address itself, else those at
/// the wildcard of its family, else those at the wildcard of both families.
fn answering(address: SocketAddr, listeners: impl Iterator<Item = Row>) -> Vec<Row> {
    let rank = |row: &Row| {
        let (local, ip) = (row.local.ip(), address.ip());
        let own_wildcard = match ip {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        match local {
            _ if row.local.port() != address.port() => None,
            local if local.to_canonical() == ip.to_canonical() => Some(0),
            local if local == own_wildcard => Some(1),
            local if local == IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Some(2),
            _ => None,
        }
    };
    let ranked: Vec<(u8, Row)> = listeners
        .filter_map(|row| Some((rank(&row)?, row)))
        .collect();
    let best = ranked.iter().map(|(rank, _)| *rank).min();
    let best = ranked.into_iter().filter(|(rank, _)| Some(*rank) == best);
    best.map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn row(local: &str) -> Row {
        Row {
            local: local.parse().expect("an address"),
            remote: "0.0.0.0:0".parse().expect("an address"),
            state: LISTEN.to_owned(),
            inode: local.to_owned(),
        }
    }

    #[test]
    fn the_most_specific_listener_answers() {
        let answer = |address: &str, listeners: &[&str]| -> Vec<String> {
            let rows = listeners.iter().map(|local| row(local));
            let found = answering(address.parse().expect("an address"), rows);
            found.into_iter().map(|row| row.inode).collect()
        };
        let all = ["0.0.0.0:80", "127.0.0.1:80", "[::]:80", "[::1]:80"];
        assert_eq!(answer("127.0.0.1:80", &all), ["127.0.0.1:80"]);
        assert_eq!(answer("[::1]:80", &all), ["[::1]:80"]);
        assert_eq!(answer("127.0.0.2:80", &all), ["0.0.0.0:80"]);
        assert_eq!(
            answer("127.0.0.1:80", &["[::]:80", "[::1]:80"]),
            ["[::]:80"]
        );
        assert_eq!(answer("[::1]:80", &["0.0.0.0:80"]), [""; 0]);
        assert_eq!(answer("127.0.0.1:81", &all), [""; 0]);
    }

    #[test]
    fn a_listener_belongs_to_the_tree_or_to_another_process() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let own = std::process::id();
        assert_eq!(listener_owner(address, &[own]), ListenerOwner::Tree);
        assert!(listen_addresses(&[own]).contains(&address));
        let ListenerOwner::Other(other) = listener_owner(address, &[]) else {
            panic!("this process is outside of no tree");
        };
        assert_eq!(other.pid, own);
        drop(listener);
        assert_eq!(listener_owner(address, &[own]), ListenerOwner::Unseen);
    }
}
