//! A TCP connection as a check.

use std::fmt::Display;

use tokio::net::TcpStream;

use super::error::CheckError;

/// Connects to `host:port` and closes the connection.
///
/// # Errors
/// [`CheckError::Connect`].
pub async fn check_tcp(host: &str, port: u16) -> Result<(), CheckError> {
    connect(host, port).await.map(drop)
}

pub(super) async fn connect(host: &str, port: u16) -> Result<TcpStream, CheckError> {
    TcpStream::connect((host, port))
        .await
        .map_err(|source| CheckError::Connect {
            address: host_port(host, &port),
            source,
        })
}

/// `host:port`, with brackets around an IPv6 address.
#[must_use]
pub fn host_port(host: &str, port: &impl Display) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}
