//! Probes: `registered`, or a map with one of `http`, `tcp`, `exec`, `log` and its timing.

use std::time::Duration;

use crate::listen;
use crate::node::{Content, Entry, Node};
use crate::problem::quoted;
use crate::process::{Check, Probe};
use crate::suggest::nearest;
use crate::value::{self, Refusal};

const CHECKS: [&str; 4] = ["http", "tcp", "exec", "log"];
const TIMING: [&str; 4] = ["interval", "timeout", "failures", "successes"];
const LOOPBACK: &str = "127.0.0.1";

/// Checks a probe; `log` says whether a log line can answer it.
pub(crate) fn check(node: &Node, log: bool) -> Result<Probe, Refusal> {
    let what = "`registered` or a map with one of `http`, `tcp`, `exec`, `log`";
    let mut probe = Probe {
        check: Check::Registered,
        interval: Duration::from_secs(2),
        timeout: Duration::from_secs(1),
        failures: 3,
        successes: 1,
    };
    let entries = match &node.value {
        Content::Text { text, .. } if text == "registered" => return Ok(probe),
        Content::Map(entries) => entries,
        Content::Text { text, .. } if CHECKS.contains(&text.as_str()) => {
            return Err(Refusal::expected(what, node).hint(format!("write `{{{text}: …}}`")));
        }
        _ => return Err(Refusal::expected(what, node)),
    };
    let mut asked: Option<&str> = None;
    for Entry { key, value, .. } in entries {
        let within = |refusal: Refusal| Refusal {
            message: format!("`{key}`: {}", refusal.message),
            ..refusal
        };
        if CHECKS.contains(&key.as_str()) {
            if let Some(other) = asked {
                return Err(Refusal::invalid(format!(
                    "a probe asks one thing; here are `{other}` and `{key}`"
                )));
            }
            asked = Some(key);
            probe.check = question(key, value).map_err(within)?;
        } else {
            timing(&mut probe, key, value).map_err(within)?;
        }
    }
    match (asked, &probe.check) {
        (None, _) => Err(Refusal::expected(what, node)),
        (_, Check::Log(_)) if !log => Err(Refusal::invalid(
            "a line that was once printed doesn't tell whether the process is still alive",
        )
        .hint("`log` is for `ready`; use `http`, `tcp` or `exec` here")),
        _ => Ok(probe),
    }
}

fn timing(probe: &mut Probe, key: &str, node: &Node) -> Result<(), Refusal> {
    match key {
        "interval" => probe.interval = value::time(node, false)?,
        "timeout" => probe.timeout = value::time(node, false)?,
        "failures" => probe.failures = value::whole(node, 1, 1_000)? as u32,
        "successes" => probe.successes = value::whole(node, 1, 1_000)? as u32,
        _ => {
            let mut refusal = Refusal::invalid("is no key of a probe");
            refusal.code = "unknown-key";
            let known = CHECKS.iter().chain(&TIMING).copied();
            return Err(match nearest(key, known.clone()) {
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

fn question(key: &str, node: &Node) -> Result<Check, Refusal> {
    match key {
        "http" => http(value::scalar(node, "a URL or a path such as `/healthz`")?),
        "tcp" => tcp(value::scalar(
            node,
            "a port, `host:port`, or `port` for the domain's own",
        )?),
        "exec" => Ok(Check::Exec(value::texts(node, false, true)?)),
        _ => match value::scalar(node, "the text to look for")? {
            "" => Err(Refusal::invalid("an empty text is in every line")),
            text => Ok(Check::Log(text.to_owned())),
        },
    }
}

fn http(text: &str) -> Result<Check, Refusal> {
    let no_url = || {
        Refusal::invalid(format!("{} is no address that can be asked", quoted(text)))
            .hint("write a path like `/healthz` (at the domain's `port`) or `http://127.0.0.1:3000/healthz`")
    };
    let printable = |path: &str| path.chars().all(|c| c.is_ascii_graphic());
    if text.starts_with('/') && printable(text) {
        return Ok(Check::Http {
            host: LOOPBACK.into(),
            port: None,
            path: text.to_owned(),
        });
    }
    if text.starts_with("https://") {
        return Err(Refusal::invalid("probes speak plain HTTP")
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
    let (host, port) = listen::split(&with_port).map_err(|_| no_url())?;
    Ok(Check::Http {
        host,
        port: Some(port),
        path: if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        },
    })
}

fn tcp(text: &str) -> Result<Check, Refusal> {
    if text == "port" {
        return Ok(Check::Tcp {
            host: LOOPBACK.into(),
            port: None,
        });
    }
    let address = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{LOOPBACK}:{text}")
    } else {
        text.to_owned()
    };
    let (host, port) = listen::split(&address)?;
    if port == 0 {
        return Err(Refusal::invalid("nobody can be reached at port 0"));
    }
    Ok(Check::Tcp {
        host,
        port: Some(port),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Probe, Refusal> {
        check(&crate::yaml::parse(yaml).expect("valid YAML").root, true)
    }

    #[test]
    fn shapes() {
        let tcp = |host: &str, port| Check::Tcp {
            host: host.into(),
            port,
        };
        let http = |host: &str, port, path: &str| Check::Http {
            host: host.into(),
            port,
            path: path.into(),
        };
        for (yaml, wanted) in [
            ("registered", Check::Registered),
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
                Check::Exec(vec!["pg_isready".into(), "-q".into()]),
            ),
            ("{log: listening}", Check::Log("listening".into())),
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
