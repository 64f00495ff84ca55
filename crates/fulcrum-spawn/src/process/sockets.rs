//! Finds the process behind a socket: the owner of a port, or the other end of a connection.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::stat::Stat;

/// The state of a socket that listens.
pub(super) const LISTEN: &str = "0A";

/// A process that holds a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketOwner {
    /// The process id.
    pub pid: u32,
    /// The command line, shortened to fit a message.
    pub command: String,
}

/// The process that listens on an address of this machine, as far as `/proc` shows it: processes of
/// other users are only visible with privileges. A wildcard address conflicts with a listener on
/// any address of the port.
#[must_use]
pub fn find_listener(address: SocketAddr) -> Option<SocketOwner> {
    let port = address.port();
    let inode = rows_of_port(address.is_ipv6(), port)
        .chain(rows_of_port(!address.is_ipv6(), port))
        .find(|row| row.state == LISTEN && overlap(row.local.ip(), address.ip()))?
        .inode;
    let pid = owner(&inode, processes())?;
    Some(SocketOwner {
        pid,
        command: command_line(pid),
    })
}

/// The process that listens on a Unix-domain socket, by its path, with the same restrictions.
#[must_use]
pub fn find_unix_listener(path: &str) -> Option<SocketOwner> {
    const LISTENS: &str = "00010000";
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let inode = table.lines().skip(1).find_map(|line| {
        // Num RefCount Protocol Flags Type St Inode Path; the path may hold spaces.
        let fields: Vec<&str> = line.split_ascii_whitespace().take(7).collect();
        let [_, _, _, flags, _, _, inode] = fields.try_into().ok()?;
        let bound = line.split_once(&format!(" {inode} "))?.1;
        (flags == LISTENS && bound == path).then_some(inode)
    })?;
    let pid = owner(inode, processes())?;
    Some(SocketOwner {
        pid,
        command: command_line(pid),
    })
}

/// Parses a listen address as Node writes it: `127.0.0.1:3001`, `:::3001`, `0.0.0.0:80`. A host name
/// becomes the wildcard address, since every listener on that port conflicts. `None` for anything
/// else, such as the path of a Unix-domain socket.
#[must_use]
pub fn parse_listen_address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let wildcard = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    match host.trim_matches(['[', ']']) {
        host if host.contains('/') => None,
        "" | "::" => Some(SocketAddr::new(wildcard, port)),
        host => Some(SocketAddr::new(host.parse().unwrap_or(wildcard), port)),
    }
}

/// Whether a listener on one address prevents a listener on the other.
fn overlap(one: IpAddr, other: IpAddr) -> bool {
    let (one, other) = (one.to_canonical(), other.to_canonical());
    one == other || one.is_unspecified() || other.is_unspecified()
}

/// The process at the other end of a connection that was accepted on this machine: `local` and
/// `peer` are its addresses as the acceptor has them. `first` are processes to check before all
/// others.
#[must_use]
pub fn find_peer(local: SocketAddr, peer: SocketAddr, first: &[u32]) -> Option<u32> {
    let inode = rows_of_port(peer.is_ipv6(), peer.port())
        .find(|row| row.local == peer && row.remote == local)?
        .inode;
    owner(&inode, first.iter().copied().chain(processes()))
}

/// A row of the kernel's table of TCP sockets.
pub(super) struct Row {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) state: String,
    pub(super) inode: String,
}

pub(super) fn rows(v6: bool) -> impl Iterator<Item = Row> {
    select_rows(v6, |_| true)
}

/// The rows with this local port. The table has a row for each connection, so the others are not
/// parsed.
fn rows_of_port(v6: bool, port: u16) -> impl Iterator<Item = Row> {
    let port = format!(":{port:04X}");
    select_rows(v6, move |line| {
        let local = line.split_ascii_whitespace().nth(1);
        local.is_some_and(|local| local.ends_with(&port))
    })
}

fn select_rows(v6: bool, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = Row> {
    let table = if v6 {
        "/proc/net/tcp6"
    } else {
        "/proc/net/tcp"
    };
    let text = fs::read_to_string(table).unwrap_or_default();
    let lines = text.lines().skip(1).filter(|line| wanted(line));
    lines.filter_map(parse_row).collect::<Vec<_>>().into_iter()
}

fn parse_row(line: &str) -> Option<Row> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let local = parse_address(fields.next()?)?;
    let remote = parse_address(fields.next()?)?;
    let state = fields.next()?.to_owned();
    let inode = fields.nth(5)?.to_owned();
    Some(Row {
        local,
        remote,
        state,
        inode,
    })
}

