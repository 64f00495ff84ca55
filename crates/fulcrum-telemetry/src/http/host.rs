//! The check of a request's `Host`.
//!
//! A web page may let its own name resolve to the loopback address after it was loaded (DNS
//! rebinding); its scripts could then read a listener there. The browser still sends the page's name
//! as `Host`, so that a listener which accepts only its own names is not reachable for it.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The longest name that an error repeats.
const MAX_SHOWN: usize = 80;

/// Whether a `Host` (with or without a port) is this machine's: `localhost`, or a loopback address,
/// which no DNS name can pose as. The port does not matter: a tunnel may have another one.
#[must_use]
pub fn is_local_host(host: &str) -> bool {
    name_of(host).is_some_and(|name| match name.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => name.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
    })
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
pub(crate) async fn check_host(request: Request, next: Next) -> Response {
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
        Some(host) if is_local_host(host) => next.run(request).await,
        host => refuse(host.unwrap_or_default()).into_response(),
    }
}

fn refuse(host: &str) -> (StatusCode, String) {
    let shown: String = host.chars().take(MAX_SHOWN).collect();
    let text = format!("host {shown:?} is not served here: use localhost or 127.0.0.1\n");
    (StatusCode::MISDIRECTED_REQUEST, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_and_addresses_of_this_machine_are_served() {
        for own in [
            "localhost",
            "LOCALHOST:9100",
            "localhost.",
            "127.0.0.1:9100",
            "127.0.0.2",
            "[::1]:9100",
            "[::1]",
        ] {
            assert!(is_local_host(own), "{own}");
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
            assert!(!is_local_host(other), "{other}");
        }
    }
}
