//! Why a check failed.

use std::error::Error;
use std::fmt;
use std::io;

/// Why a check failed. Its `Display` names the address and the reason in one line.
#[derive(Debug)]
#[non_exhaustive]
pub enum CheckError {
    /// The connection could not be made.
    Connect {
        /// `host:port`.
        address: String,
        /// The system's error.
        source: io::Error,
    },
    /// The path or the host is not valid in an HTTP request.
    InvalidRequest {
        /// `host:port`.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The response is not HTTP.
    NotHttp {
        /// `host:port`.
        address: String,
    },
    /// The connection was closed before the response.
    Closed {
        /// `host:port`.
        address: String,
    },
    /// Reading or writing failed.
    Transport {
        /// `host:port`.
        address: String,
        /// The reason.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The response has a status below 200 or above 399.
    Status(u16),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { address, source } => match source.kind() {
                io::ErrorKind::ConnectionRefused => write!(f, "connect {address}: refused"),
                io::ErrorKind::ConnectionReset => write!(f, "connect {address}: reset"),
                _ => write!(f, "connect {address}: {source}"),
            },
            Self::InvalidRequest { address, reason } => write!(f, "http {address}: {reason}"),
            Self::NotHttp { address } => write!(f, "http {address}: not an HTTP response"),
            Self::Closed { address } => {
                write!(f, "http {address}: connection closed without a response")
            }
            Self::Transport { address, source } => write!(f, "http {address}: {source}"),
            Self::Status(status) => write!(f, "http {status}"),
        }
    }
}

impl Error for CheckError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connect { source, .. } => Some(source),
            Self::Transport { source, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}
