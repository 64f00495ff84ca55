//! The check of a request's `Host`.
//!
//! A web page may let its own name resolve to the loopback address after it was loaded (DNS
//! rebinding); its scripts could then read a listener there. The browser still sends the page's name
//! as `Host`, so that a listener which accepts only its own names is not reachable for it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The longest name that an error repeats.
const MAX_SHOWN: usize = 80;

/// The names under which a listener may be asked.
#[derive(Debug, Clone)]
pub struct HostPolicy {
    address: SocketAddr,
    names: Arc<[String]>,
}

impl HostPolicy {
    /// The policy of a listener. Without further names, a listener on the loopback answers to
    /// `localhost` and to every loopback address; another one answers to every IP address, which no
    /// DNS name can pose as.
    #[must_use]
    pub fn new(address: SocketAddr, names: impl IntoIterator<Item = String>) -> Self {
        Self {
            address,
            names: names.into_iter().collect(),
        }
    }

    /// Whether a `Host` (with or without a port) is one of the listener's. The port does not matter:
    /// a tunnel may have another one.
    #[must_use]
    pub fn accepts(&self, host: &str) -> bool {
        let Some(name) = name_of(host) else {
            return false;
        };
        if let Ok(ip) = name.parse::<IpAddr>() {
            return ip.is_loopback() || !self.address.ip().is_loopback();
        }
        let name = name.trim_end_matches('.');
        name.eq_ignore_ascii_case("localhost")
            || self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// The name or address of a `Host` without its port and brackets.
fn name_of(host: &str) -> Option<&str> {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(rest) = host.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        let good = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
        return good.then_some(address);
    }
    match host.split_once(':') {
        Some((name, port)) => is_port(port).then_some(name),
        None => Some(host),
    }
}

/// Middleware that refuses a request whose `Host` is missing or another's.
pub async fn check_host(
    State(policy): State<HostPolicy>,
    request: Request,
    next: Next,
) -> Response {
    let host = request.headers().get(header::HOST);
    let host = host.map(|host| host.to_str().unwrap_or_default());
    // HTTP/2 has the name in the target.
    let host = host.or_else(|| {
        request
            .uri()
            .authority()
            .map(|authority| authority.as_str())
    });
    match host {
        Some(host) if policy.accepts(host) => next.run(request).await,
        host => refuse(host.unwrap_or_default()).into_response(),
    }
}

fn refuse(host: &str) -> (StatusCode, String) {
    let shown: String = host.chars().take(MAX_SHOWN).collect();
    let text = format!(
        "host {shown:?} is not served here: ask for localhost or the address of this listener\n"
    );
    (StatusCode::MISDIRECTED_REQUEST, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(address: &str) -> HostPolicy {
        let address = address.parse().expect("an address");
        HostPolicy::new(address, ["Metrics.Internal".to_owned()])
    }

    #[test]
    fn a_loopback_listener_answers_to_its_own_names_only() {
        let policy = policy("127.0.0.1:9100");
        for own in [
            "localhost",
            "LOCALHOST:9100",
            "localhost.",
            "127.0.0.1:9100",
            "127.0.0.2",
            "[::1]:9100",
            "[::1]",
            "metrics.internal:80",
        ] {
            assert!(policy.accepts(own), "{own}");
        }
        for other in [
            "",
            "evil.example",
            "evil.example:9100",
            "localhost.evil.example",
            "192.0.2.7",
            "127.0.0.1.evil.example",
            "[::1",
            "[::1]x",
            "localhost:80:80",
            "localhost:x",
            "user@localhost",
        ] {
            assert!(!policy.accepts(other), "{other}");
        }
    }

    #[test]
    fn a_listener_on_all_addresses_answers_to_addresses_but_not_to_unknown_names() {
        let policy = policy("0.0.0.0:9100");
        assert!(policy.accepts("192.0.2.7:9100") && policy.accepts("[2001:db8::1]:9100"));
        assert!(!policy.accepts("evil.example:9100"));
    }
}
