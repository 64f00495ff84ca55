//! One question and its answer.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use fulcrum_config::Check;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::readiness::probes::{Probed, words};
use crate::readiness::{exec, http};

/// Asks once. The error says, for people, what was wrong.
pub(crate) async fn ask(check: &Check, limit: Duration, life: &Probed) -> Result<(), String> {
    let asked = async {
        match check {
            Check::Tcp { host, port } => {
                let port = number(*port, life)?;
                connect(host, port).await.map(drop)
            }
            Check::Http { host, port, path } => {
                let port = number(*port, life)?;
                http::get(connect(host, port).await?, &address(host, &port), path).await
            }
            Check::Exec(argv) => exec::run(argv, life).await,
            // Others answer these.
            Check::Registered | Check::Log(_) => Ok(()),
        }
    };
    // Dropped at its limit, a question leaves nothing behind: neither a connection nor a process.
    timeout(limit, asked).await.unwrap_or_else(|_| {
        let limit = humantime::format_duration(limit);
        Err(format!("{}: no answer within {limit}", words(check)))
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
fn number(port: Option<u16>, life: &Probed) -> Result<u16, String> {
    let given = || {
        let port = life.spec.env.get(std::ffi::OsStr::new("PORT"))?;
        port.to_str()?.parse().ok()
    };
    port.or_else(given)
        .ok_or_else(|| "its PORT is no port number".to_owned())
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    TcpStream::connect((host, port))
        .await
        .map_err(|error| format!("connect {}: {}", address(host, &port), cause(&error)))
}

/// The most frequent causes in one word.
fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "refused".to_owned(),
        io::ErrorKind::ConnectionReset => "reset".to_owned(),
        _ => error.to_string(),
    }
}