/// `0100007F:C383`: the address in words of host byte order, the port in hexadecimal.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    if !ip.len().is_multiple_of(8) {
        return None;
    }
    let arguments = ip
        .as_bytes()
        .chunks(8)
        .map(|word| u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok())
        .collect::<Option<Vec<u32>>>()?;
    let ip = match arguments.as_slice() {
        [word] => IpAddr::V4(Ipv4Addr::from(word.to_ne_bytes())),
        [_, _, _, _] => {
            let mut bytes = [0; 16];
            for (place, word) in bytes.chunks_exact_mut(4).zip(&arguments) {
                place.copy_from_slice(&word.to_ne_bytes());
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

pub(super) fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

pub(super) fn owner(inode: &str, candidates: impl Iterator<Item = u32>) -> Option<u32> {
    let link = format!("socket:[{inode}]");
    candidates.into_iter().find(|pid| {
        fs::read_dir(format!("/proc/{pid}/fd"))
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| {
                fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == link.as_str())
            })
    })
}

/// A variable of a process's initial environment, if that may be read.
#[must_use]
pub fn read_env_var(pid: u32, name: &str) -> Option<String> {
    let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
    environ.split(|byte| *byte == 0).find_map(|variable| {
        let (key, value) = std::str::from_utf8(variable).ok()?.split_once('=')?;
        (key == name).then(|| value.to_owned())
    })
}

/// The command line of a process for a message, at most 80 characters.
#[must_use]
pub fn command_line(pid: u32) -> String {
    let raw = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let raw = String::from_utf8_lossy(&raw);
    let arguments: Vec<&str> = raw.split('\0').filter(|word| !word.is_empty()).collect();
    let text = summarize_command_line(&arguments);
    let text: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
    if text.is_empty() {
        Stat::read(pid).map(|stat| stat.name).unwrap_or_default()
    } else {
        text
    }
}

/// The program's name and its arguments, without Node's own options, which may be long and do not
/// identify the program.
fn summarize_command_line(arguments: &[&str]) -> String {
    const WITH_VALUE: [&str; 5] = ["--require", "-r", "--import", "--loader", "--env-file"];
    let Some((program, arguments)) = arguments.split_first() else {
        return String::new();
    };
    let name = program.rsplit('/').next().unwrap_or(program);
    let mut rest = arguments;
    while name == "node"
        && let [option, after @ ..] = rest
        && option.starts_with("--")
    {
        rest = match after {
            [_, after @ ..] if WITH_VALUE.contains(option) => after,
            after => after,
        };
    }
    let summary = std::iter::once(name).chain(rest.iter().copied());
    summary.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn listen_addresses_are_parsed_as_node_writes_them() {
        for (text, address) in [
            ("127.0.0.1:3001", Some("127.0.0.1:3001")),
            (":::3001", Some("[::]:3001")),
            ("::1:3001", Some("[::1]:3001")),
            ("0.0.0.0:80", Some("0.0.0.0:80")),
            ("localhost:80", Some("[::]:80")),
            ("/run/a:1", None),
            ("/run/a.sock", None),
        ] {
            let address = address.map(|address| address.parse().expect("an address"));
            assert_eq!(parse_listen_address(text), address, "{text}");
        }
    }

    #[test]
    fn addresses_are_parsed_as_the_kernel_writes_them() {
        let v4 = parse_address("0100007F:C383").expect("v4");
        assert_eq!(v4, "127.0.0.1:50051".parse().expect("address"));
        let v6 = parse_address("00000000000000000000000001000000:C383").expect("v6");
        assert_eq!(v6, "[::1]:50051".parse().expect("address"));
        assert_eq!(parse_address("01:C383"), None);
    }

    #[test]
    fn the_processes_of_a_listener_and_a_client_are_found() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("address");
        let client = TcpStream::connect(address).expect("connect");
        let (server, peer) = listener.accept().expect("accept");
        let me = std::process::id();
        assert_eq!(find_listener(address).expect("found").pid, me);
        assert_eq!(
            find_peer(server.local_addr().expect("address"), peer, &[]),
            Some(me)
        );
        drop(client);
    }

    #[test]
    fn a_command_line_is_summarized_without_options_of_node() {
        for (arguments, summary) in [
            (
                &[
                    "/usr/bin/node",
                    "--require",
                    "/a.cjs",
                    "--no-warnings",
                    "/x.js",
                    "--y",
                ][..],
                "node /x.js --y",
            ),
            (&["/usr/bin/node", "-e", "1"], "node -e 1"),
            (&["node", "--watch"], "node"),
            (
                &["/usr/sbin/nginx", "-g", "daemon off;"],
                "nginx -g daemon off;",
            ),
            (&[], ""),
        ] {
            assert_eq!(summarize_command_line(arguments), summary);
        }
    }

    #[test]
    fn a_wildcard_listener_conflicts_with_every_address_of_its_port() {
        let me = std::process::id();
        let found = |address: &str| find_listener(address.parse().expect("address"));
        let one = TcpListener::bind("127.0.0.1:0").expect("bind");
        let port = one.local_addr().expect("address").port();
        for address in ["127.0.0.1", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]"] {
            let owner = found(&format!("{address}:{port}")).expect(address);
            assert_eq!(owner.pid, me);
        }
        assert_eq!(found(&format!("127.0.0.2:{port}")), None);
        let all = TcpListener::bind("0.0.0.0:0").expect("bind");
        let port = all.local_addr().expect("address").port();
        assert!(found(&format!("127.0.0.1:{port}")).is_some());
    }

    #[test]
    fn the_process_that_listens_on_a_path_is_found() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a b.sock");
        let path = path.to_str().expect("text");
        assert_eq!(find_unix_listener(path), None);
        let listener = std::os::unix::net::UnixListener::bind(path).expect("bind");
        let owner = find_unix_listener(path).expect("found");
        assert_eq!(owner.pid, std::process::id());
        drop(listener);
    }
}
