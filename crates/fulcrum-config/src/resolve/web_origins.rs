//! `runtime.grpc.web_origins`: the origins of pages that may call domains.

use super::reader::SettingsReader;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::runtime::{WEB_LOOPBACK, WebOrigins};

/// Reads the setting. An origin that no browser sends would permit nothing, which is told.
pub(super) fn web_origins(
    settings: &SettingsReader<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> WebOrigins {
    let mut origins = WebOrigins::default();
    for text in settings.string_list("grpc.web_origins") {
        if text == WEB_LOOPBACK {
            origins.loopback = true;
            continue;
        }
        match normalize(&text) {
            Ok(origin) => origins.others.push(origin),
            Err(reason) => diagnostics.push(
                settings
                    .diagnostic(
                        "grpc.web_origins",
                        Code::InvalidOrigin,
                        format!("{text:?} is not an origin: {reason}"),
                    )
                    .hint("an origin is scheme, host and port, such as http://localhost:3000; `loopback` stands for all pages of this machine"),
            ),
        }
    }
    origins
}

/// The origin as browsers write it: lower case, without the default port.
fn normalize(text: &str) -> Result<String, &'static str> {
    let text = text.to_ascii_lowercase();
    let (scheme, default_port) = match text.split_once("://") {
        Some(("http", _)) => ("http", ":80"),
        Some(("https", _)) => ("https", ":443"),
        _ if text == "*" => return Err("every page of the web would be permitted"),
        _ => return Err("it must begin with http:// or https://"),
    };
    let host = &text[scheme.len() + 3..];
    let host = host.strip_suffix('/').unwrap_or(host);
    let host = host.strip_suffix(default_port).unwrap_or(host);
    if host.is_empty() {
        return Err("it has no host");
    }
    if host.contains('*') {
        return Err("it must name one host, without a wildcard");
    }
    if host.contains(['/', '?', '#', '@']) || host.contains(char::is_whitespace) {
        return Err("it has only scheme, host and port");
    }
    Ok(format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        let same = |text: &str, expected: &str| {
            assert_eq!(normalize(text).as_deref(), Ok(expected), "{text}");
        };
        same("http://localhost:3000", "http://localhost:3000");
        same("HTTPS://Example.COM/", "https://example.com");
        same("http://example.com:80", "http://example.com");
        same("https://example.com:443/", "https://example.com");
        same("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443");
    }

    #[test]
    fn what_no_browser_sends_is_an_error() {
        for text in [
            "*",
            "null",
            "localhost:3000",
            "http://",
            "http://a/b",
            "https://*.example.com",
            "http://user@a",
            "ftp://a",
        ] {
            assert!(normalize(text).is_err(), "{text}");
        }
    }
}
