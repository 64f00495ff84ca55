//! Values of the OTLP export: the endpoint and the headers.

use crate::diagnostic::quoted;
use crate::listen;
use crate::setting::Setting;
use crate::value_error::ValueError;

/// The default port of OTLP over gRPC, by its specification.
const PORT: u16 = 4317;

/// Names that gRPC and HTTP/2 reserve.
const RESERVED_HEADERS: [&str; 6] = [
    "connection",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
    "user-agent",
];

/// Parses an endpoint, `http://HOST:PORT` or `https://HOST:PORT`.
pub(crate) fn parse_endpoint(text: &str) -> Result<Setting, ValueError> {
    let shape = |why: &str| {
        ValueError::invalid(format!("{} is not an OTLP endpoint: {why}", quoted(text)))
            .hint(format!("write it like `http://127.0.0.1:{PORT}`"))
    };
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(shape("it does not start with `http://` or `https://`"));
    };
    if !["http", "https"].contains(&scheme) {
        return Err(shape("it does not start with `http://` or `https://`"));
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err(ValueError::invalid(format!(
            "{} contains a user name, which gRPC does not support",
            quoted(text)
        ))
        .hint("put credentials under `headers`"));
    }
    if !path.is_empty() || authority.contains(['?', '#']) {
        return Err(ValueError::invalid(format!(
            "{} has a path, which OTLP over gRPC does not use",
            quoted(text)
        ))
        .hint(format!(
            "use the endpoint's gRPC port, usually {PORT}: `/v1/logs` belongs to OTLP over HTTP"
        )));
    }
    let (host, port) = listen::parse_host_port(authority).map_err(|_| {
        shape("it needs a host, or an IPv6 address in brackets, and a port up to 65535")
    })?;
    if port == 0 {
        return Err(shape("port 0 cannot be connected to"));
    }
    // As written, without a trailing slash; an IPv6 address keeps its brackets.
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host
    };
    Ok(Setting::String(format!("{scheme}://{host}:{port}")))
}

/// Parses the address of a collector, `http(s)://HOST[:PORT][/PATH]`.
pub(crate) fn parse_target(text: &str) -> Result<Setting, ValueError> {
    let shape = |why: &str| {
        ValueError::invalid(format!(
            "{} is not the address of a collector: {why}",
            quoted(text)
        ))
        .hint(format!("write it like `https://collector:{PORT}`"))
    };
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .ok_or_else(|| shape("it does not start with `https://` or `http://`"))?;
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return Err(shape("a user name is not supported; use `headers`"));
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() {
        return Err(shape("it has no host"));
    }
    if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
        return Err(shape("its port is not one from 1 to 65535"));
    }
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\"<>".contains(&byte);
    if !text.bytes().all(is_plain) {
        return Err(shape(
            "it has a space, a query or a character that must be encoded",
        ));
    }
    if rest.trim_end_matches('/').ends_with("/v1/traces") {
        return Err(shape(
            "leave out `/v1/traces`, which is for one of three kinds of data",
        ));
    }
    Ok(Setting::String(text.trim_end_matches('/').to_owned()))
}

/// Checks the name of a header, and returns it in lower case, as it is sent.
pub(crate) fn header_name(name: &str) -> Result<String, ValueError> {
    let sent = name.to_ascii_lowercase();
    let is_name =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if sent.is_empty() || !sent.bytes().all(is_name) {
        return Err(
            ValueError::invalid(format!("{} is not a valid header name", quoted(name)))
                .hint("letters, digits, `-`, `_` and `.`"),
        );
    }
    if RESERVED_HEADERS.contains(&sent.as_str())
        || sent.starts_with("grpc-")
        || sent.ends_with("-bin")
    {
        return Err(ValueError::invalid(format!(
            "the header {} is reserved by gRPC",
            quoted(name)
        )));
    }
    Ok(sent)
}

/// Checks the value of a header.
pub(crate) fn header_value(value: &str) -> Result<(), ValueError> {
    // The message does not contain the value, which may be a secret.
    if value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    Err(ValueError::invalid(
        "a header value must be printable ASCII on one line",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;

    #[test]
    fn only_http_addresses_without_a_path_are_accepted() {
        for (text, read) in [
            ("http://127.0.0.1:4317", "http://127.0.0.1:4317"),
            (
                "http://collector.internal:1/",
                "http://collector.internal:1",
            ),
            ("http://[::1]:65535", "http://[::1]:65535"),
            ("https://collector:4317", "https://collector:4317"),
        ] {
            assert_eq!(
                parse_endpoint(text),
                Ok(Setting::String(read.to_owned())),
                "{text}"
            );
        }
        for text in [
            "",
            "127.0.0.1:4317",
            "grpc://127.0.0.1:4317",
            "http://",
            "http://:4317",
            "http://localhost",
            "http://localhost:0",
            "http://localhost:65536",
            "http://::1:4317",
            "http://localhost:4317/v1/logs",
            "http://localhost:4317?x=1",
            "http://me:secret@localhost:4317",
            "http://local host:1",
        ] {
            let code = parse_endpoint(text).map_err(|error| error.code);
            assert_eq!(code, Err(Code::InvalidValue), "{text}");
        }
    }

    #[test]
    fn a_collector_may_have_tls_and_a_path() {
        for (text, read) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318"),
            ("https://collector.example/", "https://collector.example"),
            ("https://[::1]:4317/otlp", "https://[::1]:4317/otlp"),
        ] {
            assert_eq!(parse_target(text), Ok(Setting::String(read.to_owned())));
        }
        for text in [
            "",
            "collector:4317",
            "ftp://collector",
            "http://",
            "http://:4317",
            "http://collector:0",
            "http://collector:x",
            "https://me:secret@collector",
            "https://collector/?a=1",
            "https://collector/v1/traces",
            "https://col lector",
        ] {
            assert!(parse_target(text).is_err(), "{text}");
        }
    }

    #[test]
    fn headers_are_valid_metadata() {
        assert_eq!(header_name("Authorization"), Ok("authorization".into()));
        assert_eq!(header_name("x-tenant_1.a"), Ok("x-tenant_1.a".into()));
        for name in [
            "",
            "a b",
            "naïve",
            "grpc-timeout",
            "Content-Type",
            "trace-bin",
        ] {
            let reported = header_name(name).map_err(|error| error.code);
            assert_eq!(reported, Err(Code::InvalidValue), "{name}");
        }
        assert_eq!(header_value(""), Ok(()));
        assert_eq!(header_value("Bearer x~"), Ok(()));
        for value in ["x\ny", "é", "\u{7f}"] {
            let reported = header_value(value).map_err(|error| error.message);
            assert!(
                reported.is_err_and(|reported| !reported.contains(value)),
                "{value}"
            );
        }
    }
}
