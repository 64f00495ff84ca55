//! Probes: `registered`, or a map with one of `http`, `tcp`, `exec`, `log` and its timing.

use std::time::Duration;

use crate::diagnostic::quoted;
use crate::listen;
use crate::node::{Entry, Node, NodeKind};
use crate::process::{ProbeCheck, ProbeSettings};
use crate::scalars::{duration, parse_integer, parse_string_list, scalar};
use crate::suggest::closest;
use crate::value_error::ValueError;

const CHECK_KEYS: [&str; 4] = ["http", "tcp", "exec", "log"];
const TIMING_KEYS: [&str; 4] = ["interval", "timeout", "failures", "successes"];
const LOOPBACK: &str = "127.0.0.1";

/// Checks a probe; `log` says whether a log line can answer it.
pub(crate) fn check(node: &Node, log: bool) -> Result<ProbeSettings, ValueError> {
    let what = "`registered` or a map with one of `http`, `tcp`, `exec`, `log`";
    let mut probe = ProbeSettings {
        check: ProbeCheck::Registered,
        interval: Duration::from_secs(2),
        timeout: Duration::from_secs(1),
        failures: 3,
        successes: 1,
    };
    let entries = match &node.value {
        NodeKind::Scalar { text, .. } if text == "registered" => return Ok(probe),
        NodeKind::Mapping(entries) => entries,
        NodeKind::Scalar { text, .. } if CHECK_KEYS.contains(&text.as_str()) => {
            return Err(ValueError::expected(what, node).hint(format!("write `{{{text}: …}}`")));
        }
        _ => return Err(ValueError::expected(what, node)),
    };
    let mut asked: Option<&str> = None;
    for Entry { key, value, .. } in entries {
        let within = |refusal: ValueError| ValueError {
            message: format!("`{key}`: {}", refusal.message),
            ..refusal
        };
        if CHECK_KEYS.contains(&key.as_str()) {
            if let Some(other) = asked {
                return Err(ValueError::invalid(format!(
                    "a probe asks one thing; here are `{other}` and `{key}`"
                )));
            }
            asked = Some(key);
            probe.check = parse_check(key, value).map_err(within)?;
        } else {
            timing(&mut probe, key, value).map_err(within)?;
        }
    }
    match (asked, &probe.check) {
        (None, _) => Err(ValueError::expected(what, node)),
        (_, ProbeCheck::Log(_)) if !log => Err(ValueError::invalid(
            "a line that was once printed doesn't tell whether the process is still alive",
        )
        .hint("`log` is for `ready`; use `http`, `tcp` or `exec` here")),
        _ => Ok(probe),
    }
}

fn timing(probe: &mut ProbeSettings, key: &str, node: &Node) -> Result<(), ValueError> {
    match key {
        "interval" => probe.interval = duration(node, false)?,
        "timeout" => probe.timeout = duration(node, false)?,
        "failures" => probe.failures = parse_integer(node, 1, 1_000)? as u32,
        "successes" => probe.successes = parse_integer(node, 1, 1_000)? as u32,
        _ => {
            let mut refusal = ValueError::invalid("is no key of a probe");
            refusal.code = "unknown-key";
            let known = CHECK_KEYS.iter().chain(&TIMING_KEYS).copied();
            return Err(match closest(key, known.clone()) {
                Some(name) => refusal.hint(format!("did you mean `{name}`?")),
                None => refusal.hint(format!(
                    "known are {}",
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
            "" => Err(ValueError::invalid("an empty text is in every line")),
            text => Ok(ProbeCheck::Log(text.to_owned())),
        },
    }
}

fn http(text: &str) -> Result<ProbeCheck, ValueError> {
    let no_url = || {
        ValueError::invalid(format!("{} is no address that can be asked", quoted(text)))
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
        return Err(ValueError::invalid("probes speak plain HTTP")
            .hint("ask `http://…`, or use `exec` with a program that speaks TLS"));
    }
    let rest = text.strip_prefix("http://").ok_or_else(no_url)?;
    let (authority, path) = match rest.find(['/', '?']) {
        Some(end) => rest.split_at(end),
        None => (rest, "/"),
    };
    if !printable(path) {
        return Err(no_url());
    }
    let with_port = if authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.contains(']'))
    {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let (host, port) = listen::parse_host_port(&with_port).map_err(|_| no_url())?;
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
        return Err(ValueError::invalid("nobody can be reached at port 0"));
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
    fn shapes() {
        let tcp = |host: &str, port| ProbeCheck::Tcp {
            host: host.into(),
            port,
        };
        let http = |host: &str, port, path: &str| ProbeCheck::Http {
            host: host.into(),
            port,
            path: path.into(),
        };
        for (yaml, wanted) in [
            ("registered", ProbeCheck::Registered),
            (
                "{http: /healthz?x=1}",
                http("127.0.0.1", None, "/healthz?x=1"),
            ),
            (
                "{http: 'http://[::1]:3000/a'}",
                http("::1", Some(3000), "/a"),
            ),
            (
                "{http: 'http://localhost'}",
                http("localhost", Some(80), "/"),
            ),
            ("{tcp: 5432}", tcp("127.0.0.1", Some(5432))),
            ("{tcp: 'db:5432'}", tcp("db", Some(5432))),
            ("{tcp: port}", tcp("127.0.0.1", None)),
            (
                "{exec: [pg_isready, -q]}",
                ProbeCheck::Exec(vec!["pg_isready".into(), "-q".into()]),
            ),
            ("{log: listening}", ProbeCheck::Log("listening".into())),
        ] {
            assert_eq!(read(yaml).map(|probe| probe.check), Ok(wanted), "{yaml}");
        }
        let probe = read("{tcp: 1, interval: 5s, failures: 9}").expect("valid");
        assert_eq!(
            (probe.interval, probe.failures),
            (Duration::from_secs(5), 9)
        );
    }

    #[test]
    fn refuses_other_shapes() {
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
        assert_eq!(
            read("{tpc: 1}").expect_err("unknown").hint.as_deref(),
            Some("did you mean `tcp`?")
        );
    }
}
