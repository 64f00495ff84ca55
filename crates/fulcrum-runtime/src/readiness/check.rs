//! Runs one check of a probe.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::ProbeCheck;
use fulcrum_health::checks::{check_http, check_tcp, host_port};
use fulcrum_spawn::process::{ListenerOwner, Process, listen_addresses, listener_owner};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use crate::readiness::answer::{
    Answer, CheckFailure, combine, judge, loopback_addresses, with_hint,
};
use crate::readiness::exec;
use crate::readiness::target::ProbeTarget;

/// Runs a check once.
pub(crate) async fn run_check(
    check: &ProbeCheck,
    limit: Duration,
    target: &ProbeTarget,
) -> Result<Answer, CheckFailure> {
    match check {
        ProbeCheck::Tcp { host, port } => check_address(host, *port, None, limit, target).await,
        ProbeCheck::Http { host, port, path } => {
            check_address(host, *port, Some(path), limit, target).await
        }
        ProbeCheck::Exec(argv) => {
            // It costs a fork as a start does. Starts that wait for their forks go first.
            drop(target.limiter.acquire_fork().await);
            let running = timeout(limit, exec::run(argv, target));
            let result = running
                .await
                .unwrap_or_else(|_| Err(no_answer(&describe_check(check), limit)));
            result.map(|()| Answer::Accepted).map_err(CheckFailure::new)
        }
        // Starts, registrations and log lines are not polled.
        ProbeCheck::Registered | ProbeCheck::Started | ProbeCheck::Log(_) => Ok(Answer::Accepted),
    }
}

/// Checks a port by a connection or, with a path, by a request. On the loopback, only an answer of
/// the domain itself counts.
async fn check_address(
    host: &str,
    port: Option<u16>,
    path: Option<&String>,
    limit: Duration,
    target: &ProbeTarget,
) -> Result<Answer, CheckFailure> {
    let port = target_port(port, target).map_err(CheckFailure::new)?;
    let loopback = loopback_addresses(host);
    if loopback.is_empty() {
        return connect(host, port, path, limit)
            .await
            .map(|()| Answer::Accepted);
    }
    let mut checks = JoinSet::new();
    for (place, ip) in loopback.into_iter().enumerate() {
        let (path, process) = (path.cloned(), Arc::clone(&target.process));
        // A check that is dropped at its limit leaves no connection behind.
        checks.spawn(async move {
            let result = connect(&ip.to_string(), port, path.as_ref(), limit).await;
            let address = SocketAddr::new(ip, port);
            let result = match result {
                Ok(()) => verify(address, process).await,
                Err(failure) => Err(failure),
            };
            (place, result)
        });
    }
    let mut results = checks.join_all().await;
    results.sort_by_key(|(place, _)| *place);
    let results = results.into_iter().map(|(_, result)| result).collect();
    match combine(results) {
        Err(failure) => Err(add_hint(failure, target).await),
        answer => answer,
    }
}

async fn connect(
    host: &str,
    port: u16,
    path: Option<&String>,
    limit: Duration,
) -> Result<(), CheckFailure> {
    let running = async {
        match path {
            Some(path) => check_http(host, port, path).await,
            None => check_tcp(host, port).await,
        }
    };
    match timeout(limit, running).await {
        Ok(result) => result.map_err(|error| CheckFailure::new(error.to_string())),
        Err(_) => {
            let (kind, path) = path.map_or(("tcp", ""), |path| ("http", path.as_str()));
            let check = format!("{kind} {}{path}", host_port(host, &port));
            Err(CheckFailure::new(no_answer(&check, limit)))
        }
    }
}

fn no_answer(check: &str, limit: Duration) -> String {
    let limit = humantime::format_duration(limit);
    format!("{check}: no answer within {limit}")
}

/// Whether a process of the domain answers at an address.
async fn verify(address: SocketAddr, process: Arc<Process>) -> Result<Answer, CheckFailure> {
    let finding = spawn_blocking(move || listener_owner(address, &pids(&process)));
    // Only a shutdown cancels it.
    let owner = finding.await.unwrap_or(ListenerOwner::Unseen);
    judge(address, owner)
}

/// Adds the addresses at which the domain listens to a failure.
async fn add_hint(failure: CheckFailure, target: &ProbeTarget) -> CheckFailure {
    if !failure.is_stranger && !failure.text.ends_with(": refused") {
        return failure;
    }
    let process = Arc::clone(&target.process);
    let finding = spawn_blocking(move || listen_addresses(&pids(&process)));
    with_hint(failure, &finding.await.unwrap_or_default())
}

fn pids(process: &Process) -> Vec<u32> {
    process.survivors().iter().map(|one| one.pid).collect()
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
