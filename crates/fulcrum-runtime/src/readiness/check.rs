//! Runs one check of a probe.

use std::ffi::OsStr;
use std::time::Duration;

use fulcrum_config::ProbeCheck;
use fulcrum_health::checks::{check_http, check_tcp, host_port};
use tokio::time::timeout;

use crate::readiness::exec;
use crate::readiness::target::ProbeTarget;

/// Runs a check once. The error says what failed, as text.
pub(crate) async fn run_check(
    check: &ProbeCheck,
    limit: Duration,
    target: &ProbeTarget,
) -> Result<(), String> {
    let running = async {
        match check {
            ProbeCheck::Tcp { host, port } => {
                let result = check_tcp(host, target_port(*port, target)?).await;
                result.map_err(|error| error.to_string())
            }
            ProbeCheck::Http { host, port, path } => {
                let result = check_http(host, target_port(*port, target)?, path).await;
                result.map_err(|error| error.to_string())
            }
            ProbeCheck::Exec(argv) => exec::run(argv, target).await,
            // Starts, registrations and log lines are not polled.
            ProbeCheck::Registered | ProbeCheck::Started | ProbeCheck::Log(_) => Ok(()),
        }
    };
    // A check that is dropped at its limit leaves neither a connection nor a process behind.
    timeout(limit, running).await.unwrap_or_else(|_| {
        let limit = humantime::format_duration(limit);
        Err(format!(
            "{}: no answer within {limit}",
            describe_check(check)
        ))
    })
}

/// A check as text, such as `http 127.0.0.1:3000/up`.
pub(crate) fn describe_check(check: &ProbeCheck) -> String {
    let address = |host: &str, port: &Option<u16>| {
        let port = port.map_or_else(|| "PORT".to_owned(), |port| port.to_string());
        host_port(host, &port)
    };
    match check {
        ProbeCheck::Registered => "registered".to_owned(),
        ProbeCheck::Started => "started".to_owned(),
        ProbeCheck::Http { host, port, path } => format!("http {}{path}", address(host, port)),
        ProbeCheck::Tcp { host, port } => format!("tcp {}", address(host, port)),
        ProbeCheck::Exec(argv) => format!("exec {}", argv.join(" ")),
        ProbeCheck::Log(text) => format!("log {text:?}"),
    }
}

/// The port to check: the configured one, or that in the environment of the generation.
fn target_port(port: Option<u16>, target: &ProbeTarget) -> Result<u16, String> {
    let assigned = || {
        let port = target.spec.env.get(OsStr::new("PORT"))?;
        port.to_str()?.parse().ok()
    };
    port.or_else(assigned)
        .ok_or_else(|| "its PORT is not a port number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_described_as_it_was_configured() {
        let http = ProbeCheck::Http {
            host: "::1".to_owned(),
            port: Some(80),
            path: "/up".to_owned(),
        };
        assert_eq!(describe_check(&http), "http [::1]:80/up");
        let tcp = ProbeCheck::Tcp {
            host: "127.0.0.1".to_owned(),
            port: None,
        };
        assert_eq!(describe_check(&tcp), "tcp 127.0.0.1:PORT");
    }
}
