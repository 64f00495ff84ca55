//! Addresses: `HOST:PORT`.

use std::net::IpAddr;

use crate::code::Code;
use crate::diagnostic::quoted;
use crate::setting::Setting;
use crate::value_error::ValueError;

/// Splits `HOST:PORT`. An IPv6 address is written in brackets, which are removed.
pub(crate) fn parse_host_port(text: &str) -> Result<(String, u16), ValueError> {
    let shape = || {
        ValueError::invalid(format!("{} is not of the form `host:port`", quoted(text)))
            .hint("write it like `127.0.0.1:50051` or `[::1]:50051`")
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(shape)?;
    let host = match host.strip_prefix('[') {
        Some(inside) => {
            let inside = inside.strip_suffix(']').ok_or_else(shape)?;
            inside.parse::<std::net::Ipv6Addr>().map_err(|_| shape())?;
            inside
        }
        None => host,
    };
    let bracketed = text.starts_with('[');
    let named = !host.is_empty()
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if !bracketed && !named {
        return Err(shape());
    }
    if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(shape());
    }
    let port = port
        .parse()
        .map_err(|_| ValueError::invalid(format!("{} is not a port (0 to 65535)", quoted(port))))?;
    Ok((host.to_owned(), port))
}

/// Parses an address for metrics and health endpoints. Only loopback addresses are allowed:
/// connections are neither encrypted nor authenticated.
pub(crate) fn parse_http_address(text: &str) -> Result<Setting, ValueError> {
    parse_listen_address(text).map_err(|error| match error.code {
        Code::ExposedAddress => ValueError {
            message: format!(
                "{} is reachable from other machines, and its connections are neither encrypted nor authenticated: anyone on the network could read names, errors and metrics of domains",
                quoted(text)
            ),
            hint: Some("listen on the loopback, and let a proxy or an agent on this machine read it".to_owned()),
            ..error
        },
        _ => error,
    })
}

/// Parses an address to listen on. Only loopback addresses are allowed: connections are not
/// encrypted and, with `registration: open`, not authenticated.
pub(crate) fn parse_listen_address(text: &str) -> Result<Setting, ValueError> {
    let (host, port) = parse_host_port(text)?;
    let loopback = match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    };
    if loopback {
        return Ok(Setting::Listen { host, port });
    }
    Err(ValueError {
        code: Code::ExposedAddress,
        message: format!(
            "{} is reachable from other machines, and its connections are neither encrypted nor authenticated: anyone on the network could call and impersonate domains",
            quoted(text)
        ),
        hint: Some(format!(
            "listen on `127.0.0.1:{port}`, behind a proxy that terminates TLS"
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_accepted() {
        for (text, host, port) in [
            ("127.0.0.1:0", "127.0.0.1", 0),
            ("[::1]:50051", "::1", 50_051),
            ("localhost:1", "localhost", 1),
            ("127.9.9.9:1", "127.9.9.9", 1),
        ] {
            assert_eq!(
                parse_listen_address(text),
                Ok(Setting::Listen {
                    host: host.into(),
                    port
                }),
                "{text}"
            );
        }
        for text in [
            "0.0.0.0:50051",
            "[::]:50051",
            "192.168.1.4:1",
            "example.org:1",
        ] {
            assert_eq!(
                parse_listen_address(text).map_err(|error| error.code),
                Err(Code::ExposedAddress),
                "{text}"
            );
        }
    }

    #[test]
    fn malformed_addresses_are_rejected() {
        for text in [
            "",
            ":50051",
            "50051",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:65536",
            "127.0.0.1:-1",
            "::1:5",
            "[::1]",
            "[x]:1",
            "http://localhost:1",
            "local host:1",
            "a:b:1",
        ] {
            assert_eq!(
                parse_listen_address(text).map_err(|error| error.code),
                Err(Code::InvalidValue),
                "{text}"
            );
        }
    }
}
