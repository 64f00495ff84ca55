//! One question and its answer.

use std::time::Duration;

use fulcrum_config::ProbeCheck;
use fulcrum_health::checks::{check_http, check_tcp};
use tokio::time::timeout;

use crate::readiness::exec;
use crate::readiness::probes::{ProbeTarget, describe_check};

/// Asks once. The error says, for people, what was wrong.
pub(crate) async fn run_check(
    check: &ProbeCheck,
    limit: Duration,
    life: &ProbeTarget,
) -> Result<(), String> {
    let asked = async {
        match check {
            ProbeCheck::Tcp { host, port } => {
                let port = number(*port, life)?;
                let result = check_tcp(host, port).await;
                result.map_err(|error| error.to_string())
            }
            ProbeCheck::Http { host, port, path } => {
                let port = number(*port, life)?;
                let result = check_http(host, port, path).await;
                result.map_err(|error| error.to_string())
            }
            ProbeCheck::Exec(argv) => exec::run(argv, life).await,
            // Others answer these.
            ProbeCheck::Registered | ProbeCheck::Log(_) => Ok(()),
        }
    };
    // Dropped at its limit, a question leaves nothing behind: neither a connection nor a process.
    timeout(limit, asked).await.unwrap_or_else(|_| {
        let limit = humantime::format_duration(limit);
        Err(format!(
            "{}: no answer within {limit}",
            describe_check(check)
        ))
    })
}

/// The port that is asked at: where none is named the one that this life was given.
fn number(port: Option<u16>, life: &ProbeTarget) -> Result<u16, String> {
    let given = || {
        let port = life.spec.env.get(std::ffi::OsStr::new("PORT"))?;
        port.to_str()?.parse().ok()
    };
    port.or_else(given)
        .ok_or_else(|| "its PORT is no port number".to_owned())
}
