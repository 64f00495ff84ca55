//! Probes: `registered`, `started`, or a map with one of `http`, `tcp`, `exec`, `log` and timing keys.

use std::time::Duration;

use crate::code::Code;
use crate::diagnostic::quoted;
use crate::listen;
use crate::node::{Entry, Node, NodeKind};
use crate::other_tools::{self, Meaning};
use crate::process::{ProbeCheck, ProbeSettings};
use crate::scalars::{duration, parse_integer, parse_string_list, scalar};
use crate::suggest::closest;
use crate::value_error::ValueError;

const CHECK_KEYS: [&str; 4] = ["http", "tcp", "exec", "log"];
const TIMING_KEYS: [&str; 4] = ["interval", "timeout", "failures", "successes"];
/// Both addresses of the loopback, `127.0.0.1` and `::1`.
const LOOPBACK: &str = "localhost";

/// Parses a probe; `log` allows the checks of readiness: `started`, and log lines.
pub(crate) fn check(node: &Node, log: bool) -> Result<ProbeSettings, ValueError> {
    let what = match log {
        true => "`registered`, `started` or a map with one of `http`, `tcp`, `exec`, `log`",
        false => "`registered` or a map with one of `http`, `tcp`, `exec`",
    };
    let mut probe = ProbeSettings {
        check: ProbeCheck::Registered,
        interval: Duration::from_secs(2),
        timeout: Duration::from_secs(1),
        failures: 3,
        successes: 1,
    };
    let entries = match &node.value {
        NodeKind::Scalar { text, .. } if text == "registered" => return Ok(probe),
        NodeKind::Scalar { text, .. } if text == "started" && log => {
            probe.check = ProbeCheck::Started;
            return Ok(probe);
        }
        NodeKind::Mapping(entries) => entries,
        NodeKind::Scalar { text, .. } if CHECK_KEYS.contains(&text.as_str()) => {
            return Err(ValueError::expected(what, node).hint(format!("write `{{{text}: …}}`")));
        }
        _ => return Err(ValueError::expected(what, node)),
    };
    let mut check_key: Option<&str> = None;
    for Entry { key, value, .. } in entries {
        let with_key = |error: ValueError| ValueError {
            message: format!("`{key}`: {}", error.message),
            ..error
        };
        if CHECK_KEYS.contains(&key.as_str()) {
            if let Some(other) = check_key {
                return Err(ValueError::invalid(format!(
                    "a probe has one check, found `{other}` and `{key}`"
                )));
            }
            check_key = Some(key);
            probe.check = parse_check(key, value).map_err(with_key)?;
        } else {
            parse_timing(&mut probe, key, value).map_err(with_key)?;
        }
    }
    match (check_key, &probe.check) {
        (None, _) => Err(ValueError::expected(what, node)),
        (_, ProbeCheck::Log(_)) if !log => Err(ValueError::invalid(
            "a log line does not show whether the process is still alive",
        )
        .hint("`log` is for `ready`; use `http`, `tcp` or `exec` here")),
        _ => Ok(probe),
    }
}

fn parse_timing(probe: &mut ProbeSettings, key: &str, node: &Node) -> Result<(), ValueError> {
    match key {
        "interval" => probe.interval = duration(node, false)?,
        "timeout" => probe.timeout = duration(node, false)?,
        "failures" => probe.failures = parse_integer(node, 1, 1_000)? as u32,
        "successes" => probe.successes = parse_integer(node, 1, 1_000)? as u32,
        _ => {
            let mut error = ValueError::invalid("is not a key of a probe");
            error.code = Code::UnknownKey;
            match other_tools::probe_key(key) {
                Some(Meaning::Key(here)) => {
                    return Err(error.hint(format!("did you mean `{here}`?")));
                }
                Some(Meaning::Advice(text)) => return Err(error.hint(text)),
                None => {}
            }
            let known = CHECK_KEYS.iter().chain(&TIMING_KEYS).copied();
            return Err(match closest(key, known.clone()) {
                Some(name) => error.hint(format!("did you mean `{name}`?")),
                None => error.hint(format!(
                    "known keys: {}",
                    known.collect::<Vec<_>>().join(", ")
                )),
            });
        }
    }
    Ok(())
}

fn parse_check(key: &str, node: &Node) -> Result<ProbeCheck, ValueError> {
    match key {
        "http" => http(scalar(node, "a URL or a path such as `/healthz`")?),
        "tcp" => tcp(scalar(
            node,
            "a port, `host:port`, or `port` for the domain's own",
        )?),
        "exec" => Ok(ProbeCheck::Exec(parse_string_list(node, false, true)?)),
        _ => match scalar(node, "the text to look for")? {
            "" => Err(ValueError::invalid("an empty text matches every line")),
            text => Ok(ProbeCheck::Log(text.to_owned())),
        },
    }
}

