//! The TCP port that domains dial.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

/// How many free ports are tried until one is free for both loopback families.
const MAX_PORT_ATTEMPTS: usize = 16;

/// Bound listeners, all on one port.
#[derive(Debug)]
pub struct Listeners {
    listeners: Vec<TcpListener>,
    address: SocketAddr,
    fallback_from: Option<(String, io::Error)>,
}

/// An address that can't be listened on.
#[derive(Debug)]
pub struct BindError {
    /// The address, as it was given.
    pub addr: String,
    /// What kind of failure it is.
    pub kind: BindErrorKind,
    /// What the system said.
    pub source: io::Error,
}

/// Why an address can't be listened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindErrorKind {
    /// It isn't HOST:PORT, or the host is unknown.
    Invalid,
    /// Somebody else listens there.
    InUse,
    /// It isn't an address of this machine.
    NotAvailable,
    /// The port asks for rights that the process hasn't.
    PermissionDenied,
    /// Something else; see the source.
    Other,
}

impl fmt::Display for BindError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addr = &self.addr;
        match self.kind {
            BindErrorKind::Invalid => {
                write!(
                    formatter,
                    "{addr:?} is no address to listen on; give HOST:PORT, such as 127.0.0.1:50051"
                )
            }
            BindErrorKind::InUse => {
                write!(
                    formatter,
                    "{addr} is taken; stop what listens there or choose another address"
                )
            }
            BindErrorKind::NotAvailable => {
                write!(formatter, "{addr} is no address of this machine")
            }
            BindErrorKind::PermissionDenied => {
                write!(
                    formatter,
                    "no right to listen on {addr}; choose a port above 1023"
                )
            }
            BindErrorKind::Other => write!(formatter, "can't listen on {addr}"),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl BindError {
    fn new(addr: &str, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::InvalidInput => BindErrorKind::Invalid,
            io::ErrorKind::AddrInUse => BindErrorKind::InUse,
            io::ErrorKind::AddrNotAvailable => BindErrorKind::NotAvailable,
            io::ErrorKind::PermissionDenied => BindErrorKind::PermissionDenied,
            _ => BindErrorKind::Other,
        };
        Self {
            addr: addr.to_owned(),
            kind,
            source,
        }
    }
}

impl Listeners {
    /// Listens on `addr`, HOST:PORT.
    ///
    /// `127.0.0.1` and `localhost` mean both loopback families on one port, as far as the
    /// machine has them, since clients that dial `localhost` may try either; if one of the
    /// two is taken, the address is. Port 0 takes a free port. With
    /// `fall_back_to_free_port` so does an address that is taken, and
    /// [`Listeners::fell_back`] tells.
    ///
    /// # Errors
    /// Where the address can't be listened on.
    pub fn bind(addr: &str, fall_back_to_free_port: bool) -> Result<Self, BindError> {
        let wanted = resolve(addr).map_err(|source| BindError {
            addr: addr.to_owned(),
            kind: BindErrorKind::Invalid,
            source,
        })?;
        match bind_families(wanted) {
            Ok((listeners, address)) => Ok(Self {
                listeners,
                address,
                fallback_from: None,
            }),
            Err(taken) if fall_back_to_free_port && taken.kind() == io::ErrorKind::AddrInUse => {
                let (listeners, address) = bind_families(SocketAddr::new(wanted.ip(), 0))
                    .map_err(|source| BindError::new(addr, source))?;
                Ok(Self {
                    listeners,
                    address,
                    fallback_from: Some((addr.to_owned(), taken)),
                })
            }
            Err(source) => Err(BindError::new(addr, source)),
        }
    }

    /// The address for domains to dial, such as `127.0.0.1:50051`. Where the listeners are
    /// on every address of the machine, the loopback's.
    pub fn address(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port()).to_string()
    }

    /// What is listened on.
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.listeners
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
            .collect()
    }

    /// The address that was wanted and taken, and what the system said, where another port
    /// was used instead.
    pub fn fallback_from(&self) -> Option<&(String, io::Error)> {
        self.fallback_from.as_ref()
    }

    /// The listeners, ready for the runtime, which must be running.
    pub(crate) fn into_tokio(self) -> io::Result<Vec<tokio::net::TcpListener>> {
        self.listeners
            .into_iter()
            .map(|listener| {
                listener.set_nonblocking(true)?;
                tokio::net::TcpListener::from_std(listener)
            })
            .collect()
    }
}

