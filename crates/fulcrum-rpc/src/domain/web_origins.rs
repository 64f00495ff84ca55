//! The origins of pages that may call domains.

use std::net::IpAddr;

/// The origins of pages that may call domains from a browser. None by default.
///
/// A browser sends the origin of the page with every such request, and a page cannot change it. Who
/// sends none is no page: any program of this machine can reach the port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebOrigins {
    loopback: bool,
    others: Vec<String>,
}

impl WebOrigins {
    /// Permits `others`, as browsers write them (`https://example.com:8443`), and with `loopback`
    /// every origin of this machine: `localhost` and loopback addresses, at any port.
    #[must_use]
    pub fn new(loopback: bool, others: &[String]) -> Self {
        Self {
            loopback,
            others: others.to_vec(),
        }
    }

    /// Whether a page of this origin may call domains. An opaque origin (`null`), which any page can
    /// get, may not.
    pub(crate) fn allow(&self, origin: &str) -> bool {
        (self.loopback && is_loopback(origin))
            || self
                .others
                .iter()
                .any(|other| other.eq_ignore_ascii_case(origin))
    }
}

fn is_loopback(origin: &str) -> bool {
    let authority = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    let Some(authority) = authority else {
        return false;
    };
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(host, _)| host),
        None => authority
            .split_once(':')
            .map_or(authority, |(host, _)| host),
    };
    let is_name = |name: &str| {
        // Browsers resolve these names themselves.
        name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
    };
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => is_name(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_machine_are_of_the_loopback() {
        let origins = WebOrigins::new(true, &[]);
        for origin in [
            "http://localhost",
            "http://localhost:5173",
            "https://app.localhost:3000",
            "http://127.0.0.1:8080",
            "http://127.1.2.3",
            "http://[::1]:3000",
        ] {
            assert!(origins.allow(origin), "{origin}");
        }
        for origin in [
            "null",
            "",
            "localhost",
            "http://rebound.example",
            "http://localhost.example",
            "http://notlocalhost",
            "http://127.0.0.1.example",
            "http://192.168.1.1",
            "http://[2001:db8::1]",
            "file://",
            "chrome-extension://localhost",
        ] {
            assert!(!origins.allow(origin), "{origin}");
        }
        assert!(!WebOrigins::default().allow("http://localhost:5173"));
    }

    #[test]
    fn other_origins_are_permitted_by_name() {
        let origins = WebOrigins::new(false, &["https://example.com:8443".to_owned()]);
        assert!(origins.allow("https://example.com:8443"));
        for origin in [
            "https://example.com",
            "http://example.com:8443",
            "http://localhost",
        ] {
            assert!(!origins.allow(origin), "{origin}");
        }
    }
}