fn http(text: &str) -> Result<ProbeCheck, ValueError> {
    let invalid_url = || {
        ValueError::invalid(format!("{} is not an HTTP address", quoted(text)))
            .hint("write a path like `/healthz` (at the domain's `port`) or `http://127.0.0.1:3000/healthz`")
    };
    let printable = |path: &str| path.chars().all(|c| c.is_ascii_graphic());
    if text.starts_with('/') && printable(text) {
        return Ok(ProbeCheck::Http {
            host: LOOPBACK.into(),
            port: None,
            path: text.to_owned(),
        });
    }
    if text.starts_with("https://") {
        return Err(ValueError::invalid("probes use plain HTTP")
            .hint("use `http://…`, or `exec` with a program that supports TLS"));
    }
    let rest = text.strip_prefix("http://").ok_or_else(invalid_url)?;
    let (authority, path) = match rest.find(['/', '?']) {
        Some(end) => rest.split_at(end),
        None => (rest, "/"),
    };
    if !printable(path) {
        return Err(invalid_url());
    }
    let with_port = if authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.contains(']'))
    {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let (host, port) = listen::parse_host_port(&with_port).map_err(|_| invalid_url())?;
    Ok(ProbeCheck::Http {
        host,
        port: Some(port),
        path: if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        },
    })
}

fn tcp(text: &str) -> Result<ProbeCheck, ValueError> {
    if text == "port" {
        return Ok(ProbeCheck::Tcp {
            host: LOOPBACK.into(),
            port: None,
        });
    }
    let address = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{LOOPBACK}:{text}")
    } else {
        text.to_owned()
    };
    let (host, port) = listen::parse_host_port(&address)?;
    if port == 0 {
        return Err(ValueError::invalid("port 0 cannot be connected to"));
    }
    Ok(ProbeCheck::Tcp {
        host,
        port: Some(port),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<ProbeSettings, ValueError> {
        check(&crate::yaml::parse(yaml).expect("valid YAML").root, true)
    }

    #[test]
    fn forms() {
        let tcp = |host: &str, port| ProbeCheck::Tcp {
            host: host.into(),
            port,
        };
        let http = |host: &str, port, path: &str| ProbeCheck::Http {
            host: host.into(),
            port,
            path: path.into(),
        };
        for (yaml, expected) in [
            ("registered", ProbeCheck::Registered),
            ("started", ProbeCheck::Started),
            (
                "{http: /healthz?x=1}",
                http("localhost", None, "/healthz?x=1"),
            ),
            (
                "{http: 'http://[::1]:3000/a'}",
                http("::1", Some(3000), "/a"),
            ),
            (
                "{http: 'http://localhost'}",
                http("localhost", Some(80), "/"),
            ),
            ("{tcp: 5432}", tcp("localhost", Some(5432))),
            ("{tcp: 'db:5432'}", tcp("db", Some(5432))),
            ("{tcp: port}", tcp("localhost", None)),
            (
                "{exec: [pg_isready, -q]}",
                ProbeCheck::Exec(vec!["pg_isready".into(), "-q".into()]),
            ),
            ("{log: listening}", ProbeCheck::Log("listening".into())),
        ] {
            assert_eq!(read(yaml).map(|probe| probe.check), Ok(expected), "{yaml}");
        }
        let probe = read("{tcp: 1, interval: 5s, failures: 9}").expect("valid");
        assert_eq!(
            (probe.interval, probe.failures),
            (Duration::from_secs(5), 9)
        );
    }

    #[test]
    fn other_forms_are_rejected() {
        for yaml in [
            "",
            "[]",
            "yes",
            "http",
            "{}",
            "{interval: 5s}",
            "{http: /a, tcp: 1}",
            "{tcp: 0}",
            "{tcp: x}",
            "{http: 'https://a/'}",
            "{http: 'ftp://a'}",
            "{http: /a b}",
            "{exec: pg_isready -q}",
            "{exec: []}",
            "{log: ''}",
            "{tcp: 1, interval: 0s}",
            "{tcp: 1, failures: 0}",
            "{tpc: 1}",
        ] {
            assert!(read(yaml).is_err(), "{yaml}");
        }
        let alive = check(
            &crate::yaml::parse("started").expect("valid YAML").root,
            false,
        );
        assert!(alive.is_err(), "a process that runs may hang");
        assert_eq!(
            read("{tpc: 1}").expect_err("unknown").hint.as_deref(),
            Some("did you mean `tcp`?")
        );
    }
}
