//! One question and its answer.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use fulcrum_config::ProbeCheck;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::readiness::probes::{ProbeTarget, describe_check};
use crate::readiness::{exec, http};

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
                connect(host, port).await.map(drop)
            }
            ProbeCheck::Http { host, port, path } => {
                let port = number(*port, life)?;
                http::http_get_status(connect(host, port).await?, &address(host, &port), path).await
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

/// `host:port`, with brackets where they are needed.
pub(crate) fn address(host: &str, port: &impl Display) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
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

async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    TcpStream::connect((host, port)).await.map_err(|error| {
        format!(
            "connect {}: {}",
            address(host, &port),
            io_error_text(&error)
        )
    })
}

/// The most frequent causes in one word.
fn io_error_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "refused".to_owned(),
        io::ErrorKind::ConnectionReset => "reset".to_owned(),
        _ => error.to_string(),
    }
}
