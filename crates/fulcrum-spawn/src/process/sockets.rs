//! Which process is behind a socket: who holds a port, who sits at the other end of a connection.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A process that holds a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// Its command line, shortened to what fits a message.
    pub command: String,
}

/// Who listens on a port of this machine, as far as `/proc` shows it: processes of other users
/// can't be looked into without privilege.
#[must_use]
pub fn listener_on(address: SocketAddr) -> Option<Holder> {
    const LISTEN: &str = "0A";
    let inode = rows(address.is_ipv6())
        .chain(rows(!address.is_ipv6()))
        .find(|row| {
            row.state == LISTEN
                && row.local.port() == address.port()
                && (row.local.ip() == address.ip() || row.local.ip().is_unspecified())
        })?
        .inode;
    let pid = owner(&inode, processes())?;
    Some(Holder {
        pid,
        command: command_line(pid),
    })
}

/// The process at the other end of a connection that was accepted on this machine: `local` is our
/// address of it, `peer` the other one's. `first` are processes to look at before all others.
#[must_use]
pub fn client_of(local: SocketAddr, peer: SocketAddr, first: &[u32]) -> Option<u32> {
    let inode = rows(peer.is_ipv6())
        .find(|row| row.local == peer && row.remote == local)?
        .inode;
    owner(&inode, first.iter().copied().chain(processes()))
}

struct Row {
    local: SocketAddr,
    remote: SocketAddr,
    state: String,
    inode: String,
}

fn rows(v6: bool) -> impl Iterator<Item = Row> {
    let table = if v6 {
        "/proc/net/tcp6"
    } else {
        "/proc/net/tcp"
    };
    let text = fs::read_to_string(table).unwrap_or_default();
    text.lines()
        .skip(1)
        .filter_map(parse_row)
        .collect::<Vec<_>>()
        .into_iter()
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

/// `0100007F:C383`: the address in words of host order, the port in plain hexadecimal.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    if !ip.len().is_multiple_of(8) {
        return None;
    }
    let words = ip
        .as_bytes()
        .chunks(8)
        .map(|word| u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok())
        .collect::<Option<Vec<u32>>>()?;
    let ip = match words.as_slice() {
        [word] => IpAddr::V4(Ipv4Addr::from(word.to_ne_bytes())),
        [_, _, _, _] => {
            let mut bytes = [0; 16];
            for (place, word) in bytes.chunks_exact_mut(4).zip(&words) {
                place.copy_from_slice(&word.to_ne_bytes());
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn owner(inode: &str, candidates: impl Iterator<Item = u32>) -> Option<u32> {
    let wanted = format!("socket:[{inode}]");
    candidates.into_iter().find(|pid| {
        fs::read_dir(format!("/proc/{pid}/fd"))
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| {
                fs::read_link(entry.path())
                    .is_ok_and(|target| target.as_os_str() == wanted.as_str())
            })
    })
}

/// A process's command line for a message, at most 80 characters.
pub(super) fn command_line(pid: u32) -> String {
    let raw = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&raw).replace('\0', " ");
    let text: String = text
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(80)
        .collect();
    if text.is_empty() {
        super::Stat::read(pid)
            .map(|stat| stat.name)
            .unwrap_or_default()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        let v4 = parse_address("0100007F:C383").expect("v4");
        assert_eq!(v4, "127.0.0.1:50051".parse().expect("address"));
        let v6 = parse_address("00000000000000000000000001000000:C383").expect("v6");
        assert_eq!(v6, "[::1]:50051".parse().expect("address"));
        assert_eq!(parse_address("01:C383"), None);
    }

    #[test]
    fn a_listener_and_a_client_are_told_by_their_process() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("address");
        let client = TcpStream::connect(address).expect("connect");
        let (server, peer) = listener.accept().expect("accept");
        let me = std::process::id();
        assert_eq!(listener_on(address).expect("found").pid, me);
        assert_eq!(
            client_of(server.local_addr().expect("address"), peer, &[]),
            Some(me)
        );
        drop(client);
    }
}