fn resolve(addr: &str) -> io::Result<SocketAddr> {
    // Whatever the machine's tables say of it.
    if let Some(port) = addr.strip_prefix("localhost:")
        && let Ok(port) = port.parse()
    {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    addr.to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the name has no address"))
}

fn bind_families(wanted: SocketAddr) -> io::Result<(Vec<TcpListener>, SocketAddr)> {
    if wanted.ip() != IpAddr::V4(Ipv4Addr::LOCALHOST) {
        let listener = TcpListener::bind(wanted)?;
        let address = listener.local_addr()?;
        return Ok((vec![listener], address));
    }
    let mut tries = 0;
    loop {
        tries += 1;
        match bind_loopback(wanted.port()) {
            // A port that is free for one family only: the system picks another.
            Err(error)
                if wanted.port() == 0
                    && tries < MAX_PORT_ATTEMPTS
                    && error.kind() == io::ErrorKind::AddrInUse => {}
            done => return done,
        }
    }
}

/// Listens on both loopback addresses, or on the one that the machine has.
fn bind_loopback(port: u16) -> io::Result<(Vec<TcpListener>, SocketAddr)> {
    let v4 = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(listener) => listener,
        Err(error) if is_unsupported_family(&error) => {
            let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port))?;
            let address = v6.local_addr()?;
            return Ok((vec![v6], address));
        }
        Err(error) => return Err(error),
    };
    let address = v4.local_addr()?;
    match TcpListener::bind((Ipv6Addr::LOCALHOST, address.port())) {
        Ok(v6) => Ok((vec![v4, v6], address)),
        Err(error) if is_unsupported_family(&error) => Ok((vec![v4], address)),
        Err(error) => Err(error),
    }
}

/// Whether the machine lacks this family's loopback.
fn is_unsupported_family(error: &io::Error) -> bool {
    let unsupported = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(unsupported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_is_one_for_both_families() {
        let listeners = Listeners::bind("127.0.0.1:0", false).expect("bound");
        let addrs = listeners.local_addrs();
        assert!(
            addrs
                .iter()
                .all(|addr| addr.port() == addrs[0].port() && addr.port() != 0)
        );
        if TcpListener::bind("[::1]:0").is_ok() {
            assert_eq!(addrs.len(), 2, "{addrs:?}");
        }
        assert_eq!(listeners.address(), addrs[0].to_string());
        assert!(listeners.fallback_from().is_none());
    }

    #[test]
    fn a_taken_port_is_an_error_or_falls_back() {
        let holder = Listeners::bind("127.0.0.1:0", false).expect("bound");
        let taken = holder.address();
        let error = Listeners::bind(&taken, false).expect_err("taken");
        assert_eq!(error.kind, BindErrorKind::InUse);
        assert!(error.to_string().contains(&taken), "{error}");

        let other = Listeners::bind(&taken, true).expect("another port");
        assert_ne!(other.address(), taken);
        let (wanted, source) = other.fallback_from().expect("told");
        assert_eq!(
            (wanted.as_str(), source.kind()),
            (taken.as_str(), io::ErrorKind::AddrInUse)
        );
    }

    #[test]
    fn one_family_taken_is_taken() {
        let Ok(holder) = TcpListener::bind("[::1]:0") else {
            return;
        };
        let port = holder.local_addr().expect("bound").port();
        let error = Listeners::bind(&format!("localhost:{port}"), false).expect_err("taken");
        assert_eq!(error.kind, BindErrorKind::InUse);
    }

    #[test]
    fn nonsense_and_foreign_addresses_are_told_apart() {
        let kind = |addr| Listeners::bind(addr, true).expect_err(addr).kind;
        for addr in ["", "50051", "localhost", "localhost:x", "127.0.0.1:70000"] {
            assert_eq!(kind(addr), BindErrorKind::Invalid, "{addr}");
        }
        assert_eq!(kind("192.0.2.1:50051"), BindErrorKind::NotAvailable);
    }
}
