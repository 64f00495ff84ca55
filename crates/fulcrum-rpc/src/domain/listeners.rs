//! The TCP listeners of the domain server.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

/// The number of free ports to try until one is free for both loopback families.
const MAX_PORT_ATTEMPTS: usize = 16;

/// Bound listeners, all on one port.
#[derive(Debug)]
pub struct Listeners {
    listeners: Vec<TcpListener>,
    address: SocketAddr,
    fallback_from: Option<(String, io::Error)>,
}

/// Listening on an address failed.
#[derive(Debug)]
pub struct BindError {
    /// The address, as passed to [`Listeners::bind`].
    pub addr: String,
    /// The kind of failure.
    pub kind: BindErrorKind,
    /// The error of the system.
    pub source: io::Error,
}

/// Why listening on an address failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindErrorKind {
    /// The address is not HOST:PORT, or the host is unknown.
    Invalid,
    /// Another socket is bound to the address.
    InUse,
    /// It is not an address of this machine.
    NotAvailable,
    /// The process may not bind the port.
    PermissionDenied,
    /// Another error; see the source.
    Other,
}

impl fmt::Display for BindError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { addr, kind, source } = self;
        write!(formatter, "cannot listen on {addr}: ")?;
        match kind {
            BindErrorKind::Invalid => formatter.write_str("not an address such as 127.0.0.1:50051"),
            BindErrorKind::InUse => formatter.write_str("address in use"),
            BindErrorKind::NotAvailable => formatter.write_str("not an address of this machine"),
            BindErrorKind::PermissionDenied => {
                formatter.write_str("permission denied; ports above 1023 need no privileges")
            }
            BindErrorKind::Other => source.fmt(formatter),
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
    /// `127.0.0.1` and `localhost` mean both loopback families on one port, as far as the machine
    /// has them, since clients of `localhost` may connect to either. If one of the two is in use,
    /// the address is. Port 0 means a free port. With `fall_back_to_free_port` a free port is also
    /// used if the address is in use; see [`Listeners::fallback_from`].
    ///
    /// # Errors
    /// If listening on the address fails.
    pub fn bind(addr: &str, fall_back_to_free_port: bool) -> Result<Self, BindError> {
        let requested = resolve(addr).map_err(|source| BindError {
            addr: addr.to_owned(),
            kind: BindErrorKind::Invalid,
            source,
        })?;
        match bind_families(requested) {
            Ok((listeners, address)) => Ok(Self {
                listeners,
                address,
                fallback_from: None,
            }),
            Err(in_use) if fall_back_to_free_port && in_use.kind() == io::ErrorKind::AddrInUse => {
                let (listeners, address) = bind_families(SocketAddr::new(requested.ip(), 0))
                    .map_err(|source| BindError::new(addr, source))?;
                Ok(Self {
                    listeners,
                    address,
                    fallback_from: Some((addr.to_owned(), in_use)),
                })
            }
            Err(source) => Err(BindError::new(addr, source)),
        }
    }

    /// The address that domains connect to, such as `127.0.0.1:50051`. It is the loopback address
    /// if the listeners are bound to every address of the machine.
    pub fn address(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port()).to_string()
    }

    /// The addresses of the listeners.
    #[cfg(test)]
    fn local_addrs(&self) -> Vec<SocketAddr> {
        self.listeners
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
            .collect()
    }

    /// The requested address that was in use, and the error of the system, if another port is
    /// used instead.
    pub fn fallback_from(&self) -> Option<&(String, io::Error)> {
        self.fallback_from.as_ref()
    }

    /// The listeners for the tokio runtime, which must be running.
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
    // Not resolved: a hosts file may map the name to another address.
    if let Some(port) = addr.strip_prefix("localhost:")
        && let Ok(port) = port.parse()
    {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    addr.to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the host name has no address"))
}

fn bind_families(requested: SocketAddr) -> io::Result<(Vec<TcpListener>, SocketAddr)> {
    if requested.ip() != IpAddr::V4(Ipv4Addr::LOCALHOST) {
        let listener = TcpListener::bind(requested)?;
        let address = listener.local_addr()?;
        return Ok((vec![listener], address));
    }
    let mut attempts = 0;
    loop {
        attempts += 1;
        match bind_loopback(requested.port()) {
            // The port is free for one family only: let the system pick another one.
            Err(error)
                if requested.port() == 0
                    && attempts < MAX_PORT_ATTEMPTS
                    && error.kind() == io::ErrorKind::AddrInUse => {}
            done => return done,
        }
    }
}

/// Listens on both loopback addresses, or on the one of them that the machine has.
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

/// Whether the machine has no loopback address of this family.
fn is_unsupported_family(error: &io::Error) -> bool {
    let unsupported = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(unsupported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_is_free_for_both_families() {
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
    fn a_port_in_use_is_an_error_or_falls_back() {
        let holder = Listeners::bind("127.0.0.1:0", false).expect("bound");
        let in_use = holder.address();
        let error = Listeners::bind(&in_use, false).expect_err("in use");
        assert_eq!(error.kind, BindErrorKind::InUse);
        assert!(error.to_string().contains(&in_use), "{error}");

        let other = Listeners::bind(&in_use, true).expect("another port");
        assert_ne!(other.address(), in_use);
        let (requested, source) = other.fallback_from().expect("a fallback");
        assert_eq!(
            (requested.as_str(), source.kind()),
            (in_use.as_str(), io::ErrorKind::AddrInUse)
        );
    }

    #[test]
    fn a_port_in_use_for_one_family_is_in_use() {
        let Ok(holder) = TcpListener::bind("[::1]:0") else {
            return;
        };
        let port = holder.local_addr().expect("bound").port();
        let error = Listeners::bind(&format!("localhost:{port}"), false).expect_err("in use");
        assert_eq!(error.kind, BindErrorKind::InUse);
    }

    #[test]
    fn invalid_addresses_and_those_of_other_machines_differ() {
        let kind = |addr| Listeners::bind(addr, true).expect_err(addr).kind;
        for addr in ["", "50051", "localhost", "localhost:x", "127.0.0.1:70000"] {
            assert_eq!(kind(addr), BindErrorKind::Invalid, "{addr}");
        }
        assert_eq!(kind("192.0.2.1:50051"), BindErrorKind::NotAvailable);
    }
}
